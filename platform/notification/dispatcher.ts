import type { Redis } from 'ioredis';
import { gameLogger, type Logger } from '../service/logging';
import { pause } from '../service/pause';
import { whenReady } from '../service/redis';
import type { ChannelName } from './catalogue';
import { Rejected, type Channel } from './channel';
import type { Attempt, DeliveryStore } from './delivery-store';
import type { NotificationMetrics } from './metrics';

export interface DispatcherOptions {
  name: ChannelName;
  channel: Channel;
  store: Pick<DeliveryStore, 'claim' | 'keep' | 'settle' | 'postpone'>;
  /** The store's. */
  redis: Redis;
  /** The lease of the store. */
  leaseMs: number;
  /** The delay after the first failed attempt; it doubles with each up to the longest. In milliseconds. */
  firstRetryMs: number;
  longestRetryMs: number;
  metrics: Pick<NotificationMetrics, 'deliveries'>;
  log: Logger;
}

/** Deliveries under way at a time. */
const CONCURRENCY = 8;
/** How often it is looked for deliveries whose time has come; new ones are announced. */
const POLL_MS = 250;

/** Delivers what is due on one channel. Any number of processes share the work. */
export class Dispatcher {
  private readonly inHand = new Map<string, Promise<void>>();
  private wake = new AbortController();

  constructor(private readonly options: DispatcherOptions) {}

  /** There may be something new. */
  nudge(): void {
    this.wake.abort();
  }

  /** Runs until `stopping` is aborted; what is under way then is finished first. Never rejects. */
  async run(stopping: AbortSignal): Promise<void> {
    const { redis, log, name } = this.options;
    const settled = new AbortController();
    const keeping = this.keepLeases(settled.signal);
    let away = false;
    stopping.addEventListener('abort', () => this.nudge(), { once: true });
    while (!stopping.aborted) {
      await whenReady(redis, stopping);
      this.wake = new AbortController();
      let isMore = false;
      try {
        isMore = await this.takeUp(stopping);
        away = false;
      } catch (error) {
        if (!away)
          log.warn({ err: error, channel: name }, 'deliveries cannot be read, trying until they can');
        away = true;
      }
      if (!isMore) await pause(POLL_MS, this.wake.signal);
    }
    await Promise.all(this.inHand.values());
    settled.abort();
    await keeping;
  }

  /** Begins deliveries that are due. Returns whether there may be more, and room for them. */
  private async takeUp(stopping: AbortSignal): Promise<boolean> {
    const room = CONCURRENCY - this.inHand.size;
    if (room === 0) return false;
    const claimed = await this.options.store.claim(this.options.name, room);
    for (const attempt of claimed) {
      // Redis was away for longer than a lease, and we still have it.
      if (this.inHand.has(attempt.id)) continue;
      const done = this.attempt(attempt, stopping).finally(() => {
        this.inHand.delete(attempt.id);
        this.nudge();
      });
      this.inHand.set(attempt.id, done);
    }
    return claimed.length === room;
  }

  private async attempt(attempt: Attempt, stopping: AbortSignal): Promise<void> {
    const { name, channel, store, metrics } = this.options;
    const log = gameLogger(this.options.log, attempt.gameId).child({
      channel: name,
      delivery_id: attempt.id,
      notification_type: attempt.notificationType,
      attempt: attempt.attempt,
    });
    const failure = await channel.deliver(attempt).then(
      () => null,
      (error: unknown) => error,
    );
    if (failure === null) {
      metrics.deliveries.inc({ channel: name, outcome: 'delivered' });
      log.info('delivered');
      await this.record(() => store.settle(attempt, 'delivered'), log, stopping);
    } else if (failure instanceof Rejected) {
      metrics.deliveries.inc({ channel: name, outcome: 'rejected' });
      log.error({ err: failure }, 'refused for good');
      await this.record(() => store.settle(attempt, 'rejected', messageOf(failure)), log, stopping);
    } else {
      const delayMs = this.delayAfter(attempt.attempt);
      metrics.deliveries.inc({ channel: name, outcome: 'retried' });
      log.warn({ err: failure, delay_ms: delayMs }, 'not delivered, to be tried again');
      await this.record(() => store.postpone(attempt, delayMs, messageOf(failure)), log, stopping);
    }
  }

  private delayAfter(attempts: number): number {
    const { firstRetryMs, longestRetryMs } = this.options;
    return Math.min(firstRetryMs * 2 ** Math.min(attempts - 1, 30), longestRetryMs);
  }

  /** Keeps an outcome, however long Redis is away: what is forgotten would be delivered again. */
  private async record(write: () => Promise<void>, log: Logger, stopping: AbortSignal): Promise<void> {
    for (;;) {
      try {
        await write();
        return;
      } catch (error) {
        if (stopping.aborted) {
          log.error({ err: error }, 'the outcome could not be kept, the delivery will be tried again');
          return;
        }
        log.warn({ err: error }, 'the outcome cannot be kept yet');
        await pause(POLL_MS, stopping);
      }
    }
  }

  private async keepLeases(settled: AbortSignal): Promise<void> {
    const { store, name, leaseMs, log } = this.options;
    while (!settled.aborted) {
      await pause(leaseMs / 3, settled);
      await store
        .keep(name, [...this.inHand.keys()])
        .catch((error: unknown) => log.debug({ err: error, channel: name }, 'leases could not be kept'));
    }
  }
}

function messageOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).slice(0, 500);
}
