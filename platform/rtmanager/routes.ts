/** The REST side: openapi.yaml. */
import { z } from 'zod';
import { ServiceError } from '../service/errors';
import type { App } from '../service/http';
import { noBody, noQuery } from '../service/schemas';
import type { Memory } from './memory';
import { HEALTHS, RUNTIME_STATUSES, toView } from './runtime';
import type { Runtimes } from './runtimes';

const gameId = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'must be a game id');
const params = z.strictObject({ game_id: gameId });
const time = z.iso.datetime();
const runtime = z.strictObject({
  game_id: gameId,
  status: z.enum(RUNTIME_STATUSES),
  image_ref: z.string().nullable(),
  container_id: z.string().nullable(),
  engine_endpoint: z.string().nullable(),
  health: z.enum(HEALTHS).nullable(),
  created_at: time,
  started_at: time.nullable(),
  ended_at: time.nullable(),
});
const page = z.strictObject({ runtimes: z.array(runtime), next_cursor: z.string().nullable() });
const query = z.strictObject({
  status: z.enum(RUNTIME_STATUSES).optional(),
  limit: z
    .string()
    .regex(/^(?:[1-9]\d?|1\d\d|200)$/, 'must be a whole number from 1 to 200')
    .transform(Number)
    .optional(),
  cursor: z.string().min(1).max(128).optional(),
});
const printable = z
  .string()
  .min(1)
  .max(500)
  .regex(/^[^\p{Cc}]*$/u, 'must not have control characters');

export interface RoutesOptions {
  runtimes: Runtimes;
  memory: Memory;
}

const ROOT = '/api/v1/internal/runtimes';
const DEFAULT_LIMIT = 50;

export function addRoutes(app: App, { runtimes, memory }: RoutesOptions): void {
  app.get(
    ROOT,
    { schema: { operationId: 'listRuntimes', querystring: query, response: { 200: page } } },
    async (request) => {
      const { status, limit = DEFAULT_LIMIT, cursor } = request.query;
      const after = cursor === undefined ? '' : fromCursor(cursor);
      const all = (await runtimes.guard(() => memory.all())).filter(
        (one) => one.gameId > after && (status === undefined || one.status === status),
      );
      const shown = all.slice(0, limit);
      const last = all.length > limit ? shown.at(-1) : undefined;
      return { runtimes: shown.map(toView), next_cursor: last === undefined ? null : toCursor(last.gameId) };
    },
  );
  app.get(
    `${ROOT}/:game_id`,
    { schema: { operationId: 'getRuntime', params, querystring: noQuery, response: { 200: runtime } } },
    async ({ params: { game_id } }) => toView(await runtimes.get(game_id)),
  );
  app.post(
    `${ROOT}/:game_id/stop`,
    {
      schema: {
        operationId: 'stopRuntime',
        params,
        querystring: noQuery,
        body: z.strictObject({ reason: printable }),
        response: { 200: runtime },
      },
    },
    async ({ params: { game_id }, body: { reason } }) => toView(await runtimes.stop(game_id, reason)),
  );
  app.post(
    `${ROOT}/:game_id/restart`,
    {
      schema: {
        operationId: 'restartRuntime',
        params,
        querystring: noQuery,
        body: noBody,
        response: { 200: runtime },
      },
    },
    async ({ params: { game_id } }) => toView(await runtimes.restart(game_id)),
  );
  app.post(
    `${ROOT}/:game_id/patch`,
    {
      schema: {
        operationId: 'patchRuntime',
        params,
        querystring: noQuery,
        body: z.strictObject({ image_ref: z.string().min(1).max(512) }),
        response: { 200: runtime },
      },
    },
    async ({ params: { game_id }, body: { image_ref } }) => toView(await runtimes.patch(game_id, image_ref)),
  );
}

/** Opaque to callers, so that it may become something else one day. */
function toCursor(id: string): string {
  return Buffer.from(id).toString('base64url');
}

function fromCursor(cursor: string): string {
  const id = Buffer.from(cursor, 'base64url').toString();
  if (gameId.safeParse(id).success && toCursor(id) === cursor) return id;
  throw new ServiceError(400, 'invalid_request', 'cursor is not one of those given out');
}
