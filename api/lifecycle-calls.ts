/**
 * How a lifecycle call reaches its game and comes back with an answer. The game's workflow decides; here is what has
 * to happen round it so that one key has one effect and one reply, and a caller never waits without an end.
 *
 * - A key that is remembered is answered from the operation log, before anything else is looked at.
 * - What the record rules out is refused without a call, and so is a call that was not taken in time when the record
 *   has come to rule it out. As the log may have gained the key in the meantime (the same call sent twice at once), it
 *   is asked again before any refusal.
 * - The update id is made of kind and key, so that the server attaches a repeated call to the first one. It goes by
 *   the id alone: the outcome tells the hash of the body that it is about.
 * - `accept_before` bounds when a call whose sender gave up may still take effect.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  ApplicationFailure,
  WithStartWorkflowOperation,
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
  WorkflowUpdateStage,
  type Client,
  type WorkflowUpdateHandle,
} from '@temporalio/client';
import type { UpdateDefinition } from '@temporalio/common';
import { GRPC_STATUS, grpcStatusOf } from '../clients/temporal';
import { GameMasterError, isErrorCode } from '../domain/errors';
import type { RuntimeRow } from '../domain/runtime-record';
import { isTerminal } from '../domain/runtime-status';
import type { EngineVersionStore } from '../stores/engine-versions';
import { StoreUnavailable } from '../stores/errors';
import type { OperationLogStore } from '../stores/operation-log';
import type { RuntimeRecordStore } from '../stores/runtime-records';
import {
  GAME_WORKFLOW_TYPE,
  banishUpdate,
  forceUpdate,
  gameWorkflowId,
  patchUpdate,
  registerUpdate,
  stopSignal,
  stopUpdate,
  type BanishBody,
  type Call,
  type CallIdentity,
  type CallKind,
  type ForceBody,
  type GameInput,
  type OutcomeIdentity,
  type PatchBody,
  type RegisterBody,
  type StopBody,
  type TurnUnderWay,
} from '../workflows/messages';
import type { CallHeaders } from './headers';
import { hashOfRequest } from './request-hash';

/** How long the api waits for the game to accept a call. */
const ACCEPTANCE_MS = 2_000;
/** How long after it was sent a game may still accept a call. */
const ACCEPTABLE_MS = 5_000;
/** How long calls are repeated that met a game between two runs, which lasts about a second. */
const BETWEEN_RUNS_MS = 3_000;
const LOG_POLL_MS = 100;
/** From a turn's record to the game's knowledge of it. */
const TURN_END_MS = 20;
const TURN_JUST_ENDED = Symbol('turn just ended');
const WORKFLOW_TASK_TIMEOUT_MS = 5_000;

export interface LifecycleCall<Body> extends CallHeaders {
  gameId: string;
  body: Body;
}

export interface LifecycleCallsOptions {
  temporal: Client;
  taskQueue: string;
  records: RuntimeRecordStore;
  versions: EngineVersionStore;
  operations: OperationLogStore;
  /** Milliseconds that an accepted call is waited for. */
  waitMs: number;
}

/** What a registered game is asked by. The bodies differ; the game knows them by the update's name. */
const UPDATES = { force: forceUpdate, stop: stopUpdate, patch: patchUpdate, banish: banishUpdate };

/** One call on its way. */
interface Sending<Body = unknown> {
  kind: CallKind;
  gameId: string;
  body: Body;
  identity: CallIdentity;
  /** Epoch milliseconds. */
  startedAt: number;
  /** Whether it may have reached its game. */
  isSent: boolean;
}

/** Why a game did not take a call: what is to be done about it depends. */
interface Missed {
  missed: 'no_slot' | 'between_runs' | 'unavailable';
  cause: unknown;
}

/** Methods resolve with the reply of the operation, as JSON, and throw GameMasterError or StoreUnavailable. */
export class LifecycleCalls {
  readonly #waits = new Set<() => void>();
  #isEnding = false;

  constructor(private readonly options: LifecycleCallsOptions) {}

  register(call: LifecycleCall<RegisterBody>): Promise<unknown> {
    return this.#carryOut('register', call);
  }

  force(call: LifecycleCall<ForceBody>): Promise<unknown> {
    return this.#carryOut('force', call);
  }

  stop(call: LifecycleCall<StopBody>): Promise<unknown> {
    return this.#carryOut('stop', call);
  }

  patch(call: LifecycleCall<PatchBody>): Promise<unknown> {
    return this.#carryOut('patch', call);
  }

