import { operationOf, type GameActor } from './actor';
import { askEngineFor, callNeighbour, write } from './activity-calls';
import { failureOf } from './failures';
import type { PatchCall } from './inbox';
import { showState } from './operators-view';
import { nextRevision } from './state';

/**
 * Moves the game to a later patch of its engine version: Runtime Manager replaces the container, the engine is asked
 * where it stands, then the record tells of it. News of the engine is held meanwhile: it is what a patch looks like.
 */
export async function runPatch(actor: GameActor, call: PatchCall): Promise<void> {
  const { state } = actor;
  const { version } = call.body;
  const operation = operationOf(call);
  actor.isPatching = true;
  try {
    const { remembered, imageRef } = await callNeighbour('patchContainer', `Patch the engine to ${version}`, {
      ...actor.ref,
      operation,
      version,
      currentVersion: state.engineVersion,
    });
    if (remembered) {
      actor.repeat(call, remembered);
      return;
    }
    // A game that waited for its engine or for a force goes on waiting.
    const found = state.status === 'running' ? await askEngineFor(actor.ref) : null;
    // The engine has answered: what was reported while it was replaced is history.
    if (found) actor.health.next(state);
    const written = await write('commitPatch', `The engine is at ${version}`, {
      ...actor.ref,
      revision: nextRevision(state),
      operation,
      version,
      imageRef,
      status: state.status,
      engine: found,
      outboxPending: state.outboxPending,
    });
    state.engineVersion = version;
    state.status = written.status;
    if (state.status !== 'running') state.nextTickAt = null;
    if (state.status === 'engine_unreachable') actor.recovery.begin();
    actor.outbox.after(written);
    showState(state, `The engine was patched to ${version}.`);
    actor.succeed(call);
  } catch (error) {
    const failure = failureOf(error);
    await actor.recordFailure(call, failure);
    actor.fail(call, failure);
  } finally {
    actor.isPatching = false;
  }
}
