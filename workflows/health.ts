import { uuid4 } from '@temporalio/workflow';
import type { Failure, Operation } from '../activities/operation';
import type { GameActor } from './actor';
import { write } from './activity-calls';
import { describe, showState } from './operators-view';
import { nextRevision } from './state';

/**
 * Takes in the latest report: the summary always, and `engine_unreachable` when the engine was lost while it was
 * needed. `cancelled` is the turn that the loss cut short. Returns the turn on record.
 */
export async function takeInReport(
  actor: GameActor,
  cancelled: { operation: Operation; failure: Failure } | null,
): Promise<number> {
  const { state } = actor;
  const report = actor.health.next(state);
  if (report === null) return state.currentTurn;
  if (report.lost) actor.recovery.giveUp();
  const written = await write('commitHealth', `Engine: ${report.summary}`, {
    ...actor.ref,
    revision: nextRevision(state),
    summary: report.summary,
    engineLost: report.lost,
    operation: healthOperation(),
    cancelled,
    // A turn that was cut short may have been committed all the same: its events go first.
    outboxPending: state.outboxPending || cancelled !== null,
  });
  const changed = state.status !== written.status;
  state.status = written.status;
  state.currentTurn = written.currentTurn;
  if (state.status !== 'running') state.nextTickAt = null;
  actor.outbox.after(written);
  const note = `The engine was reported ${report.summary}.`;
  if (changed) showState(state, note);
  else describe(state, note);
  if (state.status === 'engine_unreachable' && report.summary === 'healthy') actor.recovery.begin();
  return state.currentTurn;
}

/** An operation of the engine's fate, for the log. */
export function healthOperation(): Operation {
  return {
    operationId: uuid4(),
    kind: 'health',
    source: 'runtime_manager',
    actor: null,
    startedAt: Date.now(),
  };
}
