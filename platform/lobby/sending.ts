import type { Redis } from 'ioredis';
import { gameLogger, type Logger } from '../service/logging';
import { openRedis, whenReady } from '../service/redis';
import { publish } from '../service/stream';
import type { Alarm } from './alarm';
import { pendingEntries, removeEntry } from './stores/outbox';
import type { Database } from './stores/postgres';

export interface SendingParts {
  database: Database;
  redisUrl: string;
  /** Streams are trimmed to about this many entries. */
  maxLength: number;
  alarm: Alarm;
  log: Logger;
}

const BATCH = 100;
const LOOK_AGAIN_MS = 500;

/** Sends what stands in the outbox, in order, until `stopping` is aborted. Never rejects. */
export async function sendOutbox(parts: SendingParts, stopping: AbortSignal): Promise<void> {
  const { redisUrl, alarm, log } = parts;
  const redis = openRedis(redisUrl, log);
  let away = false;
  while (!stopping.aborted) {
    await whenReady(redis, stopping);
    try {
      await sendBatch(redis, parts, stopping);
      away = false;
    } catch (error) {
      if (!away) log.warn({ err: error }, 'entries cannot be sent, trying until they can');
      away = true;
    }
    await alarm.wait(LOOK_AGAIN_MS, stopping);
  }
  redis.disconnect();
}

/**
 * An entry is removed when it is known to have arrived. One whose answer got lost, or whose sender died, is sent again
 * before those that come after it, and its readers know it by its fields.
 */
async function sendBatch(
  redis: Redis,
  { database, maxLength, alarm, log }: SendingParts,
  stopping: AbortSignal,
): Promise<void> {
  const entries = await pendingEntries(database, BATCH);
  for (const { id, stream, gameId, fields } of entries) {
    if (stopping.aborted) return;
    await publish(redis, stream, fields, maxLength);
    await removeEntry(database, id);
    gameLogger(log, gameId).info({ stream, fields }, 'sent');
  }
  if (entries.length === BATCH) alarm.ring();
}