  /** Resolves with null: there is nothing to reply. */
  banish(call: LifecycleCall<BanishBody>): Promise<unknown> {
    return this.#carryOut('banish', call);
  }

  /** Answers all who wait for an accepted call, or come to: the process is about to end, their operations go on. */
  endWaits(): void {
    this.#isEnding = true;
    for (const end of this.#waits) end();
  }

  async #carryOut(kind: CallKind, call: LifecycleCall<unknown>): Promise<unknown> {
    const { gameId, body, key, source, actor } = call;
    const hash = hashOfRequest(kind, body);
    const sending: Sending = {
      kind,
      gameId,
      body,
      identity: { key, hash, source, actor },
      startedAt: Date.now(),
      isSent: false,
    };
    try {
      const remembered = call.keyGiven ? await this.#recall(sending) : undefined;
      return remembered === undefined ? await this.#send(sending) : remembered.reply;
    } catch (error) {
      throw sending.isSent && error instanceof StoreUnavailable ? outcomeUnknown(error) : error;
    }
  }

  async #send(sending: Sending): Promise<unknown> {
    const { kind } = sending;
    for (;;) {
      const refusal = await this.#refusal(sending);
      if (refusal !== undefined) return this.#recallOrThrow(sending, refusal);

      const taken = await this.#offer(sending);
      if (!('missed' in taken)) {
        const outcome = await this.#outcome(sending, taken);
        if (outcome !== TURN_JUST_ENDED) return outcome;
        // A conflict would name a turn that its caller sees is over.
        if (Date.now() - sending.startedAt > ACCEPTANCE_MS)
          return this.#recallOrThrow(sending, notAccepted());
        await sleep(TURN_END_MS);
        continue;
      }

      // Stopping must not wait until others are done, and signals have no slots to wait for.
      const signalled = taken.missed === 'no_slot' && kind === 'stop';
      const missed = signalled ? await this.#signalStop(sending as Sending<StopBody>) : taken;
      if (missed === undefined) return this.#awaitLogged(sending);
      const late = tooLate(sending, missed);
      if (late !== undefined) return this.#giveUp(sending, missed, late);
      await sleep(50 + 150 * Math.random());
    }
  }

  /**
   * What the record already rules out. The game checks again; it is the authority. Whether a patch's version or a
   * banished race is right only the game says, so that its no is in the log.
   */
  async #refusal(sending: Sending): Promise<GameMasterError | undefined> {
    const record = await this.options.records.find(sending.gameId);
    if (sending.kind !== 'register' || record !== null) return refusalByRecord(sending, record);
    return this.#versionRefusal((sending.body as RegisterBody).target_engine_version);
  }

  async #versionRefusal(version: string): Promise<GameMasterError | undefined> {
    try {
      await this.options.versions.resolveImageRef(version);
      return undefined;
    } catch (error) {
      if (error instanceof GameMasterError) return error;
      throw error;
    }
  }

  /** Sends the update once, and waits until the game has accepted or rejected it. */
  async #offer(sending: Sending): Promise<WorkflowUpdateHandle<OutcomeIdentity> | Missed> {
    const { kind, gameId, body, identity } = sending;
    const failures = kind === 'register' ? await this.options.operations.countFailedRegistrations(gameId) : 0;
    const now = Date.now();
    const call = { ...identity, body, accept_before: new Date(now + ACCEPTABLE_MS).toISOString() };
    sending.isSent = true;
    const { workflow } = this.options.temporal;
    const update = { updateId: `${kind}:${identity.key}`, waitForStage: WorkflowUpdateStage.ACCEPTED };
    try {
      return await workflow.withDeadline(now + ACCEPTANCE_MS, () => {
        if (kind === 'register') {
          return workflow.startUpdateWithStart(registerUpdate, {
            ...update,
            // A registration that failed may be tried again under its key, and must not find its old outcome.
            updateId: `${update.updateId}:${failures}`,
            args: [call as Call<RegisterBody>],
            startWorkflowOperation: this.#start(gameId, body as RegisterBody),
          });
        }
        const definition = UPDATES[kind] as UpdateDefinition<OutcomeIdentity, [Call<unknown>]>;
        return workflow
          .getHandle(gameWorkflowId(gameId))
          .startUpdate(definition, { ...update, args: [call] });
      });
    } catch (error) {
      return missedBy(error);
    }
  }

  #start(
    gameId: string,
    body: RegisterBody,
  ): WithStartWorkflowOperation<(input: GameInput) => Promise<string>> {
    return new WithStartWorkflowOperation(GAME_WORKFLOW_TYPE, {
      workflowId: gameWorkflowId(gameId),
      taskQueue: this.options.taskQueue,
      args: [{ gameId }],
      workflowIdConflictPolicy: 'USE_EXISTING',
      workflowIdReusePolicy: 'ALLOW_DUPLICATE',
      workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT_MS,
      staticSummary: `Game ${gameId}`,
      staticDetails: [
        `Engine \`${body.target_engine_version}\` at \`${body.engine_endpoint}\`, turns at \`${body.turn_schedule}\` UTC.`,
        `Registered with ${body.members.length} players.`,
      ].join('\n\n'),
    });
  }

  /** Waits for the outcome of an accepted call. */
  async #outcome(sending: Sending, handle: WorkflowUpdateHandle<OutcomeIdentity>): Promise<unknown> {
    let outcome: OutcomeIdentity;
    try {
      outcome = await this.#waitFor(sending, handle);
    } catch (error) {
      const failure = error instanceof WorkflowUpdateFailedError ? error.cause : undefined;
      if (failure instanceof ApplicationFailure && isErrorCode(failure.type)) {
        const { hash, turn } = (failure.details?.[0] ?? {}) as Partial<OutcomeIdentity & TurnUnderWay>;
        if (turn !== undefined && (await this.#isOnRecord(sending, turn))) return TURN_JUST_ENDED;
        if (hash !== undefined && hash !== sending.identity.hash) throw keyReused();
        const refusal = new GameMasterError(failure.type, failure.message, { cause: failure });
        if (hash !== undefined) throw refusal;
        return this.#recallOrThrow(sending, refusal);
      }
      if (isLost(error)) return this.#afterLoss(sending, error);
      if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError || grpcStatusOf(error) !== undefined) {
        throw stillRunning(error);
      }
      throw error;
    }
    if (outcome.hash !== sending.identity.hash) throw keyReused();
    return this.#reply(sending);
  }

  /** Whether callers can see the turn already that the game still waits for, which it hears of in a moment. */
  async #isOnRecord({ gameId }: Sending, turn: number): Promise<boolean> {
    const record = await this.options.records.find(gameId);
    return record !== null && record.currentTurn >= turn;
  }

  #waitFor(sending: Sending, handle: WorkflowUpdateHandle<OutcomeIdentity>): Promise<OutcomeIdentity> {
    const deadline = sending.startedAt + this.options.waitMs;
    return this.#untilEnded((ended) =>
      Promise.race([this.options.temporal.withDeadline(deadline, () => handle.result()), ended]),
    );
  }

  /** The run ended with the call accepted and not answered: what became of it is in the log or in the record. */
  async #afterLoss(sending: Sending, cause: unknown): Promise<unknown> {
    const record = await this.options.records.find(sending.gameId);
    return this.#recallOrThrow(
      sending,
      refusalByRecord(sending, record) ??
        unavailable('the game ended before it answered; repeat with the same Idempotency-Key', cause),
    );
  }

  /** The game did not take the call in time. Where the record rules it out by now, that is known for certain. */
  async #giveUp(sending: Sending, { missed }: Missed, late: GameMasterError): Promise<unknown> {
    const record = await this.options.records.find(sending.gameId);
    // A call that may still arrive can take the place of a registration that is under way and fails.
    const isOpen = missed === 'unavailable' && record?.status === 'starting';
    return this.#recallOrThrow(sending, (isOpen ? undefined : refusalByRecord(sending, record)) ?? late);
  }

  async #signalStop({ gameId, body, identity }: Sending<StopBody>): Promise<Missed | undefined> {
    const { workflow } = this.options.temporal;
    try {
      await workflow.withDeadline(Date.now() + ACCEPTANCE_MS, () =>
        workflow.getHandle(gameWorkflowId(gameId)).signal(stopSignal, body, identity),
      );
      return undefined;
    } catch (error) {
      return missedBy(error);
    }
  }

  /** The outcome of a call that was sent as a signal: it appears in the log. */
  #awaitLogged(sending: Sending): Promise<unknown> {
    const deadline = sending.startedAt + this.options.waitMs;
    return this.#untilEnded(async (ended) => {
      while (Date.now() < deadline) {
        // In this order: whatever ended the game was logged with it.
        const record = await this.options.records.find(sending.gameId);
        const logged = await this.#recall(sending);
        if (logged !== undefined) return logged.reply;
        const refusal = refusalByRecord(sending, record);
        if (refusal !== undefined) throw refusal;
        await Promise.race([sleep(LOG_POLL_MS), ended]);
      }
      throw stillRunning();
    });
  }

  async #untilEnded<T>(wait: (ended: Promise<never>) => Promise<T>): Promise<T> {
    if (this.#isEnding) throw stillRunning();
    let end!: () => void;
    const ended = new Promise<never>((_resolve, reject) => {
      end = () => reject(stillRunning());
    });
    ended.catch(() => undefined);
    this.#waits.add(end);
    try {
      return await wait(ended);
    } finally {
      this.#waits.delete(end);
    }
  }

  async #reply(sending: Sending): Promise<unknown> {
    const logged = await this.#recall(sending);
    if (logged === undefined)
      throw new Error(`the ${sending.kind} of game ${sending.gameId} succeeded without a reply`);
    return logged.reply;
  }

  async #recallOrThrow(sending: Sending, refusal: GameMasterError): Promise<unknown> {
    const remembered = await this.#recall(sending);
    if (remembered === undefined) throw refusal;
    return remembered.reply;
  }

  /**
   * What the log knows of this key: its reply, its failure (thrown), or nothing.
   *
   * @throws GameMasterError conflict when the key belongs to another body
   */
  async #recall({ kind, gameId, identity }: Sending): Promise<{ reply: unknown } | undefined> {
    const row = await this.options.operations.findByKey(gameId, kind, identity.key);
    if (row === null) return undefined;
    if (row.requestHash !== identity.hash) throw keyReused();
    if (row.outcome === 'success') return { reply: row.response };
    throw new GameMasterError(row.errorCode ?? 'internal_error', row.errorMessage ?? '');
  }
}

