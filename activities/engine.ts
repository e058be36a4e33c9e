/**
 * Calls of the engine that change a game. Neither init nor turn is idempotent there, so every attempt first asks the
 * engine where it stands (docs/guarantees.md, "Exactly one turn"). Our writes are numbered by the workflow and are
 * found done when they are repeated. Failures: the engine's own end the attempt (`engine_failed`, counted by the
 * workflow) or the turn (its 4xx, a turn that is neither this nor the next); faults of Postgres, an engine that stands
 * elsewhere at the moment of applying, and lost workers are tried again without counting.
 */
import { activityInfo, ApplicationFailure, cancellationSignal, log } from '@temporalio/activity';
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { EngineFailure, type EngineClient, type EngineState } from '../clients/engine';
import { afterTurn } from '../domain/engine-health';
import { EventWriter } from '../domain/game-events';
import { projectPlayerStats } from '../domain/player-stats';
import { toRuntimeRecord, type RuntimeRow } from '../domain/runtime-record';
import type { RuntimeStatus } from '../domain/runtime-status';
import { countTicksBetween, nextTick, type TurnSchedule } from '../domain/turn-schedule';
import { StoreUnavailable } from '../stores/errors';
import type { OperationEntry } from '../stores/operation-log';
import type { PlayerMappingStore } from '../stores/player-mappings';
import type { StatusChange } from '../stores/runtime-records';
import { ENGINE_FAILED, final, refusalsAreFinal, type EngineFailureDetails } from './failures';
import { whileHeartbeating } from './heartbeat';
import { succeeded, type GameRef, type Operation } from './operation';
import { flushAtOnce, flushWaiting } from './outbox';
import type { RecordActivitiesDeps, TurnTrigger } from './records';
import { findRemembered, type Remembered } from './remembered';

export interface EngineActivitiesDeps extends RecordActivitiesDeps {
  engine: EngineClient;
  mappings: PlayerMappingStore;
  /** How many failures of the engine's own end a turn. */
  turnAttempts: number;
  /** Milliseconds that the engine may take for one turn, all attempts together. */
  turnDeadlineMs: number;
  /** Whether engines compare If-Match when they apply a turn. */
  engineHonoursIfMatch: boolean;
  /** Told of every tick that is handled, and how many before it passed without a turn. */
  onTick: (tick: { lateMs: number; missed: number }) => void;
}

export interface InitEngineInput extends GameRef {
  engineEndpoint: string;
  members: { user_id: string; race_name: string }[];
}

export interface GenerateTurnInput extends GameRef {
  operation: Operation;
  trigger: TurnTrigger;
  /** The last turn on record: the one to make is the next. */
  currentTurn: number;
  /** Number of the write that closes the game to commands, and of the one that opens it again. */
  beginRevision: number;
  commitRevision: number;
  /** Epoch milliseconds, as the record is to show them. */
  nextGenerationAt: number | null;
  skippedTickAt: number | null;
  schedule: TurnSchedule;
  /** The tick that this turn is made for, and the one handled or skipped before it; null for a forced turn. */
  tick: { at: number; previousAt: number | null } | null;
  /** Failures of the engine's own so far, and milliseconds since the turn began. */
  engineFailures: number;
  elapsedMs: number;
  outboxPending: boolean;
}

export interface TurnResult {
  /** Set when the operation's key is remembered from an earlier run of the workflow: no turn was made. */
  remembered: Remembered | null;
  turn: number;
  finished: boolean;
  /** Epoch milliseconds, as the record shows it. */
  nextGenerationAt: number | null;
  outboxEmpty: boolean;
}

export interface BanishRaceInput extends GameRef {
  operation: Operation;
  raceName: string;
  /** The status of the game: banishing does not change it. */
  status: RuntimeStatus;
}

const INIT_ATTEMPTS = 3;
const INIT_BACKOFF_MS = 500;
/** Between looks at an engine that may still be working: grows up to the bound. */
const LOOK_AGAIN_MS = 250;
const MOST_LOOK_AGAIN_MS = 5_000;
/** What a look may take when the deadline has come. */
const LAST_LOOK_MS = 1_000;
/** With less time left than this the engine is not called any more; timers may also end this early. */
const SHORTEST_CALL_MS = 50;

