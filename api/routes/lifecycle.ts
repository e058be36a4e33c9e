import type { FastifyRequest } from 'fastify';
import { GameMasterError } from '../../domain/errors';
import type { RuntimeRecord } from '../../domain/runtime-record';
import { InvalidCronExpression, NeverFires, parse, parseWithSeconds } from '../../pkg/cronutil';
import type { ApiApp } from '../api-app';
import { refuseEndpoint } from '../engine-endpoint';
import { readCaller, readIdempotencyKey, type CallHeaders } from '../headers';
import type { LifecycleCalls } from '../lifecycle-calls';
import {
  banishBody,
  emptyBody,
  gameParams,
  noQuery,
  nothing,
  patchBody,
  registerBody,
  runtimeRecord,
  stopBody,
} from '../schemas';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who calls and under which key; on routes of the lifecycle only. */
    call: CallHeaders | null;
  }
}

export interface LifecycleRouteOptions {
  calls: LifecycleCalls;
  /** Milliseconds that a call may wait for its operation. */
  waitMs: number;
  /** Patterns of host names that engines may have. */
  engineHosts: readonly string[];
  /** Whether schedules of six fields, seconds first, are taken as well. */
  allowSeconds: boolean;
}

/** Beyond its own deadlines a call should never need this long; if it does, its caller is let go. */
const SPARE_MS = 10_000;

/** What changes the life of a game. Every call has an idempotency key, given or made up, and tells it in its answer. */
export function lifecycleRoutes(app: ApiApp, options: LifecycleRouteOptions): void {
  const { calls, waitMs } = options;
  app.decorateRequest('call', null);
  app.addHook('onRequest', (request, reply, done) => {
    // Set before anything can be refused, so that the answer tells the key whatever it is.
    const key = readIdempotencyKey(request);
    reply.header('idempotency-key', key.key);
    request.call = { ...key, ...readCaller(request) };
    done();
  });
  const common = { handlerTimeout: waitMs + SPARE_MS };

  /**
   * Errors: invalid_request, engine_version_not_found, engine_version_deprecated, conflict, too_many_requests,
   * engine_validation_error, engine_unreachable, service_unavailable.
   */
  app.post(
    '/api/v1/internal/games/:game_id/register-runtime',
    {
      ...common,
      schema: {
        operationId: 'internalRegisterRuntime',
        params: gameParams,
        querystring: noQuery,
        body: registerBody,
        response: { 201: runtimeRecord },
      },
    },
    async (request, reply) => {
      const { body } = request;
      checkEndpoint(body.engine_endpoint, options.engineHosts);
      checkSchedule(body.turn_schedule, options.allowSeconds);
      const record = await calls.register({ ...callOf(request), gameId: request.params.game_id, body });
      return reply.code(201).send(record as RuntimeRecord);
    },
  );

  /**
   * Errors: invalid_request, runtime_not_found, conflict, too_many_requests, engine_validation_error,
   * engine_unreachable, turn_mismatch, service_unavailable.
   */
  app.post(
    '/api/v1/internal/runtimes/:game_id/force-next-turn',
    {
      ...common,
      schema: {
        operationId: 'internalForceNextTurn',
        params: gameParams,
        querystring: noQuery,
        body: emptyBody,
        response: { 200: runtimeRecord },
      },
    },
    async (request) => {
      const record = await calls.force({ ...callOf(request), gameId: request.params.game_id, body: {} });
      return record as RuntimeRecord;
    },
  );

  /** Errors: invalid_request, runtime_not_found, conflict, too_many_requests, service_unavailable. */
  app.post(
    '/api/v1/internal/runtimes/:game_id/stop',
    {
      ...common,
      schema: {
        operationId: 'internalStopRuntime',
        params: gameParams,
        querystring: noQuery,
        body: stopBody,
        response: { 200: runtimeRecord },
      },
    },
    async (request) => {
      const { body } = request;
      const record = await calls.stop({ ...callOf(request), gameId: request.params.game_id, body });
      return record as RuntimeRecord;
    },
  );

  /**
   * Errors: invalid_request, runtime_not_found, engine_version_not_found, engine_version_deprecated,
   * semver_patch_only, conflict, too_many_requests, service_unavailable.
   */
  app.post(
    '/api/v1/internal/runtimes/:game_id/patch',
    {
      ...common,
      schema: {
        operationId: 'internalPatchRuntime',
        params: gameParams,
        querystring: noQuery,
        body: patchBody,
        response: { 200: runtimeRecord },
      },
    },
    async (request) => {
      const { body } = request;
      const record = await calls.patch({ ...callOf(request), gameId: request.params.game_id, body });
      return record as RuntimeRecord;
    },
  );

  /**
   * Errors: invalid_request, runtime_not_found, race_not_found, conflict, too_many_requests,
   * engine_validation_error, engine_unreachable, service_unavailable.
   */
  app.post(
    '/api/v1/internal/runtimes/:game_id/banish',
    {
      ...common,
      schema: {
        operationId: 'internalBanishRace',
        params: gameParams,
        querystring: noQuery,
        body: banishBody,
        response: { 204: nothing },
      },
    },
    async (request, reply) => {
      const { body } = request;
      await calls.banish({ ...callOf(request), gameId: request.params.game_id, body });
      return reply.code(204).send();
    },
  );
}

function callOf(request: Pick<FastifyRequest, 'call'>): CallHeaders {
  if (request.call === null) throw new Error('the headers of the call were not read');
  return request.call;
}

function checkEndpoint(endpoint: string, hosts: readonly string[]): void {
  const refusal = refuseEndpoint(endpoint, hosts);
  if (refusal !== undefined) throw new GameMasterError('invalid_request', `engine_endpoint: ${refusal}`);
}

function checkSchedule(expression: string, allowSeconds: boolean): void {
  try {
    (allowSeconds ? parseWithSeconds : parse)(expression).next(new Date());
  } catch (cause) {
    if (!(cause instanceof InvalidCronExpression || cause instanceof NeverFires)) throw cause;
    throw new GameMasterError('invalid_request', `turn_schedule: ${cause.message}`, { cause });
  }
}
