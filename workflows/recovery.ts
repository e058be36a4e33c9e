import { CancellationScope, isCancellation } from '@temporalio/workflow';
import { askEngine } from './activity-calls';
import type { GameState } from './state';

/** Where the engine stands, once it answers again. */
export interface EngineFound {
  /** Null when the engine has no game. */
  turn: number | null;
}

/**
 * Asks the engine where it stands until it answers or until nobody wants to know any more. In the background: the loop
 * takes the answer up when it comes (settlement.ts).
 */
export class Recovery {
  private scope: CancellationScope | null = null;
  private answer: EngineFound | null = null;

  constructor(private readonly state: GameState) {}

  begin(): void {
    this.state.recovering = true;
    if (this.scope) return;
    const scope = new CancellationScope();
    this.scope = scope;
    void scope.run(() => this.ask(scope));
  }

  /** The status changed, or the engine went away again: whatever it would answer is of no use. */
  giveUp(): void {
    this.state.recovering = false;
    this.answer = null;
    this.scope?.cancel();
    this.scope = null;
  }

  get hasAnswer(): boolean {
    return this.answer !== null;
  }

  takeAnswer(): EngineFound | null {
    const { answer } = this;
    if (answer) this.giveUp();
    return answer;
  }

  private async ask(scope: CancellationScope): Promise<void> {
    try {
      const found = await askEngine({ gameId: this.state.gameId, registrationId: this.state.registrationId });
      if (this.scope === scope) this.answer = found;
    } catch (error) {
      if (!isCancellation(error)) throw error;
    }
  }
}