export function createEngineActivities(deps: EngineActivitiesDeps) {
  return {
    /**
     * Brings a new engine to turn 0 with the members' races, and notes who plays which. Throws
     * engine_validation_error or engine_unreachable, both final.
     */
    async initEngine(input: InitEngineInput): Promise<void> {
      const state = await whileHeartbeating(() => initialise(deps.engine, input));
      const mappings = state.player.map(({ id, race_name }) => ({
        userId: userOf(input, race_name),
        raceName: race_name,
        enginePlayerUuid: id,
      }));
      await refusalsAreFinal(() =>
        deps.records.saveInitialState({
          gameId: input.gameId,
          registrationId: input.registrationId,
          mappings,
          playerTurnStats: projectPlayerStats(state.player, mappings),
        }),
      );
    },

    /** Where the engine stands; null when it has no game. Throws while it does not answer: the server calls again. */
    async engineStatus({ gameId }: GameRef): Promise<{ turn: number | null }> {
      const row = await deps.records.find(gameId);
      if (row === null) throw new Error(`game ${gameId} has no record`);
      const state = await whileHeartbeating(() => statusUnlessNew(deps.engine, row.engineEndpoint));
      return { turn: state && state.turn };
    },

    /**
     * Has the engine banish a race of the game; repeating that is safe there. Throws race_not_found,
     * engine_validation_error or engine_unreachable, all final.
     */
    async banishRace(input: BanishRaceInput): Promise<Remembered | null> {
      const { gameId, operation, raceName, status } = input;
      const remembered = await findRemembered(deps.operations, gameId, operation);
      if (remembered) return remembered;
      const members = await deps.mappings.listByGame(gameId);
      if (!members.some((member) => member.raceName === raceName)) {
        throw final('race_not_found', `game ${gameId} has no race ${raceName}`);
      }
      const row = await deps.records.find(gameId);
      if (row === null) throw final('internal_error', `game ${gameId} has no record`);
      await whileHeartbeating(() => banish(deps.engine, row.engineEndpoint, raceName));
      await deps.operations.append(succeeded(input, operation, status, null));
      deps.onOperation(operation.kind, 'ok');
      return null;
    },

    /**
     * One attempt at a turn, from the write that closes the game to commands to its events. Returns once the turn is
     * on record, whoever had the engine make it.
     */
    generateTurn: (input: GenerateTurnInput): Promise<TurnResult> =>
      whileHeartbeating(() => refusalsAreFinal(() => generateTurn(deps, input))),
  };
}

async function initialise(engine: EngineClient, input: InitEngineInput): Promise<EngineState> {
  const races = input.members.map((member) => member.race_name);
  for (let attempt = 1; ; attempt += 1) {
    try {
      // An earlier attempt may have been applied and its answer lost.
      const state =
        (await statusUnlessNew(engine, input.engineEndpoint)) ??
        (await engine.init(input.engineEndpoint, races, cancellationSignal()));
      if (isFreshGame(state, races)) return state;
      throw final(
        'engine_validation_error',
        'the engine is not at turn 0 with exactly the races of the members',
      );
    } catch (error) {
      if (!(error instanceof EngineFailure)) throw error;
      if (error.kind === 'refused') throw final('engine_validation_error', error.message, error);
      if (attempt === INIT_ATTEMPTS) throw final('engine_unreachable', error.message, error);
      log.warn('engine init failed, trying again', { game_id: input.gameId, attempt, error: error.message });
      await delay(INIT_BACKOFF_MS * attempt, undefined, { signal: cancellationSignal() });
    }
  }
}

/**
 * Once, and once more where the connection broke: the first call may have arrived, and a second does no harm. Silence
 * is not asked twice.
 */
async function banish(engine: EngineClient, endpoint: string, raceName: string): Promise<void> {
  for (let repeated = false; ; repeated = true) {
    try {
      await engine.banish(endpoint, raceName, cancellationSignal());
      return;
    } catch (error) {
      if (!(error instanceof EngineFailure)) throw error;
      if (error.kind === 'refused') throw final('engine_validation_error', error.message, error);
      if (error.kind !== 'lost' || repeated) throw final('engine_unreachable', error.message, error);
    }
  }
}

