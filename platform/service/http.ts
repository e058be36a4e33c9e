/** The REST side of a service: strict bodies, one form of errors, probes and metrics, limits on everything. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import Fastify, {
  LogController,
  type FastifyBaseLogger,
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type RawServerDefault,
} from 'fastify';
import {
  hasZodFastifySchemaValidationErrors,
  serializerCompiler,
  validatorCompiler,
  type ZodTypeProvider,
} from 'fastify-type-provider-zod';
import { z } from 'zod';
import { ServiceError } from './errors';
import type { Logger } from './logging';
import type { ServiceMetrics } from './metrics';

/** What routes are added to; their schemas are zod's. */
export type App = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  ZodTypeProvider
>;

/** What a service depends on, by name. */
export type Dependencies = Record<string, Dependency>;

export interface Dependency {
  /** Resolves when it answered, rejects when it did not; what takes longer than a second counts as down. */
  ping: () => Promise<unknown>;
  /** Whether the service is not ready without it. */
  needed: boolean;
}

export interface AppOptions {
  log: Logger;
  metrics: Pick<ServiceMetrics, 'registry' | 'httpRequests' | 'dependencyUp'>;
  dependencies: Dependencies;
  /** Longest time for an answer, in milliseconds; 10 s unless the service's own calls take longer. */
  handlerTimeoutMs?: number;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Why the request failed, for its log line. */
    problem: unknown;
  }
}

const BODY_LIMIT = 1024 * 1024;
const PING_TIMEOUT_MS = 1_000;
const LONGEST_MESSAGE = 500;

/** The application with its probes; the service adds its routes and listens. */
export function buildApp({ log, metrics, dependencies, handlerTimeoutMs = 10_000 }: AppOptions): App {
  // As the interface: pino's own type would become part of the application's.
  const loggerInstance: FastifyBaseLogger = log;
  const app: App = Fastify({
    loggerInstance,
    logController: new LogController({ disableRequestLogging: true }),
    childLoggerFactory: (logger, bindings, options, { url = '' }) =>
      logger.child({ ...bindings, ...gameOf(url) }, options),
    bodyLimit: BODY_LIMIT,
    requestTimeout: 10_000,
    connectionTimeout: 2 * handlerTimeoutMs,
    keepAliveTimeout: 30_000,
    handlerTimeout: handlerTimeoutMs,
    http: { headersTimeout: 5_000 },
    routerOptions: { maxParamLength: 1_000 },
    exposeHeadRoutes: false,
    // A connection that is kept alive would hold a closing server open.
    forceCloseConnections: 'idle',
    frameworkErrors: (error, request, reply) => void sendFailure(error, request, reply),
  }).withTypeProvider<ZodTypeProvider>();

  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.removeContentTypeParser('text/plain');
  app.decorateRequest('problem', null);
  app.setErrorHandler(sendFailure);
  app.setNotFoundHandler(() => {
    throw new ServiceError(404, 'not_found', 'there is nothing at this address, or not by this method');
  });
  app.addHook('onSend', (_request, reply, payload, done) => {
    reply.header('cache-control', 'no-store').header('x-content-type-options', 'nosniff');
    done(null, payload);
  });
  app.addHook('onResponse', (request, reply, done) => {
    const operation = request.routeOptions.schema?.operationId ?? 'none';
    const status = reply.statusCode;
    metrics.httpRequests.observe({ operation, status: status.toString() }, reply.elapsedTime / 1_000);
    const line = { operation, status, duration_ms: Math.round(reply.elapsedTime) };
    if (status >= 500) request.log.error({ ...line, err: request.problem }, 'request failed');
    else request.log[isProbe(request) ? 'debug' : 'info'](line, 'request');
    done();
  });
  probes(app, { metrics, dependencies });
  return app;
}

/** Begins to listen. @returns the address with the real port */
export async function listen(app: App, { host, port }: { host: string; port: number }): Promise<string> {
  const address = await app.listen({ host, port });
  app.log.info({ address }, 'listening');
  return address;
}

const health = z.object({ status: z.literal('ok') });
const state = z.enum(['up', 'down']);
const readiness = z.object({
  status: z.enum(['ready', 'not_ready']),
  checks: z.record(z.string(), state),
});

