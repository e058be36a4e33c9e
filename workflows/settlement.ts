import { canGoOn } from '../domain/engine-health';
import type { GameActor } from './actor';
import { write } from './activity-calls';
import { healthOperation } from './health';
import { showState } from './operators-view';
import { nextRevision, tickAfter } from './state';
import { adoptTurn } from './turn';

/** Goes on from where the engine turned out to stand. */
export async function settle(actor: GameActor): Promise<void> {
  const { state } = actor;
  const found = actor.recovery.takeAnswer();
  if (found === null || state.status !== 'engine_unreachable') return;
  const { turn } = found;
  if (turn === state.currentTurn + 1 && state.unsettledTurn !== null) {
    await adoptTurn(actor);
    return;
  }
  const matches = canGoOn(turn, state.currentTurn);
  if (matches) {
    state.unsettledTurn = null;
    state.nextTickAt = tickAfter(state, Date.now());
  }
  const written = await write(
    'commitRecovery',
    matches ? 'The engine is back' : 'The engine stands elsewhere',
    {
      ...actor.ref,
      revision: nextRevision(state),
      nextGenerationAt: matches ? state.nextTickAt : null,
      operation: healthOperation(),
      outboxPending: state.outboxPending,
    },
  );
  if (matches) state.status = 'running';
  actor.outbox.after(written);
  const where = turn === null ? 'has no game' : `stands at turn ${turn}`;
  showState(state, matches ? 'The engine is back.' : `The engine ${where}: see the runbook.`);
}
