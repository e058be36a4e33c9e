import type { HotPathStore } from '../../stores/hot-path';
import type { RuntimeRecordStore } from '../../stores/runtime-records';
import type { ApiApp } from '../api-app';
import { emptyBody, gameParams, liveness, noQuery, nothing } from '../schemas';

export interface MembershipRouteOptions {
  hotPath: Pick<HotPathStore, 'raiseMembershipEpoch'>;
  records: Pick<RuntimeRecordStore, 'find'>;
}

/** What Lobby tells and asks while a game runs. */
export function membershipRoutes(app: ApiApp, { hotPath, records }: MembershipRouteOptions): void {
  /** Errors: invalid_request. An unknown game is no error: there is nothing to forget. */
  app.post(
    '/api/v1/internal/games/:game_id/memberships/invalidate',
    {
      schema: {
        operationId: 'internalInvalidateMemberships',
        params: gameParams,
        querystring: noQuery,
        body: emptyBody,
        response: { 204: nothing },
      },
    },
    async ({ params: { game_id: gameId } }, reply) => {
      await hotPath.raiseMembershipEpoch(gameId);
      return reply.code(204).send();
    },
  );

  /** Errors: invalid_request. */
  app.get(
    '/api/v1/internal/games/:game_id/liveness',
    {
      schema: {
        operationId: 'internalGameLiveness',
        params: gameParams,
        querystring: noQuery,
        response: { 200: liveness },
      },
    },
    async ({ params: { game_id: gameId } }) => {
      const row = await records.find(gameId);
      // A game that is not known here can be registered, which is what a caller wants to know.
      if (row === null) return { ready: true, status: 'unregistered' as const };
      return { ready: row.status === 'running', status: row.status };
    },
  );
}
