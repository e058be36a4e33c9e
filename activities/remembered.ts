import type { OperationLogStore } from '../stores/operation-log';
import type { Failure, Operation } from './operation';

/** An operation that was carried out under this key before: its outcome is answered again, and nothing is done. */
export interface Remembered {
  hash: string;
  failure: Failure | null;
}

/**
 * The server dedupes an update within one run only; across runs the log does. A row of this very operation is not a
 * memory but its own earlier attempt.
 */
export async function findRemembered(
  operations: OperationLogStore,
  gameId: string,
  { kind, key, operationId }: Operation,
): Promise<Remembered | null> {
  if (key === undefined) return null;
  const row = await operations.findByKey(gameId, kind, key.idempotencyKey);
  if (row === null || row.operationId === operationId) return null;
  return {
    hash: row.requestHash,
    failure:
      row.outcome === 'failure'
        ? { code: row.errorCode ?? 'internal_error', message: row.errorMessage ?? '' }
        : null,
  };
}
