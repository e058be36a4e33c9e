import { flushOutbox } from './activity-calls';
import type { GameState } from './state';

/**
 * Sends, in the background, what a write could not send at once. One flush at a time; it is tried until it works and
 * holds up nothing. A run that continues as new abandons it, and the next run begins it anew.
 */
export class OutboxFlush {
  private underWay = false;
  /** Writes that left events behind while a flush was under way: it may have looked before they were there. */
  private again = false;

  constructor(private readonly state: GameState) {}

  /** Notes how the write just made went, and begins a flush when its events still wait. */
  after({ outboxEmpty }: { outboxEmpty: boolean }): void {
    if (!outboxEmpty) this.begin();
  }

  begin(): void {
    this.state.outboxPending = true;
    this.again = true;
    if (!this.underWay) void this.run();
  }

  get isEmpty(): boolean {
    return !this.underWay;
  }

  private async run(): Promise<void> {
    this.underWay = true;
    while (this.again) {
      this.again = false;
      await flushOutbox({ gameId: this.state.gameId, registrationId: this.state.registrationId });
    }
    this.state.outboxPending = false;
    this.underWay = false;
  }
}
