/** The headers that say who calls, and under which idempotency key. */
import { randomUUID } from 'node:crypto';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { GameMasterError } from '../domain/errors';
import { CALLERS, type Caller } from '../domain/operation';

export interface CallHeaders {
  key: string;
  /** False when the key was made up here, so that nothing can be remembered under it yet. */
  keyGiven: boolean;
  source: Caller | null;
  actor: string | null;
}

/** @throws GameMasterError invalid_request */
export function readIdempotencyKey(request: FastifyRequest): Pick<CallHeaders, 'key' | 'keyGiven'> {
  const key = singleHeader(request, 'idempotency-key');
  if (key === undefined) return { key: randomUUID(), keyGiven: false };
  if (!/^[!-~]{1,128}$/.test(key)) {
    throw new GameMasterError(
      'invalid_request',
      'Idempotency-Key: must be 1 to 128 visible ASCII characters',
    );
  }
  return { key, keyGiven: true };
}

/** Refuses an unknown caller on every route of `app`, whether its name is kept there or not. */
export function refuseUnknownCallers(app: FastifyInstance): void {
  // After all of onRequest: a route of the lifecycle tells the key first, and a bad token is told before all else.
  app.addHook('preParsing', (request, _reply, _payload, done) => {
    readCallersName(request);
    done();
  });
}

/** @throws GameMasterError invalid_request */
function readCallersName(request: FastifyRequest): Caller | undefined {
  const name = singleHeader(request, 'x-galaxy-caller');
  if (name !== undefined && !isCaller(name)) {
    throw new GameMasterError('invalid_request', `X-Galaxy-Caller: must be one of ${CALLERS.join(', ')}`);
  }
  return name;
}

/**
 * Who calls. Whose token the request brought counts more than what its header says.
 *
 * @throws GameMasterError invalid_request
 */
export function readCaller(request: FastifyRequest): Pick<CallHeaders, 'source' | 'actor'> {
  const caller = readCallersName(request);
  const actor = singleHeader(request, 'x-actor');
  if (actor !== undefined && !/^[!-~]([ -~]{0,126}[!-~])?$/.test(actor)) {
    throw new GameMasterError('invalid_request', 'X-Actor: must be 1 to 128 printable ASCII characters');
  }
  return { source: request.caller ?? caller ?? null, actor: actor ?? null };
}

/**
 * The value of a header that may come once. Node joins repeated ones with a comma, which a value may contain, so they
 * are counted as they were sent.
 *
 * @throws GameMasterError invalid_request
 */
function singleHeader(request: FastifyRequest, name: string): string | undefined {
  const { headers, rawHeaders } = request.raw;
  if (headers[name] === undefined) return undefined;
  const values = rawHeaders.filter(
    (_value, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === name,
  );
  if (values.length > 1) throw new GameMasterError('invalid_request', `${name}: must not be repeated`);
  return values[0];
}

function isCaller(value: string): value is Caller {
  return (CALLERS as readonly string[]).includes(value);
}
