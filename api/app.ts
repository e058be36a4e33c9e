/** The front door as a Fastify application that does not listen: api/main.ts is the process round it. */
import type { Socket } from 'node:net';
import type { Client } from '@temporalio/client';
import Fastify, {
  LogController,
  type FastifyBaseLogger,
  type FastifyReply,
  type FastifyRequest,
} from 'fastify';
import { serializerCompiler, validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import { namesLoopback } from '../clients/engine-address';
import { EngineRelay } from '../clients/engine-relay';
import { LobbyClient } from '../clients/lobby';
import type { ApiConfig } from '../config/api';
import type { Metrics } from '../config/telemetry';
import type { Tracing } from '../config/tracing';
import { GameMasterError, type ErrorCode } from '../domain/errors';
import { EngineVersionStore } from '../stores/engine-versions';
import { HotPathStore } from '../stores/hot-path';
import { OperationLogStore } from '../stores/operation-log';
import type { Database } from '../stores/postgres';
import { RuntimeRecordStore } from '../stores/runtime-records';
import { Doorkeeper } from './admission';
import type { ApiApp } from './api-app';
import { authenticateCallers } from './authentication';
import { envelope, sendFailure } from './errors';
import { refuseUnknownCallers } from './headers';
import { LENIENT_HTTP, refuseBrokenHeaders } from './http-headers';
import { acceptJsonOnly } from './json-body';
import { LifecycleCalls } from './lifecycle-calls';
import { MembershipCache } from './membership-cache';
import { refuseWhenOverloaded } from './overload';
import type { ApiReadiness } from './readiness';
import { RequestLogger } from './request-logger';
import { traceRequests } from './request-spans';
import { apiPage } from './routes/api-page';
import { engineVersionRoutes } from './routes/engine-versions';
import { hotPathRoutes } from './routes/hot-path';
import { lifecycleRoutes } from './routes/lifecycle';
import { membershipRoutes } from './routes/memberships';
import { probeRoutes } from './routes/probes';
import { runtimeRoutes } from './routes/runtimes';
import { refuseUnmatched } from './unmatched';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Every step of the route ends by itself in time: none is needed over all of them. */
    ownDeadlines?: boolean;
  }
  interface FastifyRequest {
    /** Why the request failed, for its log line. */
    failure: { code: ErrorCode; error: unknown } | null;
  }
}

export interface ApiDependencies {
  config: Pick<
    ApiConfig,
    | 'allowSeconds'
    | 'apiDocs'
    | 'apiTokens'
    | 'bodyLimit'
    | 'engineHosts'
    | 'engineHotTimeoutMs'
    | 'lifecycleWaitMs'
    | 'lobbyBaseUrl'
    | 'lobbyTimeoutMs'
    | 'membershipCache'
    | 'postgres'
    | 'shutdownTimeoutMs'
    | 'temporal'
  >;
  database: Database;
  temporal: Client;
  readiness: () => Promise<ApiReadiness>;
  metrics: Pick<Metrics, 'engineCalls' | 'httpRequests' | 'membershipLookups'>;
  log: FastifyBaseLogger;
  /** Given where requests are traced. */
  tracing?: Pick<Tracing, 'tracer' | 'traceCall'> | null;
}

/** Milliseconds; a request has to arrive whole within the second. */
const HEADERS_TIMEOUT_MS = 5_000;
const REQUEST_TIMEOUT_MS = 10_000;
const KEEP_ALIVE_TIMEOUT_MS = 30_000;
/** How much of the shutdown is kept for the answers of calls that are let go, and for closing what is open. */
const LETTING_GO_MS = 3_000;

