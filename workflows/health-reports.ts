import { ENGINE_HEALTH } from '../domain/engine-health';
import { isNewer } from '../domain/health-events';
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
    this.last ??= health;
  }

  /**
   * Older reports and repeated ones are dropped: the stream's order is of arrival, not of truth. So is what is no
   * report: a signal can be sent by anybody, and may not do harm.
   */
  take(report: unknown): void {
    if (!isReport(report)) return;
    const at = { occurredAtMs: report.occurred_at_ms, entryId: report.entry_id };
    if (this.last && !isNewer(at, this.last)) return;
    this.last = at;
    this.waiting = { ...report, lost: report.lost || (this.waiting?.lost ?? false) };
  }

  get isWaiting(): boolean {
    return this.waiting !== null;
  }

  /** The engine's container is gone: nothing may be awaited from it. */
  get engineLost(): boolean {
    return this.waiting?.lost ?? false;
  }

  /** What is to be acted on now, or to be dropped: the state remembers that it came. */
  next(state: GameState): HealthReport | null {
    const report = this.waiting;
    this.waiting = null;
    state.health = this.last;
    return report;
  }
}

function isReport(report: unknown): report is HealthReport {
  if (typeof report !== 'object' || report === null) return false;
  const { summary, lost, occurred_at_ms, entry_id } = report as Record<keyof HealthReport, unknown>;
  return (
    (ENGINE_HEALTH as readonly unknown[]).includes(summary) &&
    typeof lost === 'boolean' &&
    Number.isSafeInteger(occurred_at_ms) &&
    typeof entry_id === 'string' &&
    /^\d+-\d+$/.test(entry_id)
  );
}
