/** Shares the entries of a stream among the processes of a service, through a consumer group. */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Redis } from 'ioredis';
import type { Logger } from './logging';
import type { ServiceMetrics } from './metrics';
import { pause } from './pause';
import { openRedis, renewIfSilent, whenReady } from './redis';
import { compareIds, gameOf, MalformedEntry, type StreamEntry } from './stream';
import { BLOCK_MS, StreamGroup } from './stream-group';

export interface StreamConsumerOptions {
  redisUrl: string;
  stream: string;
  /** That of the service. */
  group: string;
  /**
   * The field by which entries are kept in order: those with the same text in it are handled one after the other, in
   * stream order, whichever process has them; others side by side.
   */
  inOrderOf: string;
  /**
   * Makes the effect of an entry durable; it is acknowledged afterwards, and comes again if the process dies in
   * between. Throws MalformedEntry for what nobody can understand; whatever else it throws is tried again until it
   * works, and later entries of the same order wait for it.
   */
  handle: (entry: StreamEntry) => Promise<void>;
  /** Entries that are handled at a time. */
  concurrency?: number;
  /** How long a process has to be silent until its entries are taken over. */
  claimAfterMs?: number;
  /** The dead-letter stream keeps about this many entries. */
  maxLength: number;
  log: Logger;
  metrics: Pick<ServiceMetrics, 'streamEntries'>;
}

/** Above the block of a read, so that only a server that is silent times out. */
const READ_TIMEOUT_MS = BLOCK_MS + 2_000;
const PAUSE_MS = 200;
/** How often it is looked whether an earlier entry that another process holds is settled. */
const LOOK_AGAIN_MS = 50;
const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 5_000;

/** One consumer of a group, with the entries that it has in hand. */
export class StreamConsumer {
  private readonly redis: Redis;
  private readonly reading: Redis;
  private readonly group: StreamGroup;
  /** Entries in hand by the text that orders them, each list in stream order. The first of a list is being handled. */
  private readonly lanes = new Map<string, StreamEntry[]>();
  private readonly working = new Set<Promise<void>>();
  private readonly concurrency: number;
  private readonly claimAfterMs: number;

  constructor(private readonly options: StreamConsumerOptions) {
    const { redisUrl, stream, group, maxLength, log } = options;
    this.concurrency = options.concurrency ?? 32;
    this.claimAfterMs = options.claimAfterMs ?? 5_000;
    this.redis = openRedis(redisUrl, log);
    this.reading = openRedis(redisUrl, log, READ_TIMEOUT_MS);
    this.group = new StreamGroup({
      reading: this.reading,
      redis: this.redis,
      stream,
      group,
      consumer: `${hostname()}:${process.pid}:${randomUUID()}`,
      claimAfterMs: this.claimAfterMs,
      maxLength,
    });
  }

  /** Runs until `stopping` is aborted; what is being handled then is finished first. Never rejects. */
  async run(stopping: AbortSignal): Promise<void> {
    const { stream, log } = this.options;
    const settled = new AbortController();
    const keeping = this.keepEntries(settled.signal);
    let isOpen = false;
    let away = false;
    while (!stopping.aborted) {
      await Promise.all([whenReady(this.redis, stopping), whenReady(this.reading, stopping)]);
      try {
        if (!isOpen) await this.group.open();
        isOpen = true;
        const room = this.concurrency - this.inHand().length;
        if (room > 0) {
          // A process that was away for long may find entries of its own among those.
          this.take(await this.group.claim(room), stopping);
          this.take(await this.group.read(room), stopping);
        } else await Promise.race([...this.working, pause(PAUSE_MS, stopping)]);
        away = false;
      } catch (error) {
        if (StreamGroup.isGone(error)) isOpen = false;
        this.renewSilent(error);
        if (!away) log.warn({ err: error, stream }, 'the stream cannot be read, trying until it can');
        away = true;
        await pause(PAUSE_MS, stopping);
      }
    }
    await Promise.all(this.working);
    settled.abort();
    await keeping;
    await this.group
      .leave()
      .catch((error: unknown) => log.warn({ err: error, stream }, 'the consumer could not leave its group'));
    this.redis.disconnect();
    this.reading.disconnect();
  }

  private inHand(): StreamEntry[] {
    return [...this.lanes.values()].flat();
  }

  private take(entries: readonly StreamEntry[], stopping: AbortSignal): void {
    const known = new Set(this.inHand().map(({ id }) => id));
    for (const entry of entries) {
      if (known.has(entry.id)) continue;
      const key = entry.fields[this.options.inOrderOf] ?? '';
      const lane = this.lanes.get(key);
      if (lane) {
        // What was claimed may stand before what was read earlier.
        lane.push(entry);
        lane.sort((a, b) => compareIds(a.id, b.id));
      } else {
        this.lanes.set(key, [entry]);
        const work = this.work(key, stopping);
        this.working.add(work);
        void work.then(() => this.working.delete(work));
      }
    }
  }

  /** Handles the entries of a lane until there are none or it is to stop. Never rejects. */
  private async work(key: string, stopping: AbortSignal): Promise<void> {
    const { inOrderOf, log, metrics, stream } = this.options;
    const lane = this.lanes.get(key) ?? [];
    let retryMs = FIRST_RETRY_MS;
    for (let entry = lane[0]; entry !== undefined && !stopping.aborted; entry = lane[0]) {
      try {
        // The earlier one comes to us, and to the front, when whoever holds it is dead.
        if (await this.group.hasEarlier(entry, inOrderOf)) {
          await pause(LOOK_AGAIN_MS, stopping);
          continue;
        }
        await this.settle(entry);
        lane.splice(lane.indexOf(entry), 1);
        retryMs = FIRST_RETRY_MS;
      } catch (error) {
        this.renewSilent(error);
        metrics.streamEntries.inc({ stream, fate: 'postponed' });
        log.warn({ err: error, stream, entry_id: entry.id, ...gameOf(entry) }, 'an entry has to wait');
        await pause(retryMs, stopping);
        retryMs = Math.min(2 * retryMs, LAST_RETRY_MS);
      }
    }
    // In the same moment as the last look into the lane: an entry added to it later would be forgotten.
    this.lanes.delete(key);
  }

  private async settle(entry: StreamEntry): Promise<void> {
    const { handle, metrics, stream, log } = this.options;
    try {
      await handle(entry);
    } catch (error) {
      if (!(error instanceof MalformedEntry)) throw error;
      await this.group.bury(entry, error.message);
      metrics.streamEntries.inc({ stream, fate: 'malformed' });
      const reason = error.message;
      log.warn({ stream, entry_id: entry.id, ...gameOf(entry), reason }, 'an entry was put aside');
      return;
    }
    await this.group.acknowledge(entry);
    metrics.streamEntries.inc({ stream, fate: 'handled' });
  }

  /** Tells the group from time to time that entries in hand are worked on, however long that takes. */
  private async keepEntries(settled: AbortSignal): Promise<void> {
    const { stream, log } = this.options;
    while (!settled.aborted) {
      await this.group
        .keep(this.inHand().map(({ id }) => id))
        .catch((error: unknown) => log.debug({ err: error, stream }, 'entries in hand could not be kept'));
      await pause(this.claimAfterMs / 3, settled);
    }
  }

  private renewSilent(error: unknown): void {
    renewIfSilent(this.redis, error);
    renewIfSilent(this.reading, error);
  }
}