function probes(app: App, { metrics, dependencies }: Pick<AppOptions, 'metrics' | 'dependencies'>): void {
  const check = async (): Promise<Record<string, 'up' | 'down'>> => {
    const states = await Promise.all(
      Object.entries(dependencies).map(
        async ([name, { ping }]) => [name, (await answers(ping)) ? 'up' : 'down'] as const,
      ),
    );
    return Object.fromEntries(states);
  };

  app.get('/healthz', { schema: { operationId: 'healthz', response: { 200: health } } }, () => ({
    status: 'ok' as const,
  }));
  app.get(
    '/readyz',
    { schema: { operationId: 'readyz', response: { 200: readiness, 503: readiness } } },
    async (_request, reply) => {
      const checks = await check();
      const ready = Object.entries(dependencies).every(
        ([name, { needed }]) => !needed || checks[name] === 'up',
      );
      return reply.code(ready ? 200 : 503).send({ status: ready ? 'ready' : 'not_ready', checks });
    },
  );
  app.get('/metrics', { schema: { operationId: 'metrics' } }, async (_request, reply) => {
    for (const [dependency, is] of Object.entries(await check())) {
      metrics.dependencyUp.set({ dependency }, is === 'up' ? 1 : 0);
    }
    return reply.type(metrics.registry.contentType).send(await metrics.registry.metrics());
  });
}

function isProbe({ routeOptions }: FastifyRequest): boolean {
  return ['/healthz', '/readyz', '/metrics'].includes(routeOptions.url ?? '');
}

async function answers(ping: () => Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), PING_TIMEOUT_MS);
  });
  const answered = Promise.resolve()
    .then(ping)
    .then(
      () => true,
      () => false,
    );
  return Promise.race([answered, tooLate]).finally(() => clearTimeout(timer));
}

/** Answers with the envelope that all failures share; what nobody expected is told in the log only. */
function sendFailure(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const { status, code, message } = describe(error);
  request.problem = error;
  if (status === 503) void reply.header('retry-after', '2');
  const short = message.length > LONGEST_MESSAGE ? `${message.slice(0, LONGEST_MESSAGE)}…` : message;
  return reply
    .code(status)
    .type('application/json; charset=utf-8')
    .serializer(JSON.stringify)
    .send({ error: { code, message: short } });
}

function describe(error: unknown): { status: number; code: string; message: string } {
  const invalid = (message: string, status = 400) => ({ status, code: 'invalid_request', message });
  if (error instanceof ServiceError) return error;
  if (hasZodFastifySchemaValidationErrors(error)) return invalid(issuesOf(error));
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  switch (code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return invalid(`the body is longer than ${BODY_LIMIT} bytes`, 413);
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return invalid('the body must be application/json', 415);
    case 'FST_ERR_CTP_EMPTY_JSON_BODY':
    case 'FST_ERR_CTP_INVALID_JSON_BODY':
      return invalid('the body is not valid JSON');
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
    case 'FST_ERR_BAD_URL':
      return invalid('the request is not valid HTTP');
    case 'FST_ERR_HANDLER_TIMEOUT':
      return { status: 503, code: 'service_unavailable', message: 'the request took too long' };
    default:
      return { status: 500, code: 'internal_error', message: 'internal error' };
  }
}

/** `members.0.user_id: must be …; body: Unrecognized key: "x"` */
function issuesOf(error: FastifyError): string {
  const part = error.validationContext === 'querystring' ? 'query' : (error.validationContext ?? 'body');
  return (error.validation ?? [])
    .slice(0, 5)
    .map(({ instancePath, message }) => {
      const path = instancePath.split('/').filter(Boolean).join('.');
      return `${path === '' ? part : path}: ${message ?? 'is not valid'}`;
    })
    .join('; ');
}

/** The game that an address is about. */
function gameOf(url: string): { game_id?: string } {
  const id = /^\/api\/v1\/[^?]*?\/(?:games|runtimes)\/([A-Za-z0-9_-]+)/.exec(url)?.[1];
  return id === undefined ? {} : { game_id: id };
}
