/** Optional authentication of callers by bearer tokens, and what each may do: permissions.ts. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ApiConfig } from '../config/api';
import { GameMasterError } from '../domain/errors';
import type { Caller } from '../domain/operation';
import type { ApiApp } from './api-app';
import { isOperationId, PERMISSIONS } from './permissions';

declare module 'fastify' {
  interface FastifyRequest {
    /** Whose token the request brought; null where tokens are not configured. */
    caller: Caller | null;
  }
}

/**
 * Lets only those through to the routes of `app` who may use them. Without tokens everybody may: the network is
 * trusted then. A route that the table of permissions does not know cannot be added either way.
 */
export function authenticateCallers(app: ApiApp, apiTokens: ApiConfig['apiTokens']): void {
  app.decorateRequest('caller', null);
  app.addHook('onRoute', ({ method, url, schema }) => {
    if (!isOperationId(schema?.operationId)) throw new Error(`${String(method)} ${url} has no permissions`);
  });
  if (apiTokens.length === 0) return;

  const known = apiTokens.map(({ caller, token }) => ({ caller, digest: digestOf(token) }));
  app.addHook('onRequest', (request, reply, done) => {
    const caller = identify(request, known);
    if (caller === undefined) {
      refuseUnknown(reply);
    }
    if (!mayUse(caller, request)) {
      throw new GameMasterError('forbidden', `this is not for ${caller}`);
    }
    request.caller = caller;
    done();
  });
}

interface KnownToken {
  caller: Caller;
  digest: Buffer;
}

/** Takes as long for every token, and compares it with all: how long says nothing about how much of it was right. */
function identify({ raw }: FastifyRequest, known: readonly KnownToken[]): Caller | undefined {
  // Of a repeated header Node keeps the first alone, and something in between may have gone by the last.
  const values = raw.headersDistinct['authorization'] ?? [];
  const token = values.length === 1 ? /^bearer +([\x21-\x7e]+) *$/i.exec(values[0] ?? '')?.[1] : undefined;
  const digest = digestOf(token ?? '');
  const matching = known.filter((entry) => timingSafeEqual(entry.digest, digest));
  return token === undefined ? undefined : matching[0]?.caller;
}

/** Digests have one length, whatever the tokens have. */
function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

function mayUse(caller: Caller, { routeOptions }: FastifyRequest): boolean {
  const id = routeOptions.schema?.operationId;
  return isOperationId(id) && (PERMISSIONS[id]?.includes(caller) ?? true);
}

function refuseUnknown(reply: FastifyReply): never {
  reply.header('www-authenticate', 'Bearer realm="gamemaster"');
  throw new GameMasterError('unauthorized', 'a valid bearer token is required');
}
