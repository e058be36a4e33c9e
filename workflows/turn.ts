import { ActivityFailure, ApplicationFailure, sleep, uuid4 } from '@temporalio/workflow';
import type { GenerateTurnInput, TurnResult } from '../activities/engine';
import type { TurnTrigger } from '../activities/records';
import type { EngineFailureDetails, ENGINE_FAILED } from '../activities/failures';
import type { Failure, Operation } from '../activities/operation';
import { operationOf, type GameActor } from './actor';
import { callNeighbour, write } from './activity-calls';
import { asUpdateFailure, failureOf } from './failures';
import { takeInReport } from './health';
import type { ForceCall, StopCall } from './inbox';
import { instant, showState } from './operators-view';
import { lastSettledTick, nextRevision, skipOneTick, tickAfter, tickToCome } from './state';
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

/** Puts the turn on record that the engine had made before it went away. */
export async function adoptTurn(actor: GameActor): Promise<void> {
  const operation: Operation = {
    operationId: uuid4(),
    kind: 'turn',
    source: 'runtime_manager',
    actor: null,
    startedAt: Date.now(),
  };
  await runTurn(actor, { trigger: 'scheduler', operation, tick: null, call: null });
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
  actor.recovery.giveUp();
  if (order.trigger === 'force') skipOneTick(state, begunAt);
  state.nextTickAt = tickAfter(state, begunAt);
  state.status = 'generation_in_progress';
  const beginRevision = nextRevision(state);
  const commitRevision = nextRevision(state);

  const { cut, result } = await actor.interruptible(
    () => attemptTurn(actor, order, { beginRevision, commitRevision, begunAt }),
    (asked) => askRuntimeManager(actor, asked),
  );

  if (result.ok && result.value.remembered) {
    // Nothing was done, so nothing was skipped either.
    Object.assign(state, before, { revision: state.revision });
    if (before.recovering) actor.recovery.begin();
    if (order.call) actor.repeat(order.call, result.value.remembered);
  } else if (result.ok) {
    await turnMade(actor, order, result.value);
  } else if (cut === null) {
    await turnFailed(actor, order, turnNumber, failureOf(result.error));
  }

  if (cut === 'engine_lost') {
    // A turn that was on record by then counts; the loss is then taken in like any other.
    if (!result.ok) await turnLost(actor, order, turnNumber);
  } else if (cut) {
    await turnStopped(actor, order, { stop: cut, turnNumber, cancelled: !result.ok });
  }
}

const STOPPED_MEANWHILE: Failure = { code: 'conflict', message: 'the game was stopped meanwhile' };
const ENGINE_LOST: Failure = {
  code: 'engine_unreachable',
  message: 'the engine went away while the turn was made',
};

/** Writes the stop that cut the turn short, or that came when it had just been made. */
async function turnStopped(
  actor: GameActor,
  { operation, call }: TurnOrder,
  { stop, turnNumber, cancelled }: { stop: StopCall; turnNumber: number; cancelled: boolean },
): Promise<void> {
  try {
    const failed = cancelled ? { operation, failure: STOPPED_MEANWHILE } : null;
    const { currentTurn } = await completeStop(actor, stop, failed);
    if (cancelled) answerCancelled(actor, call, currentTurn === turnNumber, STOPPED_MEANWHILE);
  } catch (error) {
    const failure = failureOf(error);
    if (cancelled) actor.state.status = 'generation_failed';
    actor.fail(stop, failure);
    if (cancelled) answerCancelled(actor, call, false, failure);
  }
}

/** The engine's container went away under the turn: whether it was made is open until the engine can be asked. */
async function turnLost(actor: GameActor, { operation, call }: TurnOrder, turnNumber: number): Promise<void> {
  try {
    const made = (await takeInReport(actor, { operation, failure: ENGINE_LOST })) === turnNumber;
    actor.state.unsettledTurn = made ? null : turnNumber;
    answerCancelled(actor, call, made, ENGINE_LOST);
  } catch (error) {
    actor.state.status = 'generation_failed';
    answerCancelled(actor, call, false, failureOf(error));
  }
}

/** The end of a cancelled turn may have been lost with its worker: a commit that had begun is on record and counts. */
function answerCancelled(actor: GameActor, call: ForceCall | null, made: boolean, failure: Failure): void {
  if (call === null) return;
  if (made) actor.succeed(call);
  else actor.fail(call, failure);
}

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
  const summary = `Turn ${state.currentTurn + 1} (${tick ? instant(tick.at) : trigger === 'force' ? 'forced' : 'adopted'})`;
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
      const { leftMs = Infinity } = failed;
      await sleep(Math.min(500 * 2 ** (engineFailures - 1), MOST_BACKOFF_MS, leftMs), {
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
  const [told] = details as [EngineFailureDetails];
  return { ...told, message };
}

async function turnMade(actor: GameActor, { call }: TurnOrder, result: TurnResult): Promise<void> {
  const { state } = actor;
  state.currentTurn = result.turn;
  state.unsettledTurn = null;
  state.status = result.finished ? 'finished' : 'running';
  state.nextTickAt = result.finished ? null : tickToCome(state, Date.now());
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
