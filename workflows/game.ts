import {
  allHandlersFinished,
  condition,
  continueAsNew,
  log,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import type { Failure } from '../activities/operation';
import { isTerminal } from '../domain/runtime-status';
import { GameActor } from './actor';
import { runBanish } from './banish';
import { setHandlers } from './handlers';
import { takeInReport } from './health';
import type { Call } from './inbox';
import { gameIdOf, type GameInput } from './messages';
import { describe, instant } from './operators-view';
import { runPatch } from './patch';
import { notOperable, notOperableNow } from './refusals';
import { awaitRegistration, register } from './registration';
import { settle } from './settlement';
import { runStop } from './stop';
import { runForcedTurn, runScheduledTurn } from './turn';

/** Runs longer than this are continued as new, also where the server would allow more. */
const TURNS_OF_A_RUN = 100;

/**
 * One game, from its registration to its end. Everything about it happens in this loop, one thing after the other:
 * a stop first, then calls in the order they came, then the tick. Returns how it ended, for the Temporal UI.
 */
export async function game(input?: Partial<GameInput> | null): Promise<string> {
  // A person who starts it by hand may give it nothing.
  const { gameId = gameIdOf(workflowInfo().workflowId), state } = input ?? {};
  const actor = new GameActor(gameId);
  // In this order: a message may be there already, and its handler runs the moment it is set.
  if (state) resume(actor, state);
  setHandlers(actor);

  if (!state) {
    if (!(await awaitRegistration(actor)) || actor.registration === null) return 'nothing was registered';
    const registered = await register(actor, actor.registration);
    await refuseEarlySignals(actor);
    if (!registered) {
      await condition(allHandlersFinished);
      return 'registration failed';
    }
  }

  while (!isTerminal(actor.state.status)) {
    await somethingToDo(actor);
    await doNext(actor);
    if (shouldContinueAsNew(actor)) await beginNewRun(actor);
  }
  actor.recovery.giveUp();

  await windUp(actor);
  return `${actor.state.status} at turn ${actor.state.currentTurn.toString()}`;
}

/** A signal can come before there is a game: it is told so in the log, and not kept for later. */
async function refuseEarlySignals(actor: GameActor): Promise<void> {
  for (let call = actor.inbox.take(); call; call = actor.inbox.take()) {
    await actor.refuse(call, { code: 'conflict', message: 'the game was being registered' });
  }
}

function resume(actor: GameActor, state: NonNullable<GameInput['state']>): void {
  actor.begin(state);
  if (state.outboxPending) actor.outbox.begin();
  if (state.recovering) actor.recovery.begin();
  describe(state, 'Continued in a new run.');
}

/** Waits for a call, for the next tick, or for a reason to begin a new run. */
async function somethingToDo(actor: GameActor): Promise<void> {
  const { state } = actor;
  const called = () =>
    !actor.inbox.isEmpty || actor.health.isWaiting || actor.recovery.hasAnswer || actor.continueRequested;
  if (state.status !== 'running' || state.nextTickAt === null) {
    await condition(called);
    return;
  }
  const wait = state.nextTickAt - Date.now();
  if (wait <= 0) return;
  const summary = `Turn ${state.currentTurn + 1} at ${instant(state.nextTickAt)}`;
  await condition(called, wait, { summary });
}

function tickIsDue({ state }: GameActor): boolean {
  return state.status === 'running' && state.nextTickAt !== null && Date.now() >= state.nextTickAt;
}

/** One thing: a stop, else what was heard of the engine, else the oldest call, else the tick. */
async function doNext(actor: GameActor): Promise<void> {
  const { inbox, health, recovery } = actor;
  if (inbox.hasStop) await run(actor, inbox.take());
  else if (health.isWaiting) await unlessItFails(actor, 'health', () => takeInReport(actor, null));
  else if (recovery.hasAnswer) await unlessItFails(actor, 'recovery', () => settle(actor));
  else if (!inbox.isEmpty) await run(actor, inbox.take());
  else if (tickIsDue(actor)) await unlessItFails(actor, 'turn', () => runScheduledTurn(actor));
}

async function run(actor: GameActor, call: Call | undefined): Promise<void> {
  if (call === undefined) return;
  try {
    const refusal = refusalOf(actor, call);
    if (refusal) await actor.refuse(call, refusal);
    else await begin(actor, call);
  } catch (error) {
    // Nothing that one operation meets may end the game.
    log.error('operation failed unexpectedly', { game_id: actor.gameId, kind: call.kind, error });
    actor.fail(call, { code: 'internal_error', message: 'the operation failed unexpectedly' });
  }
}

async function begin(actor: GameActor, call: Call): Promise<void> {
  switch (call.kind) {
    case 'stop':
      await runStop(actor, call);
      break;
    case 'force':
      await runForcedTurn(actor, call);
      break;
    case 'patch':
      await runPatch(actor, call);
      break;
    case 'banish':
      await runBanish(actor, call);
      break;
    case 'refused':
      break;
  }
}

/** As above, for what nobody asked for. Somebody has to look before there is another turn. */
async function unlessItFails(actor: GameActor, what: string, work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    log.error(`${what} failed unexpectedly`, { game_id: actor.gameId, error });
    if (actor.state.status === 'generation_in_progress') actor.state.status = 'generation_failed';
  }
}

/** Why a call cannot begin now, though it could be put into the inbox; null when it can. */
function refusalOf(actor: GameActor, call: Call): Failure | null {
  switch (call.kind) {
    case 'stop':
      return notOperable(actor);
    case 'force':
    case 'patch':
    case 'banish':
      return notOperableNow(actor);
    case 'refused':
      return call.body.failure;
  }
}

function shouldContinueAsNew(actor: GameActor): boolean {
  return (
    actor.continueRequested || actor.turnsThisRun >= TURNS_OF_A_RUN || workflowInfo().continueAsNewSuggested
  );
}

/** Ends this run where nothing is under way; otherwise the loop comes back here. */
async function beginNewRun(actor: GameActor): Promise<void> {
  if (actor.answeredJustNow) {
    // The answer to an update has to be on record before the run ends: the next workflow task is early enough.
    await sleep(1, { summary: 'Let answers out before the new run' });
  }
  if (!isIdle(actor)) return;
  await continueAsNew<typeof game>({ gameId: actor.gameId, state: actor.state });
}

function isIdle({ state, inbox, health }: GameActor): boolean {
  return !isTerminal(state.status) && inbox.isEmpty && !health.isWaiting && allHandlersFinished();
}

/** Refuses what still comes in, and waits until the last event is out. */
async function windUp(actor: GameActor): Promise<void> {
  for (;;) {
    for (let call = actor.inbox.take(); call; call = actor.inbox.take()) await run(actor, call);
    if (actor.outbox.isEmpty) break;
    await condition(() => actor.outbox.isEmpty || !actor.inbox.isEmpty);
  }
  await condition(allHandlersFinished);
}
