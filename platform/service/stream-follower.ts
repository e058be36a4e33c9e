/** Reads a stream in order, from a position that its reader keeps. */
import type { Redis } from 'ioredis';
import type { Logger } from './logging';
import type { ServiceMetrics } from './metrics';
import { pause } from './pause';
import { openRedis, renewIfSilent, whenReady } from './redis';
import {
  compareIds,
  deadLetter,
  deadLetterStream,
  gameOf,
  MalformedEntry,
  toEntries,
  type StreamEntry,
} from './stream';

export interface StreamFollowerOptions {
  redisUrl: string;
  stream: string;
  /** The id of the last entry that is done with; null before the first. Asked at the start and after each failure. */
  position: () => Promise<string | null>;
  /**
   * Does what the entry asks for and saves its id as the position, in one transaction if it has to happen once.
   * Throws MalformedEntry for what nobody can understand; whatever else it throws is tried again until it works.
   */
  handle: (entry: StreamEntry) => Promise<void>;
  /** Saves the id of an entry that was put aside as the position. */
  skip: (entry: StreamEntry) => Promise<void>;
  /**
   * Called before reading goes on where entries after the position may be gone from the stream: what they told has to be
   * found out in another way. Called again until it works.
   */
  missed?: (() => Promise<void>) | undefined;
  /** The dead-letter stream keeps about this many entries. */
  maxLength: number;
  log: Logger;
  metrics: Pick<ServiceMetrics, 'streamEntries'>;
}

const BATCH = 64;
/** Longest wait for an entry; also how long an idle follower takes to end. */
const BLOCK_MS = 500;
const COMMAND_TIMEOUT_MS = BLOCK_MS + 2_000;
const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 2_000;

export class StreamFollower {
  private readonly redis: Redis;
  /** Undefined while it has to be asked for. */
  private position: string | null | undefined;
  private retryMs = FIRST_RETRY_MS;

  constructor(private readonly options: StreamFollowerOptions) {
    this.redis = openRedis(options.redisUrl, options.log, COMMAND_TIMEOUT_MS);
  }

  /**
   * Runs until `stopping` is aborted; the entry in hand is done with first. Never rejects: while redis or the reader's
   * own store is away it waits, and nothing is passed over.
   */
  async run(stopping: AbortSignal): Promise<void> {
    while (!stopping.aborted) {
      await whenReady(this.redis, stopping);
      try {
        for (const entry of await this.read()) if (!(await this.settle(entry, stopping))) break;
      } catch (error) {
        await this.postpone(error, stopping);
      }
    }
    this.redis.disconnect();
  }

  private async read(): Promise<StreamEntry[]> {
    const { stream } = this.options;
    this.position ??= await this.findPosition();
    const from = this.position ?? '0-0';
    const reply = await this.redis.xread('COUNT', BATCH, 'BLOCK', BLOCK_MS, 'STREAMS', stream, from);
    return toEntries(reply?.[0]?.[1] ?? []);
  }

  private async findPosition(): Promise<string | null> {
    const { stream, position, missed, log } = this.options;
    const found = await position();
    if (found === null || missed === undefined) return found;
    const [first] = toEntries(await this.redis.xrange(stream, '-', '+', 'COUNT', 1));
    if (first === undefined || compareIds(first.id, found) > 0) {
      log.warn({ stream, position: found }, 'entries of the stream may be gone unread');
      await missed();
    }
    return found;
  }

  /** Returns whether the next one may be taken. */
  private async settle(entry: StreamEntry, stopping: AbortSignal): Promise<boolean> {
    const { stream, metrics } = this.options;
    try {
      const flaw = await this.flawOf(entry);
      if (flaw !== null) await this.bury(entry, flaw);
      metrics.streamEntries.inc({ stream, fate: flaw === null ? 'handled' : 'malformed' });
    } catch (error) {
      metrics.streamEntries.inc({ stream, fate: 'postponed' });
      await this.postpone(error, stopping, entry);
      return false;
    }
    this.position = entry.id;
    this.retryMs = FIRST_RETRY_MS;
    return !stopping.aborted;
  }

  /** Handles the entry, or says why nobody can. */
  private async flawOf(entry: StreamEntry): Promise<string | null> {
    try {
      await this.options.handle(entry);
      return null;
    } catch (error) {
      if (error instanceof MalformedEntry) return error.message;
      throw error;
    }
  }

  private async bury(entry: StreamEntry, reason: string): Promise<void> {
    const { stream, maxLength, skip, log } = this.options;
    // Twice, at worst, but not never.
    const letter = deadLetter(entry, reason);
    await this.redis.xadd(deadLetterStream(stream), 'MAXLEN', '~', maxLength, '*', ...letter);
    await skip(entry);
    log.warn({ stream, entry_id: entry.id, ...gameOf(entry), reason }, 'an entry was put aside');
  }

  private async postpone(error: unknown, stopping: AbortSignal, entry?: StreamEntry): Promise<void> {
    const { stream, log } = this.options;
    renewIfSilent(this.redis, error);
    this.position = undefined;
    const about = entry && { entry_id: entry.id, ...gameOf(entry) };
    log.warn({ err: error, stream, ...about }, 'the stream cannot be followed, trying again');
    await pause(this.retryMs, stopping);
    this.retryMs = Math.min(2 * this.retryMs, LAST_RETRY_MS);
  }
}
