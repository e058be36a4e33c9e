import { setTimeout as delay } from 'node:timers/promises';

/** Waits, and no longer than until `stopping` is aborted. */
export async function pause(ms: number, stopping: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal: stopping }).catch(() => undefined);
}
