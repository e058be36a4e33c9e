/**
 * Writes of a game's record that need no neighbour. Each is one transaction under one revision number, so a repeated
 * attempt finds that it has been done. A store that is away is tried again without end; a refusal of the registry or
 * of another registration is final.
 */
import { canGoOn, type EngineHealth } from '../domain/engine-health';
import { EventWriter, type EventStreams as StreamNames } from '../domain/game-events';
import { toRuntimeRecord, type RuntimeRow } from '../domain/runtime-record';
import { canBecome, isTerminal, type RuntimeStatus } from '../domain/runtime-status';
import { spreadOf } from '../domain/turn-schedule';
import type { OperationLogStore } from '../stores/operation-log';
import type { RuntimeRecordStore } from '../stores/runtime-records';
import { commitChange, type Written } from './commit';
import { refusalsAreFinal } from './failures';
import { failed, succeeded, type Failure, type GameRef, type Operation } from './operation';
import type { OutboxActivitiesDeps } from './outbox';
import { findRemembered } from './remembered';

export type TurnTrigger = 'scheduler' | 'force';

export interface RecordActivitiesDeps extends OutboxActivitiesDeps {
  records: RuntimeRecordStore;
  operations: OperationLogStore;
  streamNames: StreamNames;
  /** Games of the same minute are spread over this many milliseconds. */
  tickSpreadMs: number;
  onOperation: (kind: string, code: string) => void;
  onTurn: (turn: { trigger: TurnTrigger; outcome: RuntimeStatus; durationMs: number }) => void;
}

export interface InsertRuntimeInput extends GameRef {
  revision: number;
  registrationKey: string;
  engineEndpoint: string;
  engineVersion: string;
  turnSchedule: string;
}

export interface CompleteRegistrationInput extends GameRef {
  revision: number;
  operation: Operation;
  nextGenerationAt: number;
}

export interface RescheduleInput extends GameRef {
  revision: number;
  nextGenerationAt: number;
}

export interface FailedOperationInput extends GameRef {
  operation: Operation;
  failure: Failure;
  status: RuntimeStatus | null;
}

export interface FailTurnInput extends GameRef {
  revision: number;
  operation: Operation;
  failure: Failure;
  trigger: TurnTrigger;
  turnNumber: number;
  /** Milliseconds since the turn began. */
  elapsedMs: number;
  /** Events of earlier writes wait: these have to queue behind them. */
  outboxPending: boolean;
}

export interface CommitStopInput extends GameRef {
  revision: number;
  operation: Operation;
  /** The turn that the stop cut short, if there was one. */
  cancelled: { operation: Operation; failure: Failure } | null;
  outboxPending: boolean;
}

/** Where a write left the game. */
export interface Standing extends Written {
  /** `finished` when a turn that was under way had finished the game before the write could. */
  status: RuntimeStatus;
  /** The last turn on record. */
  currentTurn: number;
}

export interface CommitHealthInput extends GameRef {
  revision: number;
  summary: EngineHealth;
  /** The container is gone. */
  engineLost: boolean;
  operation: Operation;
  /** The turn that the loss cut short, if there was one. */
  cancelled: { operation: Operation; failure: Failure } | null;
  outboxPending: boolean;
}

export interface CommitRecoveryInput extends GameRef {
  revision: number;
  /** Epoch milliseconds; null when the engine stands elsewhere and the game stays as it is. */
  nextGenerationAt: number | null;
  operation: Operation;
  outboxPending: boolean;
}

export interface CommitPatchInput extends GameRef {
  revision: number;
  operation: Operation;
  version: string;
  imageRef: string;
  /** The status before the patch. */
  status: RuntimeStatus;
  /** Where the new engine stands (null: it has no game); null when it was not asked or did not answer. */
  engine: { turn: number | null } | null;
  outboxPending: boolean;
}

