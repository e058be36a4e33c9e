import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

const REQUEST_SECONDS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/**
 * The metrics that every service has, named `<service>_…`; a service adds its own to `registry`. No label names a game.
 */
export function createMetrics(service: string) {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  return {
    registry,
    httpRequests: new Histogram({
      name: `${service}_http_request_duration_seconds`,
      help: 'Requests, by operation id and status',
      labelNames: ['operation', 'status'],
      buckets: REQUEST_SECONDS,
      registers,
    }),
    streamEntries: new Counter({
      name: `${service}_stream_entries_total`,
      help: 'Entries read from a stream, by what became of them (handled, malformed, postponed)',
      labelNames: ['stream', 'fate'],
      registers,
    }),
    dependencyUp: new Gauge({
      name: `${service}_dependency_up`,
      help: 'Whether a dependency answers (1) or not (0)',
      labelNames: ['dependency'],
      registers,
    }),
    problems: new Counter({
      name: `${service}_problems_total`,
      help: 'Lines logged as warn, error or fatal',
      labelNames: ['level'],
      registers,
    }),
  };
}

export type ServiceMetrics = ReturnType<typeof createMetrics>;
