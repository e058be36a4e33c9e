/** What is refused before it becomes an operation. Validators are synchronous and change nothing. */
import type { Failure } from '../activities/operation';
import { isTerminal } from '../domain/runtime-status';
import { nextTick } from '../domain/turn-schedule';
import type { GameActor } from './actor';
import { asUpdateFailure } from './failures';
import type { CallKind, RegisterBody } from './messages';
import { bodyProblem, identityOf, isObject } from './signal-arguments';

/** The caller has given up by then, and must be able to rely on it that nothing happens any more. */
export function refuseLate(acceptBefore: string): void {
  const limit = Date.parse(acceptBefore);
  if (!(Date.now() <= limit))
    throw asUpdateFailure({ code: 'service_unavailable', message: 'the call came too late' });
}

/** The front door sends whole calls, checked; a person at the Temporal UI or CLI may send anything. */
export function refuseMalformed(kind: CallKind, call: unknown): void {
  throwIf(malformation(kind, call));
}

function malformation(kind: CallKind, call: unknown): Failure | null {
  const { accept_before, body } = isObject(call) ? call : {};
  if (identityOf(call) === null || typeof accept_before !== 'string' || !isObject(body)) {
    const message = 'the argument must be {"key", "hash", "source", "actor", "body", "accept_before"}';
    return { code: 'invalid_request', message };
  }
  const problem = kind === 'register' ? null : bodyProblem(kind, body);
  return problem === null ? null : { code: 'invalid_request', message: problem };
}

export function refuseRegistration(actor: GameActor, body: RegisterBody): void {
  if (actor.registration || actor.stateOrNull) {
    throw asUpdateFailure({ code: 'conflict', message: 'the game is registered already' });
  }
  try {
    nextTick({ expression: body.turn_schedule, spreadMs: 0 }, Date.now());
  } catch (error) {
    throw asUpdateFailure({ code: 'invalid_request', message: `turn_schedule: ${String(error)}` });
  }
}

export function refuseOrdinary(actor: GameActor): void {
  const state = actor.stateOrNull;
  if (state?.status === 'generation_in_progress') {
    throw asUpdateFailure(TURN_UNDER_WAY, { turn: state.currentTurn + 1 });
  }
  throwIf(ordinaryRefusal(actor));
}

const TURN_UNDER_WAY: Failure = { code: 'conflict', message: 'a turn is being generated' };

/** Of force, patch and banish, by update or by signal: one thing at a time, and a short queue. */
export function ordinaryRefusal(actor: GameActor): Failure | null {
  const full: Failure = { code: 'too_many_requests', message: 'too many calls wait for this game' };
  return notOperableNow(actor) ?? (actor.inbox.isFull ? full : null);
}

export function refuseStop(actor: GameActor): void {
  throwIf(notOperable(actor));
}

/** Why the game takes no operation at all now, or null. */
export function notOperable({ stateOrNull }: GameActor): Failure | null {
  if (stateOrNull === null) return { code: 'conflict', message: 'the game is being registered' };
  const { status } = stateOrNull;
  return isTerminal(status) ? { code: 'conflict', message: `the game is ${status}` } : null;
}

/** Why nothing but a stop can be asked now, or null. */
export function notOperableNow(actor: GameActor): Failure | null {
  if (actor.stateOrNull?.status === 'generation_in_progress') {
    return TURN_UNDER_WAY;
  }
  if (actor.isPatching) return { code: 'conflict', message: 'the engine is being patched' };
  return notOperable(actor);
}

function throwIf(refusal: Failure | null): void {
  if (refusal) throw asUpdateFailure(refusal);
}
