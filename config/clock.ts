import type { Logger } from './logging';
import type { Metrics } from './telemetry';

/** A call's `accept_before` and a tick's time are compared on several hosts: they allow for so much. */
const MOST_DIFFERENCE_MS = 1_000;

const LOOK_EVERY_MS = 10_000;

/** How many milliseconds this host is ahead of another clock; null, or a failure, when that cannot be told now. */
export type AheadOf = () => Promise<number | null>;

/** Shows, now and every ten seconds, how far this host's clock is from the others'; warns when one begins to differ. */
export function watchClocks(
  clocks: Readonly<Record<string, AheadOf>>,
  metrics: Pick<Metrics, 'clockDifference'>,
  log: Pick<Logger, 'warn'>,
): void {
  for (const [clock, aheadOf] of Object.entries(clocks)) {
    const look = clockLook(clock, aheadOf, metrics, log);
    void look();
    setInterval(() => void look(), LOOK_EVERY_MS).unref();
  }
}

/** One look after the other; warns at the first of those that find more than a second. Never rejects. */
export function clockLook(
  clock: string,
  aheadOf: AheadOf,
  metrics: Pick<Metrics, 'clockDifference'>,
  log: Pick<Logger, 'warn'>,
): () => Promise<void> {
  let differed = false;
  return async () => {
    // Whoever is away is told of elsewhere.
    const aheadMs = await aheadOf().catch(() => null);
    if (aheadMs === null) return;
    metrics.clockDifference.set({ clock }, aheadMs / 1_000);
    const differs = Math.abs(aheadMs) > MOST_DIFFERENCE_MS;
    if (differs && !differed)
      log.warn({ clock, ahead_ms: Math.round(aheadMs) }, 'clocks differ by more than a second');
    differed = differs;
  };
}

/** Asks for the time: the answer is taken for that of the middle of the wait. */
export function byAsking(ask: () => Promise<Date>, now: () => number = Date.now): AheadOf {
  return async () => {
    const before = now();
    const there = await ask();
    return (before + now()) / 2 - there.getTime();
  };
}

/**
 * Takes the least delay of the tasks seen since the last look. Waiting for a worker looks as if this host were ahead,
 * but of many tasks one hardly waited.
 */
export class ByLeastDelay {
  private least: number | null = null;

  see(delayMs: number): void {
    this.least = Math.min(delayMs, this.least ?? delayMs);
  }

  readonly aheadOf: AheadOf = () => {
    const { least } = this;
    this.least = null;
    return Promise.resolve(least);
  };
}
