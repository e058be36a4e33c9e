import { randomUUID } from 'node:crypto';
import type { Counter } from 'prom-client';
import { gameLogger, type Logger } from '../../service/logging';
import type { Game } from '../domain/game';
import type { GameMaster } from '../game-master';
import type { Queries } from '../stores/postgres';
import { addTask, removeTask, type Task } from '../stores/tasks';
import type { Changes } from './changes';

export interface MembershipNoticesParts {
  database: Queries;
  changes: Pick<Changes, 'inGame'>;
  gameMaster: Pick<GameMaster, 'invalidateMemberships'>;
  sent: Pick<Counter<'outcome'>, 'inc'>;
  log: Logger;
  /** After so many milliseconds whoever made a change and has not told of it is taken for dead. */
  overdueMs: number;
}

/** Asks, in the transaction of a change, for Game Master to be told of it; at once, unless somebody else is about to. */
export async function addNotice(queries: Queries, gameId: string, delayMs = 0): Promise<Task> {
  // Each change has a notice of its own: one that was sent before it was committed says nothing of it.
  const notice = await addTask(queries, gameId, 'invalidate', { subject: randomUUID(), delayMs });
  if (notice === null) throw new Error('there are two notices of one name');
  return notice;
}

/** Tells Game Master that other people may play than before, so that it asks for them again. */
export class MembershipNotices {
  constructor(private readonly parts: MembershipNoticesParts) {}

  /**
   * A change of one game after which other people may play. Resolves when it is committed and Game Master has heard of
   * it, or cannot be reached; if this process dies in between, another one tells.
   */
  async inGame<T>(gameId: string, work: (queries: Queries, game: Game) => Promise<T>): Promise<T> {
    const { changes, overdueMs, log } = this.parts;
    const { result, notice } = await changes.inGame(gameId, async (queries, game) => ({
      result: await work(queries, game),
      notice: await addNotice(queries, gameId, overdueMs),
    }));
    await this.settle(notice).catch((error: unknown) =>
      gameLogger(log, gameId).warn({ err: error }, 'game master may be told again that memberships changed'),
    );
    return result;
  }

  /**
   * Tells once, and forgets the notice whatever comes of it: what was decided stays decided, and Game Master asks by
   * itself before long. @throws when it was broken off, or Postgres is away: the notice is there still
   */
  async settle(notice: Task, signal?: AbortSignal): Promise<void> {
    const { database, gameMaster, sent, log } = this.parts;
    const { gameId } = notice;
    try {
      await gameMaster.invalidateMemberships(gameId, signal);
      sent.inc({ outcome: 'success' });
    } catch (error) {
      if (signal?.aborted) throw error;
      sent.inc({ outcome: 'failure' });
      gameLogger(log, gameId).warn({ err: error }, 'game master was not told that memberships changed');
    }
    await removeTask(database, notice);
  }
}
