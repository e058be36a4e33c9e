import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { cannotListen, type Address } from './env';

const FAST = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const SLOW = [0.01, 0.05, 0.1, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600];

/**
 * The metrics of a process: docs/metrics.md. A label has a few known values, and never names a game. Each process shows
 * its own: a nought for what it never counts would read as if all were well.
 */
export function createMetrics(process: 'api' | 'worker') {
  const registry = new Registry();
  const registers = [registry];
  const inApi = process === 'api' ? registers : [];
  const inWorker = process === 'worker' ? registers : [];
  collectDefaultMetrics({ register: registry });
  return {
    registry,
    turns: new Counter({
      name: 'gamemaster_turns_total',
      help: 'Turns that ended, by what began them (scheduler, force) and how they ended',
      labelNames: ['trigger', 'outcome'],
      registers: inWorker,
    }),
    turnDuration: new Histogram({
      name: 'gamemaster_turn_duration_seconds',
      help: 'From the begin of a turn to its record',
      labelNames: ['trigger', 'outcome'],
      buckets: SLOW,
      registers: inWorker,
    }),
    tickLateness: new Histogram({
      name: 'gamemaster_tick_lateness_seconds',
      help: 'How long after its time a tick was handled',
      buckets: SLOW,
      registers: inWorker,
    }),
    ticksMissed: new Counter({
      name: 'gamemaster_ticks_missed_total',
      help: 'Ticks that passed without a turn because nothing could handle them',
      registers: inWorker,
    }),
    engineCalls: new Histogram({
      name: 'gamemaster_engine_call_duration_seconds',
      help: 'Calls to engines, by operation and outcome',
      labelNames: ['operation', 'outcome'],
      buckets: SLOW,
      registers,
    }),
    operations: new Counter({
      name: 'gamemaster_operations_total',
      help: 'Operations on games, by kind and error code (ok for a success)',
      labelNames: ['kind', 'code'],
      registers: inWorker,
    }),
    outboxDepth: new Gauge({
      name: 'gamemaster_outbox_events',
      help: 'Events that wait to be published',
      registers: inWorker,
    }),
    outboxAge: new Gauge({
      name: 'gamemaster_outbox_oldest_age_seconds',
      help: 'Age of the event that waits longest, 0 when none waits',
      registers: inWorker,
    }),
    membershipLookups: new Counter({
      name: 'gamemaster_membership_lookups_total',
      help: 'Questions who may play, by whether the answer was at hand (hit, miss)',
      labelNames: ['result'],
      registers: inApi,
    }),
    healthEntries: new Counter({
      name: 'gamemaster_health_entries_total',
      help: 'Entries of the health stream, by what became of them',
      labelNames: ['fate'],
      registers: inWorker,
    }),
    httpRequests: new Histogram({
      name: 'gamemaster_http_request_duration_seconds',
      help: 'Requests, by operation id and status',
      labelNames: ['operation', 'status'],
      buckets: FAST,
      registers: inApi,
    }),
    dependencyUp: new Gauge({
      name: 'gamemaster_dependency_up',
      help: 'Whether a dependency answers (1) or not (0)',
      labelNames: ['dependency'],
      registers,
    }),
    clockDifference: new Gauge({
      name: 'gamemaster_clock_difference_seconds',
      help: 'How far the clock of this host is ahead of another',
      labelNames: ['clock'],
      registers,
    }),
    problems: new Counter({
      name: 'gamemaster_problems_total',
      help: 'Lines logged as warn, error or fatal',
      labelNames: ['level'],
      registers,
    }),
  };
}

export type Metrics = ReturnType<typeof createMetrics>;

export interface Readiness {
  ready: boolean;
  checks: Record<string, 'up' | 'down'>;
}

export interface ObservabilityServer {
  /** Where it listens, with the real port when port 0 was asked for. */
  address: Address;
  close: () => Promise<void>;
}

/**
 * Serves `/healthz`, `/readyz` and `/metrics`. A `readiness` that throws means not ready.
 * @throws Error naming the setting when the address cannot be listened on
 */
export async function serveObservability(options: {
  address: Address;
  metrics: Pick<Metrics, 'registry' | 'dependencyUp'>;
  readiness: () => Promise<Readiness>;
}): Promise<ObservabilityServer> {
  const { address, metrics, readiness } = options;
  const { registry } = metrics;
  const routes: Record<string, () => Promise<Answer>> = {
    '/healthz': () => Promise.resolve(json(200, { status: 'ok' })),
    '/readyz': async () => {
      const { ready, checks } = await readiness();
      return json(ready ? 200 : 503, { status: ready ? 'ready' : 'not_ready', checks });
    },
    '/metrics': async () => {
      const { checks } = await readiness();
      for (const [dependency, state] of Object.entries(checks))
        metrics.dependencyUp.set({ dependency }, state === 'up' ? 1 : 0);
      return { status: 200, contentType: registry.contentType, body: await registry.metrics() };
    },
  };

  const answer = async ({ method, url = '' }: IncomingMessage): Promise<Answer> => {
    const route = routes[url.split('?', 1)[0] ?? ''];
    if (route === undefined) return failure(404, 'not_found', 'there is nothing at this address');
    if (method !== 'GET' && method !== 'HEAD')
      return failure(405, 'method_not_allowed', 'only GET and HEAD here');
    return route().catch(() => json(503, { status: 'not_ready', checks: {} }));
  };

  const limits = { requestTimeout: 5_000, headersTimeout: 5_000, keepAliveTimeout: 5_000 };
  const server = createServer(limits, (request, response) => {
    void answer(request).then(({ status, contentType, body }) => {
      response.writeHead(status, { 'content-type': contentType, 'cache-control': 'no-store' }).end(body);
    });
  });
  server.listen(address.port, address.host);
  await once(server, 'listening').catch(cannotListen('GAMEMASTER_METRICS_ADDR'));
  return {
    address: { host: address.host, port: (server.address() as AddressInfo).port },
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

interface Answer {
  status: number;
  contentType: string;
  body: string;
}

/** In the envelope of all errors. */
function failure(status: number, code: string, message: string): Answer {
  return json(status, { error: { code, message } });
}

function json(status: number, body: unknown): Answer {
  return { status, contentType: 'application/json; charset=utf-8', body: JSON.stringify(body) };
}
