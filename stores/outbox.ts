import { sql } from 'kysely';
import type { Database, Statement } from './postgres';

/** An event on its way to a stream. */
export interface OutboxEvent {
  /** Orders the events of a game, from 1 on, and tells the publisher which it has sent. */
  seq: number;
  stream: string;
  eventId: string;
  /** The flat text fields of the stream's entry. */
  payload: Record<string, string>;
}

export interface PendingEvent extends OutboxEvent {
  registrationId: string;
}

const PENDING: Statement = {
  name: 'outbox_pending',
  text: `
    SELECT registration_id AS "registrationId", seq, stream, event_id AS "eventId", payload
    FROM gamemaster.outbox WHERE game_id = $1 ORDER BY seq LIMIT $2`,
};

const REMOVE: Statement = {
  name: 'outbox_remove',
  text: 'DELETE FROM gamemaster.outbox WHERE game_id = $1 AND seq <= $2',
};

/** Events that wait to be published. They are put in by RuntimeRecordStore.change, with the change that they tell. */
export class OutboxStore {
  constructor(private readonly database: Database) {}

  /** The next events of a game, in order. */
  pending(gameId: string, limit: number): Promise<PendingEvent[]> {
    return this.database.run<PendingEvent>(PENDING, [gameId, limit]);
  }

  /** Forgets the events of a game up to and with `throughSeq`: they have been published. */
  async remove(gameId: string, throughSeq: number): Promise<void> {
    await this.database.run(REMOVE, [gameId, throughSeq]);
  }

  /** What waits in all, and the age in milliseconds of the oldest (0 when nothing waits). */
  async depth(): Promise<{ rows: number; oldestAgeMs: number }> {
    return this.database.kysely
      .selectFrom('outbox')
      .select(({ fn }) => [
        fn.countAll<number>().as('rows'),
        sql<number>`COALESCE(EXTRACT(EPOCH FROM now() - min(created_at)) * 1000, 0)::float8`.as(
          'oldestAgeMs',
        ),
      ])
      .executeTakeFirstOrThrow();
  }
}