export function buildApp(dependencies: ApiDependencies): ApiApp {
  const { config, database, temporal, readiness, metrics, log, tracing } = dependencies;
  const { bodyLimit, lifecycleWaitMs, postgres } = config;
  // For what only asks the store: above its deadlines, which come first and say more.
  const handlerTimeout = 2 * (postgres.connectTimeoutMs + postgres.queryTimeoutMs) + 1_000;
  const app: ApiApp = Fastify({
    loggerInstance: log,
    logController: new LogController({ disableRequestLogging: true }),
    // Whoever logs about a request, Fastify too, tells the game.
    childLoggerFactory: (logger, bindings, options, { url }) =>
      new RequestLogger(() => logger.child({ ...bindings, ...gameOf(url) }, options)),
    bodyLimit,
    requestTimeout: REQUEST_TIMEOUT_MS,
    // Counts silence on the socket, which is also what a caller hears who waits for an operation.
    connectionTimeout: 2 * (lifecycleWaitMs + handlerTimeout),
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    http: { ...LENIENT_HTTP, headersTimeout: HEADERS_TIMEOUT_MS, connectionsCheckingInterval: 1_000 },
    routerOptions: {
      // Longer names than the router's 100 characters must reach the check that says what is wrong with them.
      maxParamLength: 16_384,
    },
    exposeHeadRoutes: false,
    return503OnClosing: false,
    clientErrorHandler: (error, socket) => refuseConnection(error, socket),
    frameworkErrors: (error, request, reply) => {
      setSecurityHeaders(reply);
      void sendFailure(error, request, reply, bodyLimit);
    },
  }).withTypeProvider<ZodTypeProvider>();

  // Not given to the application itself, because a route cannot do without it then: see routes/hot-path.ts.
  app.addHook('onRoute', (route) => {
    if (route.config?.ownDeadlines !== true) route.handlerTimeout ??= handlerTimeout;
  });
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  acceptJsonOnly(app);

  app.decorateRequest('failure', null);
  if (tracing) traceRequests(app, tracing.tracer);
  app.setErrorHandler((error, request, reply) => sendFailure(error, request, reply, bodyLimit));
  app.addHook('onRequest', (_request, reply, done) => {
    setSecurityHeaders(reply);
    done();
  });
  app.addHook('onResponse', (request, reply, done) => {
    metrics.httpRequests.observe(
      { operation: operationOf(request), status: reply.statusCode.toString() },
      reply.elapsedTime / 1_000,
    );
    logAnswer(log, request, reply);
    done();
  });
  refuseBrokenHeaders(app);
  app.addHook('onRequestAbort', (request, done) => {
    request.log.info({ operation: operationOf(request) }, 'the caller left before the answer');
    done();
  });
  refuseUnmatched(app);

  const records = new RuntimeRecordStore(database);
  const versions = new EngineVersionStore(database);
  const operations = new OperationLogStore(database);
  const calls = new LifecycleCalls({
    temporal,
    taskQueue: config.temporal.taskQueue,
    records,
    versions,
    operations,
    waitMs: lifecycleWaitMs,
  });
  const hotPath = new HotPathStore(database);
  const lobby = new LobbyClient({ baseUrl: config.lobbyBaseUrl, timeoutMs: config.lobbyTimeoutMs });
  const memberships = new MembershipCache({
    ...config.membershipCache,
    load: (gameId) => lobby.activeMembers(gameId),
    onLookup: (result) => metrics.membershipLookups.inc({ result }),
  });
  const relay = new EngineRelay({
    timeoutMs: config.engineHotTimeoutMs,
    allowLoopback: namesLoopback(config.engineHosts),
    onCall: (operation, outcome, seconds) => metrics.engineCalls.observe({ operation, outcome }, seconds),
    trace: tracing?.traceCall,
  });
  app.addHook('onClose', async () => {
    await Promise.all([lobby.close(), relay.close()]);
  });
  drainOnClose(app, calls, config.shutdownTimeoutMs);

  // As plugins, so that they have all of the above round them. The probes and the page are for everybody, always; the
  // rest is guarded; lifecycle calls and the hot path have what is their own on top.
  void app.register((plugin, _options, done) => {
    probeRoutes(plugin.withTypeProvider<ZodTypeProvider>(), { readiness });
    done();
  });
  if (config.apiDocs) void app.register(apiPage);
  void app.register(async (plugin) => {
    const guarded = plugin.withTypeProvider<ZodTypeProvider>();
    await refuseWhenOverloaded(guarded);
    authenticateCallers(guarded, config.apiTokens);
    refuseUnknownCallers(guarded);
    runtimeRoutes(guarded, { records, operations });
    membershipRoutes(guarded, { hotPath, records });
    engineVersionRoutes(guarded, { versions });
    void guarded.register((scope, _options, done) => {
      const { allowSeconds, engineHosts } = config;
      lifecycleRoutes(scope, { calls, waitMs: lifecycleWaitMs, engineHosts, allowSeconds });
      done();
    });
    void guarded.register((scope, _options, done) => {
      const doorkeeper = new Doorkeeper(hotPath, memberships);
      hotPathRoutes(scope, { doorkeeper, relay });
      done();
    });
  });
  return app;
}

