/** What Runtime Manager remembers: one Redis hash, a field of JSON per game (docs/decisions/0015). */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { renewIfSilent } from '../service/redis';
import type { StreamEntry } from '../service/stream';
import { unsettled } from '../service/stream-group';
import type { HealthEvent } from './health';
import type { JobResult, Runtime } from './runtime';

/** What is told together with a change of memory. */
export interface Telling {
  events?: readonly HealthEvent[];
  /** Settles an entry of a job stream: its result is added only if the entry is not acknowledged yet. */
  job?: { kind: 'start' | 'stop'; stream: string; entryId: string; requestedAtMs: number; result: JobResult };
}

/** A runtime as it was read; `text` is compared when it is written. */
export interface Remembered {
  gameId: string;
  text: string;
  runtime: Runtime | null;
}

/** Somebody else has changed the runtime since it was read: another Runtime Manager with the same memory. */
export class MemoryMoved extends Error {
  override readonly name = 'MemoryMoved';
}

/** Redis is away, or did not take a command. */
export class MemoryUnavailable extends Error {
  override readonly name = 'MemoryUnavailable';
}

export interface MemoryOptions {
  redis: Redis;
  /** Key of the hash. */
  key: string;
  /** The consumer group of the job streams. */
  group: string;
  streams: { jobResults: string; healthEvents: string };
  maxLength: number;
  /** How long a process has to be silent until the games that it holds are free. */
  leaseMs: number;
}

/** Says that a game is ours, unless another has said so. KEYS: lease. ARGV: holder, milliseconds. */
const TAKE = `
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
`;

/** KEYS: lease. ARGV: holder. */
const RELEASE = `
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 1
`;

/** How often it is looked whether a game that another process holds is free. */
const LOOK_AGAIN_MS = 50;

/**
 * One change: memory, events and job result together or not at all. KEYS: hash, health events, job results, job stream.
 * ARGV: game, text as it was read, text to write (empty removes), length, JSON {events, group, entry, result}.
 */
const COMMIT = `
if (redis.call('HGET', KEYS[1], ARGV[1]) or '') ~= ARGV[2] then return 0 end
if ARGV[3] == '' then redis.call('HDEL', KEYS[1], ARGV[1])
elseif ARGV[3] ~= ARGV[2] then redis.call('HSET', KEYS[1], ARGV[1], ARGV[3]) end
local telling = cjson.decode(ARGV[5])
for _, fields in ipairs(telling.events) do
  redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[4], '*', unpack(fields))
end
if telling.entry and redis.call('XACK', KEYS[4], telling.group, telling.entry) == 1 then
  redis.call('XADD', KEYS[3], 'MAXLEN', '~', ARGV[4], '*', unpack(telling.result))
end
return 1
`;

/** Every method throws MemoryUnavailable while Redis is away. */
export class Memory {
  private readonly holder = randomUUID();

  constructor(private readonly options: MemoryOptions) {}

  async find(gameId: string): Promise<Remembered> {
    const text = await this.guard((redis, key) => redis.hget(key, gameId));
    return { gameId, text: text ?? '', runtime: text === null ? null : (JSON.parse(text) as Runtime) };
  }

  /** By game id. */
  async all(): Promise<Runtime[]> {
    const texts = await this.guard((redis, key) => redis.hvals(key));
    const runtimes = texts.map((text) => JSON.parse(text) as Runtime);
    return runtimes.sort((a, b) => (a.gameId < b.gameId ? -1 : 1));
  }

  /**
   * Replaces what was read by `next` (null forgets it) and tells of it, in one step.
   * @throws MemoryMoved
   */
  async commit(read: Remembered, next: Runtime | null, telling: Telling = {}): Promise<Remembered> {
    const { streams, group, maxLength } = this.options;
    const { gameId } = read;
    const text = next === null ? '' : JSON.stringify(next);
    const { events = [], job } = telling;
    const message = {
      events: events.map((event) => eventFields(gameId, event)),
      group,
      ...(job && { entry: job.entryId, result: resultFields(gameId, job) }),
    };
    const done = await this.guard((redis, key) =>
      redis.eval(
        COMMIT,
        4,
        key,
        streams.healthEvents,
        streams.jobResults,
        job?.stream ?? key,
        gameId,
        read.text,
        text,
        maxLength,
        JSON.stringify(message),
      ),
    );
    if (done !== 1) throw new MemoryMoved(`what is remembered of ${gameId} was changed by somebody else`);
    return { gameId, text, runtime: next };
  }

  /** The game's jobs on a stream that are still to be done, also those that nobody has read yet; in stream order. */
  async unsettledJobs(stream: string, gameId: string): Promise<StreamEntry[]> {
    const about = { stream, group: this.options.group, field: 'game_id', text: gameId };
    return this.guard((redis) => unsettled(redis, about));
  }

  /**
   * Does `work` while no other process with this memory holds the game; waits for one that does, so long that a dead one
   * is out of it.
   * @throws MemoryMoved when the other goes on
   */
  async hold<T>(gameId: string, work: () => Promise<T>): Promise<T> {
    const deadline = Date.now() + 1.2 * this.options.leaseMs;
    for (;;) {
      const held = await this.holdIfFree(gameId, work);
      if (held !== null) return held.result;
      if (Date.now() > deadline) throw new MemoryMoved(`somebody else is at work on ${gameId}`);
      await delay(LOOK_AGAIN_MS);
    }
  }

  /** As `hold`; null, without having done it, when another process holds the game. */
  async holdIfFree<T>(gameId: string, work: () => Promise<T>): Promise<{ result: T } | null> {
    const { redis, key, leaseMs } = this.options;
    const lease = `${key}:held:${gameId}`;
    const take = () => this.guard(() => redis.eval(TAKE, 1, lease, this.holder, leaseMs));
    if ((await take()) !== 1) return null;
    // Who cannot renew or release it cannot write what was done either, and is told so then. It ends by itself.
    const renewing = setInterval(() => void take().catch(() => undefined), leaseMs / 3);
    try {
      return { result: await work() };
    } finally {
      clearInterval(renewing);
      await this.guard(() => redis.eval(RELEASE, 1, lease, this.holder)).catch(() => undefined);
    }
  }

  async ping(): Promise<void> {
    await this.guard((redis) => redis.ping());
  }

  private async guard<T>(command: (redis: Redis, key: string) => Promise<T>): Promise<T> {
    const { redis, key } = this.options;
    try {
      return await command(redis, key);
    } catch (error) {
      renewIfSilent(redis, error);
      throw new MemoryUnavailable('redis did not take a command', { cause: error });
    }
  }
}

function eventFields(gameId: string, { type, containerId, occurredAtMs, details }: HealthEvent): string[] {
  return flat({
    game_id: gameId,
    container_id: containerId,
    event_type: type,
    occurred_at_ms: occurredAtMs.toString(),
    details: JSON.stringify(details),
  });
}

function resultFields(
  gameId: string,
  { kind, requestedAtMs, result }: NonNullable<Telling['job']>,
): string[] {
  return flat({
    job: kind,
    game_id: gameId,
    requested_at_ms: requestedAtMs.toString(),
    outcome: result.outcome,
    container_id: result.containerId,
    engine_endpoint: result.endpoint,
    error_code: result.errorCode,
    error_message: result.errorMessage.slice(0, 500),
  });
}

function flat(fields: Record<string, string>): string[] {
  return Object.entries(fields).flat();
}
