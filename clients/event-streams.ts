import type { Redis } from 'ioredis';
import { createRedis, renewIfSilent, type RedisOptions } from './redis';

export interface StreamEvent {
  stream: string;
  gameId: string;
  registrationId: string;
  /** Place of the event among those of its game. */
  seq: number;
  /** Flat fields of the entry. */
  fields: Record<string, string>;
}

/**
 * Adds an entry unless the stream's `sent` hash shows that this registration of the game is as far already. One
 * script, so that a lost reply, a second worker or a repeated flush can neither double an entry nor put it out of
 * order. KEYS: stream, sent hash. ARGV: game id, registration id, seq, stream length, fields…
 */
const PUBLISH_ONCE = `
local sent = redis.call('HGET', KEYS[2], ARGV[1])
if sent then
  local registration, seq = string.match(sent, '^(.*):(%d+)$')
  if registration == ARGV[2] and tonumber(seq) >= tonumber(ARGV[3]) then return 0 end
end
redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[4], '*', unpack(ARGV, 5))
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2] .. ':' .. ARGV[3])
return 1
`;

declare module 'ioredis' {
  interface RedisCommander {
    publishOnce(stream: string, sent: string, ...args: string[]): Promise<number>;
  }
}

export interface EventStreamsOptions extends RedisOptions {
  /** Streams are trimmed to about this many entries. */
  maxLength: number;
}

/** The streams that the Game Master writes to. */
export class EventStreams {
  private readonly redis: Redis;

  constructor(private readonly options: EventStreamsOptions) {
    this.redis = createRedis(options);
    this.redis.defineCommand('publishOnce', { numberOfKeys: 2, lua: PUBLISH_ONCE });
  }

  /** Begins to connect; while Redis is away it keeps trying, and `publish` fails. */
  connect(): void {
    this.redis.connect().catch(this.options.onError);
  }

  /**
   * Sends events of one game in order. Throws on the first one that is not known to have arrived: sending it again
   * is safe.
   */
  async publish(events: readonly StreamEvent[]): Promise<void> {
    const streams = [...new Set(events.map((event) => event.stream))];
    try {
      await Promise.all(
        streams.map((stream) => this.publishInOrder(events.filter((event) => event.stream === stream))),
      );
    } catch (error) {
      renewIfSilent(this.redis, error);
      throw error;
    }
  }

  async ping(): Promise<void> {
    await this.redis.ping();
  }

  close(): void {
    this.redis.disconnect();
  }

  /** One after the other: were a later one to arrive without an earlier one, that one would count as sent. */
  private async publishInOrder(events: readonly StreamEvent[]): Promise<void> {
    for (const event of events) await this.publishOne(event);
  }

  private publishOne({ stream, gameId, registrationId, seq, fields }: StreamEvent): Promise<number> {
    return this.redis.publishOnce(
      stream,
      // The braces keep both keys in one slot of a cluster.
      `{${stream}}:sent`,
      gameId,
      registrationId,
      seq.toString(),
      this.options.maxLength.toString(),
      ...Object.entries(fields).flat(),
    );
  }
}
