import { condition } from '@temporalio/workflow';
import { identified, type GameActor, type Registration } from './actor';
import { callNeighbour, write } from './activity-calls';
import { asUpdateFailure, failureOf } from './failures';
import { describe, showState } from './operators-view';
import { nextRevision, tickAfter, type GameState } from './state';

/** A run that was started and is not told within this time what it is for ends itself. */
const PATIENCE = '1 minute';

/** Waits for the registration that this run was started for. Returns whether one was accepted. */
export function awaitRegistration(actor: GameActor): Promise<boolean> {
  return condition(() => actor.registration !== null, PATIENCE, { summary: 'Wait for a registration' });
}

/**
 * Brings the game from nothing to `running`: record, engine, players, first tick, snapshot. Whatever fails, all of it
 * is taken back and one failure row stays. Returns whether the game is registered.
 */
export async function register(actor: GameActor, registration: Registration): Promise<boolean> {
  const { body } = registration;
  const game = actor.ref;
  const operation = identified({ ...registration, kind: 'register' }, registration.identity);
  const state: GameState = {
    version: 1,
    gameId: actor.gameId,
    registrationId: game.registrationId,
    revision: 0,
    status: 'starting',
    currentTurn: 0,
    engineVersion: body.target_engine_version,
    schedule: { expression: body.turn_schedule, spreadMs: 0 },
    lastTickAt: null,
    skippedTickAt: null,
    nextTickAt: null,
    unsettledTurn: null,
    health: null,
    recovering: false,
    outboxPending: false,
  };
  try {
    const { tickSpreadMs } = await write('insertRuntime', 'Open the registration', {
      ...game,
      revision: nextRevision(state),
      registrationKey: registration.identity.key,
      engineEndpoint: body.engine_endpoint,
      engineVersion: body.target_engine_version,
      turnSchedule: body.turn_schedule,
    });
    state.schedule.spreadMs = tickSpreadMs;
    await callNeighbour('initEngine', `Set the engine up for ${body.members.length} players`, {
      ...game,
      engineEndpoint: body.engine_endpoint,
      members: body.members,
    });
    state.nextTickAt = tickAfter(state, Date.now());
    const written = await write('completeRegistration', 'Open the game: running, turn 0', {
      ...game,
      revision: nextRevision(state),
      operation,
      nextGenerationAt: state.nextTickAt,
    });
    state.status = 'running';
    actor.begin(state);
    actor.outbox.after(written);
    showState(state, 'Registered; waits for its first tick.');
    actor.succeed(registration);
    return true;
  } catch (error) {
    const failure = failureOf(error);
    try {
      await write('rollBackRegistration', `Take the registration back: ${failure.code}`, {
        ...game,
        operation,
        failure,
      });
    } finally {
      describe(state, `Registration failed: ${failure.message}`);
      registration.fail(asUpdateFailure(failure, { hash: registration.identity.hash }));
    }
    return false;
  }
}
