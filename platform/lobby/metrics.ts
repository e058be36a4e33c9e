import { Counter, Gauge, type Registry } from 'prom-client';
import type { Database } from './stores/postgres';
import { countEntries } from './stores/outbox';
import { countTasks } from './stores/tasks';

/** Lobby's own metrics, beside those that every service has. What waits is counted when it is asked for. */
export function addMetrics(registry: Registry, database: Database) {
  const registers = [registry];
  new Gauge({
    name: 'lobby_outbox_entries',
    help: 'Entries that wait to be sent to a stream',
    registers,
    async collect() {
      this.set(await countEntries(database).catch(() => NaN));
    },
  });
  new Gauge({
    name: 'lobby_tasks',
    help: 'What is still to be done about games, by kind (give_up_start, register, banish, stop, invalidate)',
    labelNames: ['kind'],
    registers,
    async collect() {
      const counts = await countTasks(database).catch(() => null);
      this.reset();
      for (const [kind, count] of Object.entries(counts ?? {})) this.set({ kind }, count);
    },
  });
  return {
    invalidations: new Counter({
      name: 'lobby_gm_invalidations_total',
      help: 'Times that Game Master was told of changed memberships, by outcome (success, failure)',
      labelNames: ['outcome'],
      registers,
    }),
    leading: new Gauge({
      name: 'lobby_leading',
      help: 'Whether this process reads and writes the streams and does the tasks (1) or stands by (0)',
      registers,
    }),
  };
}
