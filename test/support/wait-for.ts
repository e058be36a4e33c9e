import { setTimeout as delay } from 'node:timers/promises';
import { inspect } from 'node:util';

/**
 * Asks `condition` again and again until it gives something other than false, null or undefined, and returns
 * that. What it throws counts as "not yet".
 * @throws Error after `timeout` ms saying what was awaited (`describe`) and what came last
 */
export async function waitFor<T>(
  condition: () => T | Promise<T>,
  options: { timeout?: number; interval?: number; describe?: string | (() => string) } = {},
): Promise<Exclude<T, false | null | undefined>> {
  const { timeout = 30_000, interval = 25, describe = 'the condition' } = options;
  const deadline = Date.now() + timeout;
  let last: string;
  let cause: unknown;
  do {
    try {
      const value = await condition();
      if (value !== false && value !== null && value !== undefined) {
        return value as Exclude<T, false | null | undefined>;
      }
      last = `last value: ${String(value)}`;
      cause = undefined;
    } catch (error) {
      last = `last error: ${error instanceof Error ? error.message : inspect(error)}`;
      cause = error;
    }
    await delay(interval);
  } while (Date.now() < deadline);
  const awaited = typeof describe === 'string' ? describe : describe();
  throw new Error(`Waited ${timeout} ms for ${awaited}; ${last}`, { cause });
}

/** Makes a call again and again while `isOpen` says that its answer settles nothing, and returns the last answer. */
export async function repeatWhile<T>(
  isOpen: (answer: T) => boolean,
  patienceMs: number,
  call: () => Promise<T>,
): Promise<T> {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    const answer = await call();
    if (!isOpen(answer) || Date.now() > deadline) return answer;
    await delay(50);
  }
}
