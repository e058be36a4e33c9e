import type { Failure, Operation } from '../activities/operation';
import type { Standing } from '../activities/records';
import { operationOf, type GameActor } from './actor';
import { callNeighbour, write } from './activity-calls';
import { failureOf } from './failures';
import type { StopCall } from './inbox';
import { showState } from './operators-view';
import { nextRevision } from './state';

/**
 * Asks Runtime Manager to stop the container. Returns whether it agreed; if not, the stop has been answered and
 * nothing has changed.
 */
export async function askRuntimeManager(actor: GameActor, stop: StopCall): Promise<boolean> {
  try {
    const remembered = await callNeighbour('stopContainer', 'Ask Runtime Manager to stop the container', {
      ...actor.ref,
      operation: operationOf(stop),
      reason: stop.body.reason,
    });
    if (remembered === null) return true;
    actor.repeat(stop, remembered);
  } catch (error) {
    const failure = failureOf(error);
    await actor.recordFailure(stop, failure);
    actor.fail(stop, failure);
  }
  return false;
}

/** Writes a stop that Runtime Manager agreed to, with the turn that it cut short, and answers it. */
export async function completeStop(
  actor: GameActor,
  stop: StopCall,
  cancelled: { operation: Operation; failure: Failure } | null,
): Promise<Standing> {
  const { state } = actor;
  const result = await write('commitStop', `Stop the game: ${stop.body.reason}`, {
    ...actor.ref,
    revision: nextRevision(state),
    operation: operationOf(stop),
    cancelled,
    // A turn that was cut short may have been committed all the same: its events go first.
    outboxPending: state.outboxPending || cancelled !== null,
  });
  state.status = result.status;
  state.currentTurn = result.currentTurn;
  state.nextTickAt = null;
  actor.outbox.after(result);
  if (result.status === 'stopped') {
    showState(state, `Stopped: ${stop.body.reason}`);
    actor.succeed(stop);
  } else {
    const failure: Failure = { code: 'conflict', message: `the game is ${result.status}` };
    await actor.recordFailure(stop, failure);
    actor.fail(stop, failure);
  }
  return result;
}

/** A stop that comes while nothing else is under way. */
export async function runStop(actor: GameActor, stop: StopCall): Promise<void> {
  if (!(await askRuntimeManager(actor, stop))) return;
  try {
    await completeStop(actor, stop, null);
  } catch (error) {
    actor.fail(stop, failureOf(error));
  }
}