function refusalByRecord(
  { kind, gameId, identity }: Sending,
  record: RuntimeRow | null,
): GameMasterError | undefined {
  if (kind === 'register') {
    if (record === null) return undefined;
    // Under its key this may be a repetition of the very registration that is under way: the game knows.
    const mayBeThis = record.status === 'starting' && record.registrationKey === identity.key;
    return mayBeThis ? undefined : conflict(`game ${gameId} is already registered`);
  }
  if (record === null) return new GameMasterError('runtime_not_found', `game ${gameId} is not registered`);
  return isTerminal(record.status) ? conflict(`game ${gameId} is ${record.status}`) : undefined;
}

/** Sorts what the client throws while a call is being offered. Throws what is no answer of Temporal's. */
function missedBy(error: unknown): Missed {
  if (error instanceof WorkflowNotFoundError || error instanceof WorkflowExecutionAlreadyStartedError) {
    return { missed: 'between_runs', cause: error };
  }
  switch (grpcStatusOf(error)) {
    case undefined:
      throw error;
    case GRPC_STATUS.RESOURCE_EXHAUSTED:
      return { missed: 'no_slot', cause: error };
    case GRPC_STATUS.NOT_FOUND:
    case GRPC_STATUS.ALREADY_EXISTS:
    case GRPC_STATUS.ABORTED:
      return { missed: 'between_runs', cause: error };
    default:
      return { missed: 'unavailable', cause: error };
  }
}