export function createRecordActivities(deps: RecordActivitiesDeps) {
  const { records, operations, streamNames } = deps;

  return {
    /** Opens a registration: the record, in `starting`. Returns what the workflow keeps of the deployment's settings. */
    async insertRuntime(input: InsertRuntimeInput): Promise<{ tickSpreadMs: number }> {
      await refusalsAreFinal(() => records.insertStarting(input));
      return { tickSpreadMs: spreadOf(input.gameId, deps.tickSpreadMs) };
    },

    /** Closes a registration that went well: `running`, its reply remembered, the first snapshot on its way. */
    async completeRegistration(input: CompleteRegistrationInput): Promise<Written> {
      const { operation, revision, nextGenerationAt } = input;
      const now = new Date();
      const { outboxEmpty } = await commitChange(deps, { ...input, outboxPending: false }, (row) => ({
        to: 'running',
        set: { nextGenerationAt: new Date(nextGenerationAt), startedAt: now },
        operations: [succeeded(input, operation, 'starting', 'running')],
        events: new EventWriter(streamNames, revision, now).snapshot({ ...row, status: 'running' }).written,
        respond: (changed) => toRuntimeRecord(changed, now),
      }));
      deps.onOperation(operation.kind, 'ok');
      return { outboxEmpty };
    },

    /** Takes a registration back that did not go well: its record goes, one failure row stays. */
    async rollBackRegistration({
      operation,
      failure,
      ...game
    }: Omit<FailedOperationInput, 'status'>): Promise<void> {
      // A failed registration is not remembered: the same key may try again.
      const { key: _forgotten, ...unkeyed } = operation;
      await refusalsAreFinal(() =>
        records.rollBackRegistration({
          gameId: game.gameId,
          registrationId: game.registrationId,
          operation: failed(game, unkeyed, failure, 'starting', null),
        }),
      );
      deps.onOperation(operation.kind, failure.code);
    },

    /** Notes an operation that failed without changing the game. */
    async recordFailure({ operation, failure, status, ...game }: FailedOperationInput): Promise<void> {
      // A key is used up by its first outcome: repeating it, by signal too, adds nothing.
      if (await findRemembered(operations, game.gameId, operation)) return;
      await operations.append(failed(game, operation, failure, status, null));
      deps.onOperation(operation.kind, failure.code);
    },

    /** Moves the next turn of a running game: a write like any other, but no change of status. */
    async reschedule({ revision, nextGenerationAt, ...game }: RescheduleInput): Promise<void> {
      await refusalsAreFinal(() =>
        records.change({
          gameId: game.gameId,
          registrationId: game.registrationId,
          revision,
          from: ['running'],
          to: 'running',
          set: { nextGenerationAt: new Date(nextGenerationAt) },
        }),
      );
    },

    /** Ends a turn that the engine would not make: `generation_failed`, and somebody is told. */
    async failTurn(input: FailTurnInput): Promise<Written> {
      const { operation, failure, revision, turnNumber } = input;
      const { outboxEmpty } = await commitChange(deps, input, (row) => {
        const game = { ...row, status: 'generation_failed' } as const;
        return {
          to: 'generation_failed',
          set: { nextGenerationAt: null },
          operations: [failed(input, operation, failure, 'generation_in_progress', 'generation_failed')],
          events: new EventWriter(streamNames, revision, new Date())
            .snapshot(game)
            .generationFailedIntent(game, turnNumber, failure.code).written,
        };
      });
      deps.onOperation(operation.kind, failure.code);
      deps.onTurn({ trigger: input.trigger, outcome: 'generation_failed', durationMs: input.elapsedMs });
      return { outboxEmpty };
    },

    /**
     * Writes `stopped`, whatever the turn that was cut short had come to: what it committed counts, and if that
     * finished the game there is nothing to stop.
     */
    async commitStop(input: CommitStopInput): Promise<Standing> {
      const { operation, cancelled, revision } = input;
      const now = new Date();
      const { row, outboxEmpty } = await commitChange(deps, input, (before) => {
        if (isTerminal(before.status)) return null;
        const stopped = succeeded(input, operation, before.status, 'stopped');
        return {
          to: 'stopped',
          set: { nextGenerationAt: null, stoppedAt: now },
          operations: cancelled
            ? [failed(input, cancelled.operation, cancelled.failure, before.status, null), stopped]
            : [stopped],
          events: new EventWriter(streamNames, revision, now).snapshot({ ...before, status: 'stopped' })
            .written,
          // A stop by an operator's signal has no key, and nobody to repeat the reply to.
          ...(operation.key && { respond: (changed: RuntimeRow) => toRuntimeRecord(changed, now) }),
        };
      });
      // Where there was nothing to stop, the workflow has that noted, and counted.
      if (row.status === 'stopped') {
        deps.onOperation(operation.kind, 'ok');
        if (cancelled) deps.onOperation(cancelled.operation.kind, cancelled.failure.code);
      }
      return { status: row.status, currentTurn: row.currentTurn, outboxEmpty };
    },

    /**
     * Writes what was reported of the engine, where it is news: the summary, and `engine_unreachable` when the engine
     * was lost while the game needed it. A turn that the loss cut short has its row; one that was on record by then
     * counts.
     */
    async commitHealth(input: CommitHealthInput): Promise<Standing> {
      const { operation, cancelled, revision, summary, engineLost } = input;
      const { applied, row, outboxEmpty } = await commitChange(deps, input, (before) => {
        const lost = engineLost && canBecome(before.status, 'engine_unreachable');
        const to = lost ? 'engine_unreachable' : before.status;
        const engineHealth = staysMismatched(before, summary) ? before.engineHealth : summary;
        const isNews = lost || engineHealth !== before.engineHealth;
        if (isTerminal(before.status) || (!isNews && cancelled === null)) return null;
        const after = { ...before, status: to, engineHealth };
        return {
          to,
          from: [before.status],
          set: { engineHealth, ...(lost && { nextGenerationAt: null }) },
          operations: [
            ...(cancelled
              ? [failed(input, cancelled.operation, cancelled.failure, before.status, null)]
              : []),
            ...(lost ? [succeeded(input, operation, before.status, to)] : []),
          ],
          events: isNews ? new EventWriter(streamNames, revision, new Date()).snapshot(after).written : [],
        };
      });
      if (applied && cancelled) deps.onOperation(cancelled.operation.kind, cancelled.failure.code);
      if (applied && row.status === 'engine_unreachable' && engineLost)
        deps.onOperation(operation.kind, 'ok');
      return { status: row.status, currentTurn: row.currentTurn, outboxEmpty };
    },

    /** Opens a game again whose engine is back; notes `turn_mismatch` where the engine stands elsewhere. */
    async commitRecovery(input: CommitRecoveryInput): Promise<Written> {
      const { operation, revision, nextGenerationAt } = input;
      const { applied, row, outboxEmpty } = await commitChange(deps, input, (before) => {
        const events = new EventWriter(streamNames, revision, new Date());
        if (nextGenerationAt === null) {
          const engineHealth = 'turn_mismatch';
          if (before.engineHealth === engineHealth) return null;
          return {
            to: before.status,
            from: [before.status],
            set: { engineHealth },
            events: events.snapshot({ ...before, engineHealth }).written,
          };
        }
        return {
          to: 'running',
          set: { engineHealth: 'healthy', nextGenerationAt: new Date(nextGenerationAt) },
          operations: [succeeded(input, operation, before.status, 'running')],
          events: events.snapshot({ ...before, status: 'running', engineHealth: 'healthy' }).written,
        };
      });
      if (applied && row.status === 'running') deps.onOperation(operation.kind, 'ok');
      return { outboxEmpty };
    },

    /**
     * Writes the new version. A game that was running goes on where its engine can; else it waits for its engine, and
     * one that stands elsewhere is marked.
     */
    async commitPatch(input: CommitPatchInput): Promise<Standing> {
      const { operation, revision, version, imageRef, status, engine } = input;
      const now = new Date();
      const { row, outboxEmpty } = await commitChange(deps, input, (before) => {
        const goesOn = engine !== null && canGoOn(engine.turn, before.currentTurn);
        const to = status === 'running' && !goesOn ? 'engine_unreachable' : before.status;
        const engineHealth =
          engine === null ? before.engineHealth : goesOn ? 'healthy' : ('turn_mismatch' as const);
        const after = { ...before, status: to, engineHealth };
        const isNews = to !== before.status || engineHealth !== before.engineHealth;
        return {
          to,
          from: [before.status],
          set: {
            imageRef,
            engineVersion: version,
            engineHealth,
            ...(to !== before.status && { nextGenerationAt: null }),
          },
          operations: [succeeded(input, operation, before.status, to === before.status ? null : to)],
          events: isNews ? new EventWriter(streamNames, revision, now).snapshot(after).written : [],
          ...(operation.key && { respond: (changed: RuntimeRow) => toRuntimeRecord(changed, now) }),
        };
      });
      deps.onOperation(operation.kind, 'ok');
      return { status: row.status, currentTurn: row.currentTurn, outboxEmpty };
    },
  };
}

/** An engine that stands elsewhere may be healthy: it is asked again, but until it stands right that is no news. */
function staysMismatched({ status, engineHealth }: RuntimeRow, summary: EngineHealth): boolean {
  return status === 'engine_unreachable' && engineHealth === 'turn_mismatch' && summary === 'healthy';
}
