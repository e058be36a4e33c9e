import { Counter, Gauge } from 'prom-client';
import type { ServiceMetrics } from '../service/metrics';
import type { ChannelName } from './catalogue';

/** Notification's own metrics beside those that every service has. `waiting` counts what is not settled. */
export function addMetrics(base: ServiceMetrics, waiting: (channel: ChannelName) => Promise<number>) {
  const registers = [base.registry];
  new Gauge({
    name: 'notification_deliveries_waiting',
    help: 'Deliveries that are not settled, by channel',
    labelNames: ['channel'],
    registers,
    async collect() {
      for (const channel of ['push', 'email'] as const) {
        // While Redis is away nothing is known, and an old figure would look like news.
        const count = await waiting(channel).catch(() => null);
        if (count === null) this.remove({ channel });
        else this.set({ channel }, count);
      }
    },
  });
  return {
    ...base,
    intents: new Counter({
      name: 'notification_intents_total',
      help: 'Intents, by type and by whether they were news (accepted, duplicate, conflicting)',
      labelNames: ['notification_type', 'fate'],
      registers,
    }),
    deliveries: new Counter({
      name: 'notification_deliveries_total',
      help: 'Attempts, by channel and outcome (delivered, rejected, retried)',
      labelNames: ['channel', 'outcome'],
      registers,
    }),
  };
}

export type NotificationMetrics = ReturnType<typeof addMetrics>;
