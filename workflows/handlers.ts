/**
 * How messages reach the actor. A handler checks synchronously and puts an operation into the inbox; what is done
 * about it is the loop's affair (game.ts).
 */
import { setHandler, uuid4 } from '@temporalio/workflow';
import type { Failure } from '../activities/operation';
import type { GameActor } from './actor';
import type { Call as InboxCall } from './inbox';
import {
  banishSignal,
  banishUpdate,
  continueAsNewSignal,
  forceSignal,
  forceUpdate,
  healthSignal,
  patchSignal,
  patchUpdate,
  registerUpdate,
  stateQuery,
  stopSignal,
  stopUpdate,
  type Call,
  type CallIdentity,
  type CallKind,
  type OutcomeIdentity,
  type RegisterBody,
} from './messages';
import {
  ordinaryRefusal,
  refuseLate,
  refuseMalformed,
  refuseOrdinary,
  refuseRegistration,
  refuseStop,
} from './refusals';
import { bodyProblem, identityOf } from './signal-arguments';

/** What can be asked of a registered game, by update or by signal. */
const CALLS = [
  {
    kind: 'force',
    update: forceUpdate,
    signal: forceSignal,
    description: 'Generate the next turn now and skip the next tick; argument of the signal: {}',
  },
  {
    kind: 'stop',
    update: stopUpdate,
    signal: stopSignal,
    description: 'Stop the game for good; argument of the signal: {"reason": "..."}',
  },
  {
    kind: 'patch',
    update: patchUpdate,
    signal: patchSignal,
    description:
      'Move the game to a later patch of its engine version; argument of the signal: {"version": "1.0.1"}',
  },
  {
    kind: 'banish',
    update: banishUpdate,
    signal: banishSignal,
    description: 'Banish a race from the game; argument of the signal: {"race_name": "..."}',
  },
] as const;

export function setHandlers(actor: GameActor): void {
  setHandler(stateQuery, () => actor.stateOrNull, { description: 'All that the game remembers' });

  setHandler(
    registerUpdate,
    (call) =>
      new Promise<OutcomeIdentity>((succeed, fail) => {
        actor.registration = { ...common(), body: call.body, identity: identity(call), succeed, fail };
      }),
    {
      validator: (call: Call<RegisterBody>) => {
        refuseMalformed('register', call);
        refuseLate(call.accept_before);
        refuseRegistration(actor, call.body);
      },
      description: 'Register the game (Lobby)',
    },
  );

  for (const { kind, update, signal, description } of CALLS) {
    setHandler(update, (call: Call<unknown>) => queued(actor, kind, call), {
      validator: (call: Call<unknown>) => {
        refuseMalformed(kind, call);
        refuseLate(call.accept_before);
        if (kind === 'stop') refuseStop(actor);
        else refuseOrdinary(actor);
      },
      description,
    });
    setHandler(signal, (body?: unknown, sender?: unknown) => put(actor, kind, body, sender), { description });
  }

  setHandler(healthSignal, (report) => actor.health.take(report), {
    description: 'What the health consumer found about the engine',
  });

  setHandler(
    continueAsNewSignal,
    () => {
      actor.continueRequested = true;
    },
    { description: 'Begin a new run with the same state as soon as nothing is under way' },
  );
}

type Kind = Exclude<CallKind, 'register'>;

/** An update's body was checked by the validator. */
function queued(actor: GameActor, kind: Kind, call: Call<unknown>): Promise<OutcomeIdentity> {
  return new Promise((succeed, fail) => {
    const { body } = call;
    actor.inbox.put({
      ...common(),
      kind,
      body,
      identity: identity(call),
      via: 'update',
      succeed,
      fail,
    } as InboxCall);
  });
}

function put(actor: GameActor, kind: Kind, body: unknown, sender: unknown): void {
  const failure = signalRefusal(actor, kind, body);
  const nobody = (): void => undefined;
  actor.inbox.put({
    ...common(),
    ...(failure === null ? { kind, body: body ?? {} } : { kind: 'refused', body: { kind, failure } }),
    identity: identityOf(sender),
    via: 'signal',
    succeed: nobody,
    fail: nobody,
  } as InboxCall);
}

/** What an update's sender would be told by the front door and by the validator. */
function signalRefusal(actor: GameActor, kind: Kind, body: unknown): Failure | null {
  const problem = bodyProblem(kind, body);
  if (problem !== null) return { code: 'invalid_request', message: problem };
  return kind === 'stop' ? null : ordinaryRefusal(actor);
}

function common() {
  return { operationId: uuid4(), startedAt: Date.now() };
}

function identity({ key, hash, source, actor }: Call<unknown>): CallIdentity {
  return { key, hash, source, actor };
}
