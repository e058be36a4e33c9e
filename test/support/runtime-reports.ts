import type { HealthEventType } from '../../domain/health-events';
import type { GameMaster } from './game-master';
import { freshKeyPrefix } from './stack';
import { waitFor } from './wait-for';

export interface Report {
  type: HealthEventType;
  /** Epoch milliseconds; a little later than the one before when absent. */
  at?: number;
  container?: string;
}

/** Stands in for Runtime Manager on the health stream, for one test file. */
export class RuntimeReports {
  readonly stream = `${freshKeyPrefix()}health_events`;
  /** Has the processes read this stream. */
  readonly env = { GAMEMASTER_STREAM_HEALTH_EVENTS: this.stream };
  /** How many entries were put on the stream. */
  added = 0;
  private lastAt = Date.now();

  /** Puts an entry on the stream. Returns its id. */
  async report(gm: GameMaster, gameId: string, type: HealthEventType, more: Omit<Report, 'type'> = {}) {
    this.lastAt += 1;
    return this.add(gm, {
      game_id: gameId,
      container_id: more.container ?? 'c1',
      event_type: type,
      occurred_at_ms: String(more.at ?? this.lastAt),
      details: '{}',
    });
  }

  async add(gm: GameMaster, fields: Record<string, string>): Promise<string> {
    const id = await gm.redis.xadd(this.stream, '*', ...Object.entries(fields).flat());
    if (id === null) throw new Error('the entry was not added');
    this.added += 1;
    return id;
  }

  /** Waits until the consumers have settled every entry. */
  async untilSettled(gm: GameMaster, timeout = 30_000): Promise<void> {
    const [[lastId] = ['0-0']] = await gm.redis.xrevrange(this.stream, '+', '-', 'COUNT', 1);
    await waitFor(
      async () => {
        const { pending, 'last-delivered-id': delivered } = await this.group(gm);
        return pending === 0 && delivered === lastId;
      },
      { timeout, describe: 'the health stream to be settled' },
    );
  }

  /** How many entries were handed out and are not acknowledged. */
  async pending(gm: GameMaster): Promise<number> {
    return Number((await this.group(gm))['pending']);
  }

  /** How many of them the consumer in this process has. */
  async pendingOf(gm: GameMaster, pid: number): Promise<number> {
    const consumers = (await gm.redis.xinfo('CONSUMERS', this.stream, 'gamemaster')) as unknown[][];
    const found = consumers.map(toObject).find(({ name }) => String(name).split(':')[1] === String(pid));
    return Number(found?.['pending'] ?? 0);
  }

  /** Names of the group's consumers. */
  async consumers(gm: GameMaster): Promise<string[]> {
    const consumers = (await gm.redis.xinfo('CONSUMERS', this.stream, 'gamemaster')) as unknown[][];
    return consumers.map((flat) => String(toObject(flat)['name']));
  }

  /** The dead-letter stream, oldest first. */
  async dead(gm: GameMaster): Promise<Record<string, unknown>[]> {
    return (await gm.redis.xrange(`${this.stream}:dead`, '-', '+')).map(([, flat]) => toObject(flat));
  }

  private async group(gm: GameMaster): Promise<Record<string, unknown>> {
    const [group = []] = (await gm.redis.xinfo('GROUPS', this.stream)) as unknown[][];
    return toObject(group);
  }
}

/** What became of the entries that the workers have settled, by fate. */
export async function fates(gm: GameMaster): Promise<Record<string, number>> {
  const sums: Record<string, number> = {};
  for (const worker of gm.workers.filter(({ ended }) => !ended)) {
    const metrics = await (await fetch(`${worker.baseUrl}/metrics`)).text();
    for (const [, fate = '', count] of metrics.matchAll(
      /^gamemaster_health_entries_total\{fate="(\w+)"\} (\d+)$/gm,
    )) {
      sums[fate] = (sums[fate] ?? 0) + Number(count);
    }
  }
  return sums;
}

function toObject(flat: readonly unknown[]): Record<string, unknown> {
  return Object.fromEntries(flat.flatMap((name, i) => (i % 2 === 0 ? [[String(name), flat[i + 1]]] : [])));
}
