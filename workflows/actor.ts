import { CancellationScope, condition, workflowInfo } from '@temporalio/workflow';
import type { Failure, GameRef, Operation } from '../activities/operation';
import type { Remembered } from '../activities/remembered';
import type { OperationKind } from '../domain/operation';
import { write } from './activity-calls';
import { asUpdateFailure } from './failures';
import { HealthReports } from './health-reports';
import { Inbox, type Call, type StopCall } from './inbox';
import type { CallIdentity, OutcomeIdentity, RegisterBody } from './messages';
import { OutboxFlush } from './outbox-flush';
import { Recovery } from './recovery';
import type { GameState } from './state';

/** A registration that was accepted and is under way. */
export interface Registration {
  body: RegisterBody;
  identity: CallIdentity;
  operationId: string;
  startedAt: number;
  succeed: (outcome: OutcomeIdentity) => void;
  fail: (failure: Error) => void;
}

/** How a piece of work ended that a stop may have cut short. */
export interface Interruptible<Result> {
  /** What cut it short: a stop that Runtime Manager agreed to, which is to be written now, or the engine's loss. */
  cut: StopCall | 'engine_lost' | null;
  result: { ok: true; value: Result } | { ok: false; error: unknown };
}

/**
 * What one game's workflow works with: its state, its inbox, and how operations are answered. Messages only fill the
 * inbox; everything else is done by one loop, so nothing here is written from two places.
 */
export class GameActor {
  readonly inbox = new Inbox();
  registration: Registration | null = null;
  readonly health = new HealthReports();
  isPatching = false;
  continueRequested = false;
  turnsThisRun = 0;

  private current: { state: GameState; outbox: OutboxFlush; recovery: Recovery } | null = null;
  /** Length of the history when an update was last answered: a run does not end in that same task. */
  private answeredAtLength = -1;

  constructor(readonly gameId: string) {}

  get stateOrNull(): GameState | null {
    return this.current?.state ?? null;
  }

  /** The state of a registered game. */
  get state(): GameState {
    return this.registered.state;
  }

  get outbox(): OutboxFlush {
    return this.registered.outbox;
  }

  get recovery(): Recovery {
    return this.registered.recovery;
  }

  get ref(): GameRef {
    return { gameId: this.gameId, registrationId: workflowInfo().firstExecutionRunId };
  }

  begin(state: GameState): void {
    this.current = { state, outbox: new OutboxFlush(state), recovery: new Recovery(state) };
    this.health.resume(state);
  }

  /** Whether an update was answered in the present workflow task. */
  get answeredJustNow(): boolean {
    return this.answeredAtLength === workflowInfo().historyLength;
  }

  succeed(call: Pick<Call, 'identity' | 'succeed'>): void {
    this.answeredAtLength = workflowInfo().historyLength;
    call.succeed({ hash: call.identity?.hash ?? '' });
  }

  fail(call: Pick<Call, 'identity' | 'fail'>, failure: Failure): void {
    this.answeredAtLength = workflowInfo().historyLength;
    call.fail(asUpdateFailure(failure, call.identity ? { hash: call.identity.hash } : undefined));
  }

  /** Answers with the outcome that the key is remembered for. */
  repeat(call: Pick<Call, 'succeed' | 'fail'>, { hash, failure }: Remembered): void {
    this.answeredAtLength = workflowInfo().historyLength;
    if (failure) call.fail(asUpdateFailure(failure, { hash }));
    else call.succeed({ hash });
  }

  /** Refuses a call that never began. A signal's sender waits for no answer, so the log has to tell. */
  async refuse(call: Call, failure: Failure): Promise<void> {
    if (call.via === 'signal') await this.recordFailure(call, failure);
    this.fail(call, failure);
  }

  /** Notes in the log that an operation failed and changed nothing. */
  async recordFailure(call: Call, failure: Failure): Promise<void> {
    const operation = operationOf(call);
    await write('recordFailure', `Note that ${operation.kind} failed: ${failure.code}`, {
      ...this.ref,
      operation,
      failure,
      status: this.stateOrNull?.status ?? null,
    });
  }

  /**
   * Runs `work`, but lets two things in. A stop is asked of Runtime Manager (`agree`) while the work goes on; the loss
   * of the engine waits while that is asked. What is let in cancels the work, and the work's end is awaited, so that
   * no two writes of a game overlap.
   */
  async interruptible<Result>(
    work: () => Promise<Result>,
    agree: (stop: StopCall) => Promise<boolean>,
  ): Promise<Interruptible<Result>> {
    const scope = new CancellationScope();
    let result: Interruptible<Result>['result'] | undefined;
    const ended = scope.run(work).then(
      (value) => {
        result = { ok: true, value };
      },
      (error: unknown) => {
        result = { ok: false, error };
      },
    );
    const cutBy = async (cut: NonNullable<Interruptible<Result>['cut']>): Promise<Interruptible<Result>> => {
      scope.cancel();
      await ended;
      return { cut, result: result as Interruptible<Result>['result'] };
    };
    for (;;) {
      await condition(() => result !== undefined || this.inbox.hasStop || this.health.engineLost);
      const stop = this.inbox.takeStop();
      if (stop) {
        if (await agree(stop)) return cutBy(stop);
      } else {
        return result === undefined ? cutBy('engine_lost') : { cut: null, result };
      }
    }
  }

  private get registered() {
    if (this.current === null) throw new Error('the game is not registered');
    return this.current;
  }
}

/** An inbox call as the operation that its log row tells of. A person's signal is an operator's. */
export function operationOf(call: Call): Operation {
  const kind: OperationKind = call.kind === 'refused' ? call.body.kind : call.kind;
  return identified({ operationId: call.operationId, kind, startedAt: call.startedAt }, call.identity);
}

export function identified(
  operation: Pick<Operation, 'operationId' | 'kind' | 'startedAt'>,
  identity: CallIdentity | null,
): Operation {
  if (identity === null) return { ...operation, source: 'operator', actor: null };
  const { key, hash, source, actor } = identity;
  return { ...operation, source, actor, key: { idempotencyKey: key, requestHash: hash } };
}
