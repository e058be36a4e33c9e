import type { ErrorCode } from '../domain/errors';
import type { OperationKind, OperationOutcome, OperationSource } from '../domain/operation';
import type { RuntimeStatus } from '../domain/runtime-status';
import type { Database } from './postgres';

/** One operation on a game, as it goes into the log when it is over. */
export interface OperationEntry {
  /** UUID, the same however often the write is tried. */
  operationId: string;
  gameId: string;
  registrationId: string | null;
  kind: OperationKind;
  source: OperationSource | null;
  actor: string | null;
  statusFrom: RuntimeStatus | null;
  statusTo: RuntimeStatus | null;
  outcome: OperationOutcome;
  errorCode: ErrorCode | null;
  errorMessage: string | null;
  /** Absent for what no caller asked for, and for what is not remembered. */
  key?: { idempotencyKey: string; requestHash: string };
  startedAt: Date;
  /** The time of the write when absent. */
  finishedAt?: Date;
}

/** An operation as it is listed. */
export interface OperationRow extends Omit<OperationEntry, 'key'> {
  /** Grows with every row of the log: the `before` of what comes after it in the list. */
  position: number;
  finishedAt: Date;
}

/** What is remembered of a call. `response` is the JSON of the reply that was given, null without one. */
export interface RememberedOperation {
  operationId: string;
  requestHash: string;
  outcome: OperationOutcome;
  errorCode: ErrorCode | null;
  errorMessage: string | null;
  response: unknown;
}

const COLUMNS = {
  operation_id: 'uuid',
  game_id: 'text',
  registration_id: 'text',
  kind: 'text',
  source: 'text',
  actor: 'text',
  status_from: 'text',
  status_to: 'text',
  outcome: 'text',
  error_code: 'text',
  error_message: 'text',
  idempotency_key: 'text',
  request_hash: 'text',
  started_at: 'timestamptz',
  finished_at: 'timestamptz',
};

type OperationRecord = Record<keyof typeof COLUMNS, unknown>;

/**
 * SQL that inserts the operations in the JSON array `parameter`, once for every row of `source` (none: nothing is
 * inserted). Repeating it does nothing.
 */
export const INSERT_OPERATIONS = (parameter: string, source?: string): string => `
  INSERT INTO gamemaster.operation_log (${Object.keys(COLUMNS).join(', ')})
  SELECT ${Object.keys(COLUMNS)
    .map((name) => (name === 'finished_at' ? `COALESCE(operation.${name}, now())` : `operation.${name}`))
    .join(', ')}
  FROM ${source === undefined ? '' : `${source}, `}jsonb_to_recordset(${parameter}::jsonb)
    AS operation(${Object.entries(COLUMNS)
      .map(([name, type]) => `${name} ${type}`)
      .join(', ')})
  ON CONFLICT (operation_id) DO NOTHING`;

const APPEND = { name: 'operation_append', text: INSERT_OPERATIONS('$1') };

/** The operations as INSERT_OPERATIONS takes them. */
export function toOperationRecords(entries: readonly OperationEntry[]): OperationRecord[] {
  return entries.map((entry) => ({
    operation_id: entry.operationId,
    game_id: entry.gameId,
    registration_id: entry.registrationId,
    kind: entry.kind,
    source: entry.source,
    actor: entry.actor,
    status_from: entry.statusFrom,
    status_to: entry.statusTo,
    outcome: entry.outcome,
    error_code: entry.errorCode,
    error_message: entry.errorMessage,
    idempotency_key: entry.key?.idempotencyKey,
    request_hash: entry.key?.requestHash,
    started_at: entry.startedAt,
    finished_at: entry.finishedAt,
  }));
}

/** The audit log, and the memory of idempotency keys. */
export class OperationLogStore {
  constructor(private readonly database: Database) {}

  /** Adds an operation that changes no record; adding it again does nothing. */
  async append(entry: OperationEntry): Promise<void> {
    await this.database.run(APPEND, [JSON.stringify(toOperationRecords([entry]))]);
  }

  /** What became of the call with this key, or null when the key is new. */
  async findByKey(gameId: string, kind: OperationKind, key: string): Promise<RememberedOperation | null> {
    const found = await this.database.kysely
      .selectFrom('operation_log')
      .select([
        'operation_id as operationId',
        'request_hash as requestHash',
        'outcome',
        'error_code as errorCode',
        'error_message as errorMessage',
        'response',
      ])
      .where('game_id', '=', gameId)
      .where('kind', '=', kind)
      .where('idempotency_key', '=', key)
      .$narrowType<{ requestHash: string }>()
      .executeTakeFirst();
    return found ?? null;
  }

  /** How many registrations of the game have failed: the number of the next attempt's update id. */
  async countFailedRegistrations(gameId: string): Promise<number> {
    const { failed } = await this.database.kysely
      .selectFrom('operation_log')
      .select(({ fn }) => fn.countAll<number>().as('failed'))
      .where('game_id', '=', gameId)
      .where('kind', '=', 'register')
      .where('outcome', '=', 'failure')
      .executeTakeFirstOrThrow();
    return failed;
  }

  /** Newest first. `next` is the `before` of the next page, null on the last one. */
  async list(
    gameId: string,
    page: { limit: number; before?: number },
  ): Promise<{ operations: OperationRow[]; next: number | null }> {
    const { limit, before } = page;
    const rows = await this.database.kysely
      .selectFrom('operation_log')
      .select([
        'position',
        'operation_id as operationId',
        'game_id as gameId',
        'registration_id as registrationId',
        'kind',
        'source',
        'actor',
        'status_from as statusFrom',
        'status_to as statusTo',
        'outcome',
        'error_code as errorCode',
        'error_message as errorMessage',
        'started_at as startedAt',
        'finished_at as finishedAt',
      ])
      .where('game_id', '=', gameId)
      .$if(before !== undefined, (query) => query.where('position', '<', before ?? 0))
      .orderBy('position', 'desc')
      .limit(limit + 1)
      .execute();
    const operations = rows.slice(0, limit);
    return { operations, next: rows.length > limit ? (operations.at(-1)?.position ?? null) : null };
  }
}