/** The engine's state, or null when it has none yet. */
async function statusUnlessNew(engine: EngineClient, endpoint: string): Promise<EngineState | null> {
  try {
    return await engine.status(endpoint, cancellationSignal());
  } catch (error) {
    if (error instanceof EngineFailure && error.answer.code === 'not_initialised') return null;
    throw error;
  }
}

function isFreshGame(state: EngineState, races: readonly string[]): boolean {
  const found = new Set(state.player.map((player) => player.race_name));
  return (
    state.turn === 0 &&
    !state.finished &&
    state.player.length === races.length &&
    races.every((race) => found.has(race))
  );
}

function userOf({ members }: InitEngineInput, raceName: string): string {
  const member = members.find((candidate) => candidate.race_name === raceName);
  if (member === undefined) throw new Error(`race ${raceName} has no member`);
  return member.user_id;
}

async function generateTurn(deps: EngineActivitiesDeps, input: GenerateTurnInput): Promise<TurnResult> {
  const untilOpened = <Result>(work: () => Promise<Result>): Promise<Result> =>
    untilStored(input.gameId, work, cancellationSignal());
  const remembered = await untilOpened(() => findRemembered(deps.operations, input.gameId, input.operation));
  if (remembered) {
    const { currentTurn: turn, nextGenerationAt, outboxPending } = input;
    return { remembered, turn, finished: false, nextGenerationAt, outboxEmpty: !outboxPending };
  }

  const { applied, row } = await untilOpened(() =>
    deps.records.change({
      ...gameOf(input),
      revision: input.beginRevision,
      to: 'generation_in_progress',
      set: {
        nextGenerationAt: toDate(input.nextGenerationAt),
        skippedTickAt: toDate(input.skippedTickAt),
      },
    }),
  );
  if (applied && input.tick) reportTick(deps, input.tick, input.schedule);
  // An earlier attempt got as far as the commit; only its answer is missing.
  if (row.revision >= input.commitRevision) return resultOf(row, await flushWaiting(deps, gameOf(input)));

  const state = await takeTurn(deps, input, row);
  return commitTurn(deps, input, row, state);
}

/** Has the engine stand at the next turn, whether by this call or by an earlier one, and returns its state there. */
async function takeTurn(
  deps: EngineActivitiesDeps,
  input: GenerateTurnInput,
  row: RuntimeRow,
): Promise<EngineState> {
  const { engine } = deps;
  const { engineEndpoint: endpoint } = row;
  const signal = cancellationSignal();
  // Time that went by without a failure of the engine's went to an outage of our own, which costs no turn.
  const deadline = input.engineFailures === 0 ? Date.now() + deps.turnDeadlineMs : deadlineOf(deps, row);
  try {
    const found = await engine.status(endpoint, signal, timeToLook(deadline));
    const reached = stateAfter(input, found);
    if (reached) return reached;
    if (isOver(deadline)) throw deadlineExceeded(deps);
    if (!deps.engineHonoursIfMatch) return await takeTurnOnce(deps, input, row, deadline);
    const state = await engine.turn(endpoint, input.currentTurn, signal, timeLeft(deadline));
    if (state.turn === input.currentTurn + 1) return state;
    throw new EngineFailure(
      'bad_answer',
      `engine answered turn ${state.turn} to the call for ${input.currentTurn + 1}`,
    );
  } catch (error) {
    if (!(error instanceof EngineFailure)) throw error;
    throw asActivityFailure(deps, input, row, error);
  }
}

/**
 * For an engine that ignores If-Match: of all attempts of the operation one claims the call and makes it, once. The
 * others, and this one when its answer is lost, can only look where the engine stands.
 */
