import { GameMasterError } from '../../domain/errors';
import { toRuntimeRecord } from '../../domain/runtime-record';
import type { OperationLogStore, OperationRow } from '../../stores/operation-log';
import type { RuntimeCursor, RuntimeRecordStore } from '../../stores/runtime-records';
import type { ApiApp } from '../api-app';
import { isExactTime, readCursor, readLimit, unknownCursor, writeCursor } from '../paging';
import {
  gameParams,
  noQuery,
  operationPage,
  operationsQuery,
  runtimePage,
  runtimeRecord,
  runtimesQuery,
} from '../schemas';

const LIST = 'runtimes';

export interface RuntimeRouteOptions {
  records: RuntimeRecordStore;
  operations: OperationLogStore;
}

/** What is known of games. */
export function runtimeRoutes(app: ApiApp, { records, operations }: RuntimeRouteOptions): void {
  /** Errors: invalid_request, runtime_not_found. */
  app.get(
    '/api/v1/internal/runtimes/:game_id',
    {
      schema: {
        operationId: 'internalGetRuntime',
        params: gameParams,
        querystring: noQuery,
        response: { 200: runtimeRecord },
      },
    },
    async ({ params: { game_id: gameId } }) => {
      const row = await records.find(gameId);
      if (row === null) throw notRegistered(gameId);
      return toRuntimeRecord(row, new Date());
    },
  );

  /** Errors: invalid_request. */
  app.get(
    '/api/v1/internal/runtimes',
    {
      schema: {
        operationId: 'internalListRuntimes',
        querystring: runtimesQuery,
        response: { 200: runtimePage },
      },
    },
    async ({ query: { status, limit, cursor } }) => {
      const { rows, next } = await records.list({
        limit: readLimit(limit),
        ...(status !== undefined && { status }),
        ...(cursor !== undefined && { after: readPosition(cursor) }),
      });
      const now = new Date();
      return {
        runtimes: rows.map((row) => toRuntimeRecord(row, now)),
        next_cursor: next === null ? null : writeCursor(LIST, [next.createdAt, next.gameId]),
      };
    },
  );

  /** Errors: invalid_request, runtime_not_found. */
  app.get(
    '/api/v1/internal/runtimes/:game_id/operations',
    {
      schema: {
        operationId: 'internalListOperations',
        params: gameParams,
        querystring: operationsQuery,
        response: { 200: operationPage },
      },
    },
    async ({ params: { game_id: gameId }, query: { limit, cursor } }) => {
      const list = operationsOf(gameId);
      const page = await operations.list(gameId, {
        limit: readLimit(limit),
        ...(cursor !== undefined && { before: readLogPosition(list, cursor) }),
      });
      // A game whose only registration failed has operations and no record.
      if (page.operations.length === 0 && (await records.find(gameId)) === null) throw notRegistered(gameId);
      return {
        operations: page.operations.map(toOperation),
        next_cursor: page.next === null ? null : writeCursor(list, [page.next.toString()]),
      };
    },
  );
}

function notRegistered(gameId: string): GameMasterError {
  return new GameMasterError('runtime_not_found', `game ${gameId} is not registered`);
}

function toOperation(row: OperationRow) {
  return {
    operation_id: row.operationId,
    game_id: row.gameId,
    kind: row.kind,
    source: row.source,
    actor: row.actor,
    status_from: row.statusFrom,
    status_to: row.statusTo,
    outcome: row.outcome,
    error_code: row.errorCode,
    error_message: row.errorMessage,
    started_at: row.startedAt.toISOString(),
    finished_at: row.finishedAt.toISOString(),
  };
}

/** Each game's operations are a list of their own. */
function operationsOf(gameId: string): string {
  return `operations of ${gameId}`;
}

function readLogPosition(list: string, cursor: string): number {
  const [position = ''] = readCursor(list, cursor, 1);
  if (!/^[1-9]\d{0,14}$/.test(position)) throw unknownCursor();
  return Number(position);
}

function readPosition(cursor: string): RuntimeCursor {
  const [createdAt = '', gameId = ''] = readCursor(LIST, cursor, 2);
  if (!isExactTime(createdAt) || !gameParams.safeParse({ game_id: gameId }).success) throw unknownCursor();
  return { createdAt, gameId };
}
