import type { FastifyReply, FastifyRequest } from 'fastify';
import type { EngineRelay, RelayedAnswer } from '../../clients/engine-relay';
import { GameMasterError } from '../../domain/errors';
import type { Doorkeeper } from '../admission';
import type { ApiApp } from '../api-app';
import { CommandsBody } from '../commands-body';
import { acceptJsonAs } from '../json-body';
import { commandsBody, engineAnswer, gameParams, noQuery, reportParams, userId } from '../schemas';

export interface HotPathRouteOptions {
  doorkeeper: Doorkeeper;
  relay: EngineRelay;
}

/** Players' calls: checked here, answered by the game's engine, whose status, type and bytes come back as they are. */
export function hotPathRoutes(app: ApiApp, options: HotPathRouteOptions): void {
  const { doorkeeper, relay } = options;
  // Store, Lobby and engine each have a deadline. Fastify's own, over all of them, was a tenth of the work of a call.
  const config = { ownDeadlines: true };
  acceptJsonAs(app, (parsed, bytes) => CommandsBody.read(parsed, bytes), CommandsBody.LEVELS);

  /**
   * Errors: invalid_request, runtime_not_found, runtime_not_running, forbidden, too_many_requests,
   * engine_validation_error, engine_unreachable, service_unavailable; these three routes alike.
   */
  app.post(
    '/api/v1/internal/games/:game_id/commands',
    {
      config,
      schema: {
        operationId: 'internalExecuteCommands',
        params: gameParams,
        querystring: noQuery,
        body: commandsBody,
        response: { '2XX': engineAnswer },
      },
    },
    async (request, reply) => {
      const { raceName, engineEndpoint } = await doorkeeper.admit(request.params.game_id, readUser(request));
      const call = {
        operation: 'command',
        method: 'POST',
        path: '/api/v1/command',
        body: request.body.as(raceName),
      } as const;
      return passOn(await relay.call(engineEndpoint, call, reply.raw), reply);
    },
  );

  app.put(
    '/api/v1/internal/games/:game_id/orders',
    {
      config,
      schema: {
        operationId: 'internalPutOrders',
        params: gameParams,
        querystring: noQuery,
        body: commandsBody,
        response: { '2XX': engineAnswer },
      },
    },
    async (request, reply) => {
      const { raceName, engineEndpoint } = await doorkeeper.admit(request.params.game_id, readUser(request));
      const call = {
        operation: 'order',
        method: 'PUT',
        path: '/api/v1/order',
        body: request.body.as(raceName),
      } as const;
      return passOn(await relay.call(engineEndpoint, call, reply.raw), reply);
    },
  );

  app.get(
    '/api/v1/internal/games/:game_id/reports/:turn',
    {
      config,
      schema: {
        operationId: 'internalGetReport',
        params: reportParams,
        querystring: noQuery,
        response: { '2XX': engineAnswer },
      },
    },
    async (request, reply) => {
      const { game_id: gameId, turn } = request.params;
      const { raceName, engineEndpoint } = await doorkeeper.admit(gameId, readUser(request));
      const path = `/api/v1/report?player=${encodeURIComponent(raceName)}&turn=${turn}`;
      const call = { operation: 'report', method: 'GET', path } as const;
      return passOn(await relay.call(engineEndpoint, call, reply.raw), reply);
    },
  );
}

/** Who plays. A repeated header reaches us joined by commas, which no user id has. */
function readUser(request: Pick<FastifyRequest, 'headers'>): string {
  const given = userId.safeParse(request.headers['x-user-id']);
  if (!given.success) {
    throw new GameMasterError('invalid_request', 'X-User-ID: must be there once, with the id of a user');
  }
  return given.data;
}

/** The engine's answer, but none of its other headers. */
function passOn({ status, contentType, body }: RelayedAnswer, reply: FastifyReply): FastifyReply {
  reply.code(status);
  if (contentType !== undefined) reply.header('content-type', contentType);
  return reply.send(body.length === 0 ? undefined : body);
}