/** Answers are data for services, never pages, and are true for the moment only. */
function setSecurityHeaders(reply: FastifyReply): void {
  reply.headers({
    'cache-control': 'no-store',
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
    'x-content-type-options': 'nosniff',
  });
}

/** While the application closes new requests are refused; lifecycle calls that wait are let go before time is up. */
function drainOnClose(app: ApiApp, calls: LifecycleCalls, shutdownTimeoutMs: number): void {
  let closing = false;
  let lettingGo: NodeJS.Timeout | undefined;
  app.addHook('onRequest', (_request, _reply, done) => {
    done(closing ? new GameMasterError('service_unavailable', 'this process is shutting down') : undefined);
  });
  // A connection that is kept alive after its answer would hold the server open.
  app.addHook('onSend', (_request, reply, payload, done) => {
    if (closing) reply.header('connection', 'close');
    done(null, payload);
  });
  app.addHook('preClose', (done) => {
    closing = true;
    lettingGo = setTimeout(() => calls.endWaits(), Math.max(0, shutdownTimeoutMs - LETTING_GO_MS));
    done();
  });
  app.addHook('onClose', (_app, done) => {
    clearTimeout(lettingGo);
    done();
  });
}

function operationOf(request: FastifyRequest): string {
  return request.routeOptions.schema?.operationId ?? 'none';
}

const GAME_IN_URL = /^\/api\/v1\/internal\/(?:games|runtimes)\/([^/?]+)/;

/** For the lines about a request: the game that it is about, as its address has it. */
function gameOf(url = ''): { game_id?: string } {
  const game_id = GAME_IN_URL.exec(url)?.[1];
  return game_id === undefined ? {} : { game_id };
}

function logAnswer(log: FastifyBaseLogger, request: FastifyRequest, reply: FastifyReply): void {
  const { failure } = request;
  const line = {
    reqId: request.id,
    ...gameOf(request.url),
    operation: operationOf(request),
    status: reply.statusCode,
    code: failure?.code,
    duration_ms: Math.round(reply.elapsedTime),
  };
  if (reply.statusCode >= 500) log.error({ ...line, err: failure?.error }, 'request failed');
  else log.info(line, 'request');
}

/** What Node refuses before there is a request: bytes that are no HTTP, or none in time. */
function refuseConnection(error: Error & { code?: string }, socket: Socket): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const { status, message } = describeConnectionError(error.code);
  const body = JSON.stringify(envelope({ code: 'invalid_request', message }));
  socket.end(
    [
      `HTTP/1.1 ${status}`,
      'Connection: close',
      'Content-Type: application/json; charset=utf-8',
      `Content-Length: ${Buffer.byteLength(body)}`,
      '',
      body,
    ].join('\r\n'),
  );
}

function describeConnectionError(code: string | undefined): { status: string; message: string } {
  switch (code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return { status: '408 Request Timeout', message: 'the request did not arrive in time' };
    case 'HPE_HEADER_OVERFLOW':
      return { status: '431 Request Header Fields Too Large', message: 'the headers are too long' };
    default:
      return { status: '400 Bad Request', message: 'the request is not valid HTTP' };
  }
}