async function takeTurnOnce(
  deps: EngineActivitiesDeps,
  input: GenerateTurnInput,
  row: RuntimeRow,
  callDeadline: number,
): Promise<EngineState> {
  const { gameId, operation, currentTurn } = input;
  const { engineEndpoint: endpoint } = row;
  const signal = cancellationSignal();
  const write = { ...gameOf(input), revision: input.beginRevision };
  let answered = false;
  if (await deps.records.claimTurn(write, operation.operationId)) {
    try {
      const state = await deps.engine.turn(endpoint, currentTurn, signal, timeLeft(callDeadline));
      if (state.turn === currentTurn + 1) return state;
      answered = true;
    } catch (error) {
      if (!(error instanceof EngineFailure) || error.kind === 'refused') throw error;
      answered = error.kind === 'bad_answer' || error.kind === 'unsent';
      log.warn('engine turn call failed, only looking from here on', {
        game_id: gameId,
        error: error.message,
      });
    }
  }
  const deadline = deadlineOf(deps, row);
  for (let wait = LOOK_AGAIN_MS; ; wait = Math.min(wait * 2, MOST_LOOK_AGAIN_MS)) {
    const reached = await stateIfReached(deps.engine, input, endpoint, deadline);
    if (reached) return reached;
    // An engine that has answered is not working on the turn any more, and the one call is spent.
    if (answered) throw engineFailed('the engine did not make the turn', { exhausted: true });
    if (isOver(deadline)) throw deadlineExceeded(deps);
    await delay(Math.min(wait, timeLeft(deadline)), undefined, { signal });
  }
}

async function stateIfReached(
  engine: EngineClient,
  input: GenerateTurnInput,
  endpoint: string,
  deadline: number,
): Promise<EngineState | null> {
  try {
    return stateAfter(input, await engine.status(endpoint, cancellationSignal(), timeToLook(deadline)));
  } catch (error) {
    if (error instanceof EngineFailure && error.kind !== 'refused') return null;
    throw error;
  }
}

/** The state itself when the engine is one ahead, null when it has yet to make the turn. */
function stateAfter({ currentTurn }: GenerateTurnInput, state: EngineState): EngineState | null {
  if (state.turn === currentTurn + 1) return state;
  if (state.turn === currentTurn) return null;
  throw final('turn_mismatch', `the engine stands at turn ${state.turn}, on record is ${currentTurn}`);
}

function asActivityFailure(
  deps: EngineActivitiesDeps,
  input: GenerateTurnInput,
  row: RuntimeRow,
  failure: EngineFailure,
): Error {
  const deadline = deadlineOf(deps, row);
  switch (failure.kind) {
    case 'refused':
      return final('engine_validation_error', failure.message, failure);
    case 'elsewhere':
      // It was made between the look and the call: the next attempt finds it.
      return isOver(deadline) ? deadlineExceeded(deps, failure) : failure;
    case 'unsent':
    case 'lost':
    case 'silent':
    case 'bad_answer':
      if (isOver(deadline)) return deadlineExceeded(deps, failure);
      return engineFailed(failure.message, {
        exhausted: input.engineFailures + 1 >= deps.turnAttempts,
        leftMs: timeLeft(deadline),
      });
  }
}

/**
 * When the engine's time for the turn is up, in epoch milliseconds. It counts from the write that began the turn: what
 * an outage of our own had cost before is not the engine's fault.
 */
function deadlineOf({ turnDeadlineMs }: EngineActivitiesDeps, begun: RuntimeRow): number {
  return begun.updatedAt.getTime() + turnDeadlineMs;
}

function timeLeft(deadline: number): number {
  return Math.max(0, deadline - Date.now());
}

/** What is left, or enough for a last look: a turn that was made after all counts, also past the deadline. */
function timeToLook(deadline: number): number {
  return Math.max(LAST_LOOK_MS, timeLeft(deadline));
}

function isOver(deadline: number): boolean {
  return timeLeft(deadline) < SHORTEST_CALL_MS;
}

function deadlineExceeded(
  { turnDeadlineMs }: EngineActivitiesDeps,
  last?: EngineFailure,
): ApplicationFailure {
  const message = `the engine did not make the turn within ${turnDeadlineMs} ms`;
  return engineFailed(last ? `${message}: ${last.message}` : message, { exhausted: true });
}

function engineFailed(message: string, details: EngineFailureDetails): ApplicationFailure {
  return ApplicationFailure.create({ type: ENGINE_FAILED, message, nonRetryable: true, details: [details] });
}

/** The turn's own clock: what the workflow had counted when it ordered this attempt, and the attempt's age. */
function elapsedMs(input: GenerateTurnInput): number {
  return input.elapsedMs + Math.max(0, Date.now() - activityInfo().scheduledTimestampMs);
}

/**
 * Puts the turn on record with its log row and events. From here on a cancellation comes too late: the engine has
 * made the turn and it counts, so a store that is away is waited for.
 */
