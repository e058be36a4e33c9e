import { Redis } from 'ioredis';

export interface RedisOptions {
  url: string;
  /** Milliseconds until a command that is not answered is given up. */
  commandTimeoutMs: number;
  /** Told of every lost connection: ioredis reconnects by itself, for ever. */
  onError: (error: Error) => void;
}

/**
 * A connection of its own, not yet opened (`connect()`). A command fails at once while there is no connection, and is
 * not sent again behind our back: whoever sends it knows how to repeat it.
 */
export function createRedis({ url, commandTimeoutMs, onError }: RedisOptions): Redis {
  const redis = new Redis(url, {
    lazyConnect: true,
    connectTimeout: 1_000,
    commandTimeout: commandTimeoutMs,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    retryStrategy: (attempt) => Math.min(50 * attempt, 500),
  });
  redis.on('error', onError);
  return redis;
}

/** Breaks off a connection that no longer answers: it is not worth waiting for, a new one may do better. */
export function renewIfSilent(redis: Redis, error: unknown): void {
  if (error instanceof Error && error.message === 'Command timed out') redis.disconnect(true);
}
