import { GameMasterError } from '../../domain/errors';
import { toRuntimeRecord } from '../../domain/runtime-record';
import type { RuntimeCursor, RuntimeRecordStore } from '../../stores/runtime-records';
import type { ApiApp } from '../api-app';
import { isExactTime, readCursor, readLimit, unknownCursor, writeCursor } from '../paging';
import { gameParams, noQuery, runtimePage, runtimeRecord, runtimesQuery } from '../schemas';

const LIST = 'runtimes';

/** What is known of games. */
export function runtimeRoutes(app: ApiApp, { records }: { records: RuntimeRecordStore }): void {
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
      if (row === null) throw new GameMasterError('runtime_not_found', `game ${gameId} is not registered`);
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
}

function readPosition(cursor: string): RuntimeCursor {
  const [createdAt = '', gameId = ''] = readCursor(LIST, cursor, 2);
  if (!isExactTime(createdAt) || !gameParams.safeParse({ game_id: gameId }).success) throw unknownCursor();
  return { createdAt, gameId };
}