/** What to say when it is too late to offer the call again; undefined when it is not. */
function tooLate({ gameId, startedAt }: Sending, { missed, cause }: Missed): GameMasterError | undefined {
  const elapsed = Date.now() - startedAt;
  if (missed === 'no_slot') {
    if (elapsed < ACCEPTANCE_MS) return undefined;
    return new GameMasterError('too_many_requests', `too many operations wait on game ${gameId}`, { cause });
  }
  return missed === 'unavailable' || elapsed > BETWEEN_RUNS_MS ? notAccepted(cause) : undefined;
}

/** Temporal's word for a call that was accepted by a run which then ended without answering it. */
function isLost(error: unknown): boolean {
  if (error instanceof WorkflowNotFoundError) return true;
  if (!(error instanceof WorkflowUpdateFailedError)) return false;
  return error.cause instanceof ApplicationFailure && error.cause.type === 'AcceptedUpdateCompletedWorkflow';
}

const conflict = (message: string) => new GameMasterError('conflict', message);
const keyReused = () => conflict('this Idempotency-Key was used with another body');
const unavailable = (message: string, cause?: unknown) =>
  new GameMasterError('service_unavailable', message, { cause });
const notAccepted = (cause?: unknown) =>
  unavailable(
    'the game did not take the call in time; repeat with the same Idempotency-Key to be sure',
    cause,
  );
const outcomeUnknown = (cause: unknown) =>
  unavailable(
    'the store is not available to tell what became of the call; repeat with the same Idempotency-Key',
    cause,
  );
const stillRunning = (cause?: unknown) =>
  unavailable('still running, repeat with the same Idempotency-Key', cause);
