import type { HealthReport } from './messages';
import type { GameState } from './state';

/**
 * What was reported of the engine and not acted on. Reports that come while something else is under way become one:
 * the latest tells the summary, and a container that was lost in between stays lost until the engine has been asked.
 */
export class HealthReports {
  private waiting: HealthReport | null = null;
  private last: { occurredAtMs: number; entryId: string } | null = null;

  /** Takes over what an earlier run had seen. */
  resume({ health }: GameState): void {
    if (health && !this.last) this.last = health;
  }

  /** Older reports and repeated ones are dropped: the stream's order is of arrival, not of truth. */
  take(report: HealthReport): void {
    if (this.last && !isNewer(report, this.last)) return;
    this.last = { occurredAtMs: report.occurred_at_ms, entryId: report.entry_id };
    this.waiting = { ...report, lost: report.lost || (this.waiting?.lost ?? false) };
  }

  get isWaiting(): boolean {
    return this.waiting !== null;
  }

  /** The engine's container is gone: nothing may be awaited from it. */
  get engineLost(): boolean {
    return this.waiting?.lost ?? false;
  }

  next(): HealthReport | null {
    const report = this.waiting;
    this.waiting = null;
    return report;
  }
}

/** By time of occurrence, and by place on the stream (two numbers) where that is the same. */
function isNewer(report: HealthReport, last: { occurredAtMs: number; entryId: string }): boolean {
  if (report.occurred_at_ms !== last.occurredAtMs) return report.occurred_at_ms > last.occurredAtMs;
  const [time = 0, place = 0] = report.entry_id.split('-').map(Number);
  const [lastTime = 0, lastPlace = 0] = last.entryId.split('-').map(Number);
  return time !== lastTime ? time > lastTime : place > lastPlace;
}
