import { ActivityFailure, ApplicationFailure, sleep, uuid4 } from '@temporalio/workflow';
import type { GenerateTurnInput, TurnResult } from '../activities/engine';
import type { TurnTrigger } from '../activities/records';
import type { EngineFailureDetails, ENGINE_FAILED } from '../activities/failures';
import type { Failure, Operation } from '../activities/operation';
import { operationOf, type GameActor } from './actor';
import { callNeighbour, write } from './activity-calls';
import { asUpdateFailure, failureOf } from './failures';
import type { ForceCall } from './inbox';
import { instant, showState } from './operators-view';
import { lastSettledTick, nextRevision, skipOneTick, tickAfter } from './state';
import { askRuntimeManager, completeStop } from './stop';

/** Makes the turn that the tick is for. */
export async function runScheduledTurn(actor: GameActor): Promise<void> {
  const { state } = actor;
  const tick = { at: state.nextTickAt ?? Date.now(), previousAt: lastSettledTick(state) };
  state.lastTickAt = tick.at;
  const operation: Operation = {
    operationId: uuid4(),
    kind: 'turn',
    source: 'scheduler',
    actor: null,
    startedAt: Date.now(),
  };
  await runTurn(actor, { trigger: 'scheduler', operation, tick, call: null });
}

/** Makes a turn now, in the place of the next tick, and answers the call with its outcome. */
export async function runForcedTurn(actor: GameActor, call: ForceCall): Promise<void> {
  await runTurn(actor, { trigger: 'force', operation: operationOf(call), tick: null, call });
}

interface TurnOrder {
  trigger: TurnTrigger;
  operation: Operation;
  tick: GenerateTurnInput['tick'];
  call: ForceCall | null;
}

async function runTurn(actor: GameActor, order: TurnOrder): Promise<void> {
  const { state } = actor;
  const before = { ...state };
  const turnNumber = state.currentTurn + 1;
  const begunAt = Date.now();
  if (order.trigger === 'force') skipOneTick(state, begunAt);
  state.nextTickAt = tickAfter(state, begunAt);
  state.status = 'generation_in_progress';
  const beginRevision = nextRevision(state);
  const commitRevision = nextRevision(state);

  const { stop, result } = await actor.stoppable(
    () => attemptTurn(actor, order, { beginRevision, commitRevision, begunAt }),
    (asked) => askRuntimeManager(actor, asked),
  );

  if (result.ok && result.value.remembered) {
    // Nothing was done, so nothing was skipped either.
    Object.assign(state, before, { revision: state.revision });
    if (order.call) actor.repeat(order.call, result.value.remembered);
  } else if (result.ok) {
    await turnMade(actor, order, result.value);
  } else if (stop === null) {
    await turnFailed(actor, order, turnNumber, failureOf(result.error));
  }

  if (stop) {
    const cut = result.ok ? null : { operation: order.operation, failure: STOPPED_MEANWHILE };
    try {
      const { currentTurn } = await completeStop(actor, stop, cut);
      // What the lost end of the turn came to is on record: a commit that had begun counts.
      if (cut && order.call) {
        if (currentTurn === turnNumber) actor.succeed(order.call);
        else actor.fail(order.call, STOPPED_MEANWHILE);
      }
    } catch (error) {
      const failure = failureOf(error);
      if (cut) state.status = 'generation_failed';
      actor.fail(stop, failure);
      if (cut && order.call) actor.fail(order.call, failure);
    }
  }
}

const STOPPED_MEANWHILE: Failure = { code: 'conflict', message: 'the game was stopped meanwhile' };

/** Longest wait before the engine is asked again. */
const MOST_BACKOFF_MS = 5_000;
const ENGINE_FAILED_TYPE: typeof ENGINE_FAILED = 'engine_failed';

/**
 * Has the turn made, over as many attempts as the engine's failures allow. The activity tells when they are spent:
 * the numbers are the deployment's, and this code is replayed.
 */
async function attemptTurn(
  actor: GameActor,
  { trigger, operation, tick }: TurnOrder,
  numbers: { beginRevision: number; commitRevision: number; begunAt: number },
): Promise<TurnResult> {
  const { state } = actor;
  const { begunAt, ...revisions } = numbers;
  const summary = `Turn ${state.currentTurn + 1} (${tick ? instant(tick.at) : 'forced'})`;
  for (let engineFailures = 0; ;) {
    try {
      return await callNeighbour('generateTurn', summary, {
        ...actor.ref,
        ...revisions,
        operation,
        trigger,
        currentTurn: state.currentTurn,
        schedule: state.schedule,
        nextGenerationAt: state.nextTickAt,
        skippedTickAt: state.skippedTickAt,
        tick,
        engineFailures,
        elapsedMs: Date.now() - begunAt,
        outboxPending: state.outboxPending,
      });
    } catch (error) {
      const failed = engineFailure(error);
      if (failed === null) throw error;
      if (failed.exhausted) throw asUpdateFailure({ code: 'engine_unreachable', message: failed.message });
      engineFailures += 1;
      await sleep(Math.min(500 * 2 ** (engineFailures - 1), MOST_BACKOFF_MS), {
        summary: `Ask the engine again: ${failed.message}`.slice(0, 200),
      });
    }
  }
}

/** The engine's own failure, or null for any other. */
function engineFailure(error: unknown): (EngineFailureDetails & { message: string }) | null {
  if (!(error instanceof ActivityFailure) || !(error.cause instanceof ApplicationFailure)) return null;
  const { type, details, message } = error.cause;
  if (type !== ENGINE_FAILED_TYPE) return null;
  const [{ exhausted }] = details as [EngineFailureDetails];
  return { exhausted, message };
}

async function turnMade(actor: GameActor, { call }: TurnOrder, result: TurnResult): Promise<void> {
  const { state } = actor;
  state.currentTurn = result.turn;
  state.status = result.finished ? 'finished' : 'running';
  state.nextTickAt = result.finished ? null : tickAfter(state, Date.now());
  actor.turnsThisRun += 1;
  actor.outbox.after(result);
  if (state.nextTickAt !== result.nextGenerationAt && state.nextTickAt !== null) {
    // Ticks went by while the turn ran, and the record still shows the first of them.
    await write('reschedule', `Next turn at ${instant(state.nextTickAt)}`, {
      ...actor.ref,
      revision: nextRevision(state),
      nextGenerationAt: state.nextTickAt,
    });
  }
  showState(state, result.finished ? 'Finished.' : `Turn ${state.currentTurn.toString()} is made.`);
  if (call) actor.succeed(call);
}

async function turnFailed(
  actor: GameActor,
  order: TurnOrder,
  turnNumber: number,
  failure: Failure,
): Promise<void> {
  const { state } = actor;
  state.status = 'generation_failed';
  state.nextTickAt = null;
  try {
    const written = await write('failTurn', `Turn ${turnNumber} failed: ${failure.code}`, {
      ...actor.ref,
      revision: nextRevision(state),
      operation: order.operation,
      failure,
      trigger: order.trigger,
      turnNumber,
      elapsedMs: Date.now() - order.operation.startedAt,
      outboxPending: state.outboxPending,
    });
    actor.outbox.after(written);
  } finally {
    showState(
      state,
      `Turn ${turnNumber.toString()} failed: ${failure.message}. Force a turn, or stop the game.`,
    );
    if (order.call) actor.fail(order.call, failure);
  }
}
