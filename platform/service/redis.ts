import { once } from 'node:events';
import { Redis } from 'ioredis';
import type { Logger } from './logging';

const CONNECT_TIMEOUT_MS = 1_000;
const COMMAND_TIMEOUT_MS = 2_000;
const LONGEST_RETRY_MS = 500;

/**
 * A connection that goes on trying for ever, and is being opened. A command fails at once while there is none, fails
 * after two seconds (or `commandTimeoutMs`) without an answer, and is never sent again behind the caller's back: it may
 * have had its effect, and only the caller knows how to repeat it.
 */
export function openRedis(url: string, log: Logger, commandTimeoutMs = COMMAND_TIMEOUT_MS): Redis {
  const redis = new Redis(url, {
    lazyConnect: true,
    connectTimeout: CONNECT_TIMEOUT_MS,
    commandTimeout: commandTimeoutMs,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    retryStrategy: (attempt) => Math.min(50 * attempt, LONGEST_RETRY_MS),
  });
  let away = false;
  // Told once for each time that it is away: it is tried twice a second.
  redis.on('error', (error: Error) => {
    if (!away) log.warn({ err: error }, 'the connection to redis failed, trying again until it works');
    away = true;
  });
  redis.on('ready', () => {
    if (away) log.info('redis is back');
    away = false;
  });
  redis.connect().catch(() => undefined);
  return redis;
}

/** Breaks off a connection that has stopped to answer: only a new one may do better. For errors of commands. */
export function renewIfSilent(redis: Redis, error: unknown): void {
  if (error instanceof Error && error.message === 'Command timed out') redis.disconnect(true);
}

/** Resolves when commands can be sent, or `stopping` is aborted. */
export async function whenReady(redis: Redis, stopping: AbortSignal): Promise<void> {
  // A failed attempt to connect ends the wait as well, and the next one is waited for.
  while (redis.status !== 'ready' && !stopping.aborted) {
    await once(redis, 'ready', { signal: stopping }).catch(() => undefined);
  }
}
