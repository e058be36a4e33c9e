import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Engine } from './engine';
import { EngineError } from './errors';
import type { State } from './game';
import type { Log } from './log';
import { parseBanish, parseCommands, parseIfMatch, parseInit, parseReportQuery, readJson } from './requests';

interface Answer {
  status: number;
  headers?: Record<string, string>;
  body?: unknown;
}

type Handler = (request: IncomingMessage, search: string) => Answer | Promise<Answer>;

/** The engine's contract (openapi.yaml) as an HTTP server that does not listen yet. */
export function createApp(engine: Engine, log: Log): Server {
  const routes = routesOf(engine, log);
  const server = createServer({ headersTimeout: 10_000, requestTimeout: 30_000 }, (request, response) => {
    respond(request).then(
      (answer) => {
        send(response, answer);
      },
      (error: unknown) => {
        send(response, failure(error, log));
      },
    );
  });
  // Longer than a client keeps its connections, so that it is the client who closes them and no request is lost.
  server.keepAliveTimeout = 65_000;
  return server;

  async function respond(request: IncomingMessage): Promise<Answer> {
    const url = request.url ?? '';
    const [path = ''] = url.split('?', 1);
    const methods = routes.get(path);
    if (methods === undefined) throw new EngineError('not_found', 'no such path');
    const handler = methods[request.method ?? ''];
    if (handler !== undefined) return handler(request, url.slice(path.length + 1));
    const error = failure(new EngineError('method_not_allowed', 'no such method on this path'), log);
    return { ...error, headers: { allow: Object.keys(methods).join(', ') } };
  }

  function send(response: ServerResponse, { status, headers, body }: Answer): void {
    const text = body === undefined ? '' : JSON.stringify(body);
    response.writeHead(status, {
      ...headers,
      ...(body === undefined
        ? {}
        : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
      // A connection that stays open would keep a closing server from ending.
      ...(server.listening ? {} : { connection: 'close' }),
    });
    response.end(text);
  }
}

function routesOf(engine: Engine, log: Log): Map<string, Partial<Record<string, Handler>>> {
  const takeCommands: Handler = async (request) => {
    const { actor, cmd } = parseCommands(await readJson(request));
    return { status: 200, body: { turn: engine.turnFor(actor), accepted: cmd.length } };
  };
  return new Map(
    Object.entries({
      '/healthz': { GET: () => ({ status: 200, body: { status: 'ok' } }) },
      '/api/v1/admin/init': {
        POST: async (request) => {
          const races = parseInit(await readJson(request));
          const state = await engine.init(races);
          log('info', 'initialised', { game: state.id, races });
          return stateAnswer(state);
        },
      },
      '/api/v1/admin/status': { GET: () => stateAnswer(engine.state()) },
      '/api/v1/admin/turn': {
        POST: async (request) => {
          const expected = parseIfMatch(request.headers['if-match']);
          log('info', 'turn asked for', { expected });
          const state = await engine.makeTurn(expected);
          log('info', 'turn made', { turn: state.turn, finished: state.finished });
          return stateAnswer(state);
        },
      },
      '/api/v1/admin/race/banish': {
        POST: async (request) => {
          const race = parseBanish(await readJson(request));
          log('info', 'race banished', { race, turn: engine.state().turn });
          return { status: 204 };
        },
      },
      '/api/v1/command': { POST: takeCommands },
      '/api/v1/order': { PUT: takeCommands },
      '/api/v1/report': {
        GET: (_request, search) => {
          const { player, turn } = parseReportQuery(search);
          return { status: 200, body: engine.report(player, turn) };
        },
      },
    } satisfies Record<string, Record<string, Handler>>),
  );
}

function stateAnswer(state: State): Answer {
  return { status: 200, headers: { etag: `"${state.turn}"` }, body: state };
}

function failure(error: unknown, log: Log): Answer {
  if (error instanceof EngineError) {
    return { status: error.status, body: { error: { code: error.code, message: error.message } } };
  }
  log('error', 'request failed', { error: error instanceof Error ? error.stack : String(error) });
  return { status: 500, body: { error: { code: 'internal_error', message: 'internal error' } } };
}
