import { Context } from '@temporalio/activity';

/** Well below the heartbeat timeout: a dead worker is noticed in seconds, and a cancellation arrives as fast. */
const INTERVAL_MS = 1_000;

/**
 * Heartbeats while `work` runs. A call that is over within the first interval costs no heartbeat at all.
 */
export async function whileHeartbeating<Result>(work: () => Promise<Result>): Promise<Result> {
  const context = Context.current();
  const timer = setInterval(() => context.heartbeat(), INTERVAL_MS);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}
