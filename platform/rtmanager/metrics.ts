import { Counter, Gauge } from 'prom-client';
import type { ServiceMetrics } from '../service/metrics';

/** Adds Runtime Manager's own metrics to those of every service. */
export function addMetrics(metrics: ServiceMetrics) {
  const registers = [metrics.registry];
  return {
    ...metrics,
    operations: new Counter({
      name: 'rtmanager_operations_total',
      help: 'Starts, stops, restarts, patches and removals that came to an end, by error code or ok',
      labelNames: ['operation', 'code'],
      registers,
    }),
    healthEvents: new Counter({
      name: 'rtmanager_health_events_total',
      help: 'Health events told, by type',
      labelNames: ['type'],
      registers,
    }),
    probes: new Counter({
      name: 'rtmanager_probes_total',
      help: 'Probes of engines, by outcome (ok, failed)',
      labelNames: ['outcome'],
      registers,
    }),
    runtimes: new Gauge({
      name: 'rtmanager_runtimes',
      help: 'Runtimes that are remembered, by status',
      labelNames: ['status'],
      registers,
    }),
  };
}

export type Metrics = ReturnType<typeof addMetrics>;
