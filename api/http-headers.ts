/** What HTTP/1.1 asks of every request's headers. Node would refuse such requests itself, with nothing in the answer. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { GameMasterError } from '../domain/errors';

/** Of `http.createServer`, for `refuseBrokenHeaders` to see what Node would have refused. */
export const LENIENT_HTTP = { requireHostHeader: false };

export function refuseBrokenHeaders(app: FastifyInstance): void {
  app.server.on('checkExpectation', (request, response) => app.server.emit('request', request, response));
  app.addHook('onRequest', ({ raw }, _reply, done) => {
    const refusal = whatIsBroken(raw);
    done(refusal === undefined ? undefined : new GameMasterError('invalid_request', refusal));
  });
}

function whatIsBroken({ httpVersion, headers }: FastifyRequest['raw']): string | undefined {
  // Before 1.1 there was neither.
  if (httpVersion !== '1.1') return undefined;
  if (headers.host === undefined) return 'Host: must be there';
  if (headers.expect !== undefined && !/(?:^|\W)100-continue(?:$|\W)/i.test(headers.expect)) {
    return 'Expect: must be 100-continue';
  }
  return undefined;
}