async function commitTurn(
  deps: EngineActivitiesDeps,
  input: GenerateTurnInput,
  row: RuntimeRow,
  state: EngineState,
): Promise<TurnResult> {
  cancellationSignal().throwIfAborted();
  const change = await untilStored(input.gameId, async () => turnChange(deps, input, row, state));
  const { applied, row: after } = await untilStored(input.gameId, () => deps.records.change(change));
  if (!applied) {
    log.warn('turn is on record already, by another attempt', { game_id: input.gameId, turn: state.turn });
    return resultOf(after, await flushWaiting(deps, gameOf(input)));
  }
  for (const { kind } of change.operations ?? []) deps.onOperation(kind, 'ok');
  deps.onTurn({ trigger: input.trigger, outcome: change.to, durationMs: elapsedMs(input) });
  const sent = !input.outboxPending && (await flushAtOnce(deps, gameOf(input), change.events ?? []));
  return resultOf(after, sent);
}

async function turnChange(
  deps: EngineActivitiesDeps,
  input: GenerateTurnInput,
  row: RuntimeRow,
  state: EngineState,
): Promise<StatusChange> {
  const members = await deps.mappings.listByGame(input.gameId);
  const recipients = members.map((member) => member.userId);
  const now = new Date();
  const to = state.finished ? 'finished' : 'running';
  const game = {
    ...row,
    status: to,
    currentTurn: state.turn,
    playerTurnStats: projectPlayerStats(state.player, members),
    engineHealth: afterTurn(row.engineHealth),
  } as const;
  const events = new EventWriter(deps.streamNames, input.commitRevision, now);
  if (state.finished) events.finished(game).finishedIntent(game, recipients);
  else events.snapshot(game).turnReadyIntent(game, recipients);
  const turn = succeeded(input, input.operation, 'generation_in_progress', to);
  return {
    ...gameOf(input),
    revision: input.commitRevision,
    to,
    set: {
      currentTurn: state.turn,
      playerTurnStats: game.playerTurnStats,
      engineHealth: game.engineHealth,
      nextGenerationAt: state.finished ? null : toDate(tickToCome(input, now.getTime())),
      ...(state.finished && { finishedAt: now }),
    },
    operations: state.finished ? [turn, finishOf(turn)] : [turn],
    events: events.written,
    ...(input.operation.key && { respond: (changed: RuntimeRow) => toRuntimeRecord(changed, now) }),
  };
}

/** The tick to show from now on: those that went by while the turn ran make none. */
function tickToCome({ nextGenerationAt, schedule }: GenerateTurnInput, now: number): number | null {
  return nextGenerationAt === null || nextGenerationAt > now ? nextGenerationAt : nextTick(schedule, now);
}

/** The end of a game has a row of its own beside that of its last turn. */
function finishOf(turn: OperationEntry): OperationEntry {
  const { key: _turns, ...rest } = turn;
  return { ...rest, operationId: randomUUID(), kind: 'finish' };
}

const STORE_RETRY_MS = 250;

/**
 * Waits for a store that is away, in place: the server would begin another attempt a second later at the earliest,
 * and a tick may not be two seconds late. Anything else, and the signal's end of patience, is thrown.
 */
async function untilStored<Result>(
  gameId: string,
  work: () => Promise<Result>,
  signal?: AbortSignal,
): Promise<Result> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
      log.warn('store is away, the turn waits', { game_id: gameId, error: error.message });
      await delay(STORE_RETRY_MS, undefined, { signal });
    }
  }
}

function reportTick(
  deps: EngineActivitiesDeps,
  { at, previousAt }: NonNullable<GenerateTurnInput['tick']>,
  schedule: TurnSchedule,
): void {
  const missed = previousAt === null ? 0 : countTicksBetween(schedule, previousAt, at);
  deps.onTick({ lateMs: Date.now() - at, missed });
}

function resultOf(row: RuntimeRow, outboxEmpty: boolean): TurnResult {
  return {
    remembered: null,
    turn: row.currentTurn,
    finished: row.status === 'finished',
    nextGenerationAt: row.nextGenerationAt && row.nextGenerationAt.getTime(),
    outboxEmpty,
  };
}

function gameOf({ gameId, registrationId }: GameRef): GameRef {
  return { gameId, registrationId };
}

function toDate(epochMs: number | null): Date | null {
  return epochMs === null ? null : new Date(epochMs);
}
