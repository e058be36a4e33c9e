import type { ErrorCode } from '../domain/errors';
import type { OperationKind, OperationSource } from '../domain/operation';
import type { RuntimeStatus } from '../domain/runtime-status';
import { storableText } from '../domain/text';
import type { OperationEntry } from '../stores/operation-log';

/** The game a call is about, and the registration that may write its record. */
export interface GameRef {
  gameId: string;
  registrationId: string;
}

/** An operation as the workflow knows it: what its row in `operation_log` is made of. */
export interface Operation {
  /** Made by the workflow, so that a repeated write finds its own row. */
  operationId: string;
  kind: OperationKind;
  source: OperationSource | null;
  actor: string | null;
  /** Epoch milliseconds. */
  startedAt: number;
  /** Only operations that a caller asked for have a key. */
  key?: { idempotencyKey: string; requestHash: string };
}

/** Why an operation failed, for the log and for its caller. */
export interface Failure {
  code: ErrorCode;
  message: string;
}

/** `statusTo` is null where the operation changed no status: no edge was taken. */
export function succeeded(
  game: GameRef,
  operation: Operation,
  statusFrom: RuntimeStatus,
  statusTo: RuntimeStatus | null,
): OperationEntry {
  return {
    ...identity(game, operation),
    statusFrom,
    statusTo,
    outcome: 'success',
    errorCode: null,
    errorMessage: null,
  };
}

/** `statusTo` is null where the failure changed nothing: no edge was taken. */
export function failed(
  game: GameRef,
  operation: Operation,
  failure: Failure,
  statusFrom: RuntimeStatus | null,
  statusTo: RuntimeStatus | null,
): OperationEntry {
  return {
    ...identity(game, operation),
    statusFrom,
    statusTo,
    outcome: 'failure',
    errorCode: failure.code,
    // It may be words of an engine, of Runtime Manager, or of a person at the Temporal UI.
    errorMessage: storableText(failure.message),
  };
}

function identity({ gameId, registrationId }: GameRef, { startedAt, ...operation }: Operation) {
  return { gameId, registrationId, ...operation, startedAt: new Date(startedAt) };
}
