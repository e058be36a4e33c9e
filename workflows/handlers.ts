/**
 * How messages reach the actor. A handler checks synchronously and puts an operation into the inbox; what is done
 * about it is the loop's affair (game.ts).
 */
import { setHandler, uuid4 } from '@temporalio/workflow';
import type { GameActor } from './actor';
import type { Call as InboxCall } from './inbox';
import {
  continueAsNewSignal,
  forceSignal,
  forceUpdate,
  registerUpdate,
  stateQuery,
  stopSignal,
  stopUpdate,
  type Call,
  type CallIdentity,
  type ForceBody,
  type OutcomeIdentity,
  type RegisterBody,
  type StopBody,
} from './messages';
import { refuseForce, refuseLate, refuseRegistration, refuseStop } from './refusals';
import { forceBodyProblem, identityOf, stopBodyProblem } from './signal-arguments';

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
        refuseLate(call.accept_before);
        refuseRegistration(actor, call.body);
      },
      description: 'Register the game (Lobby)',
    },
  );

  setHandler(
    forceUpdate,
    (call) => queued(actor, { kind: 'force', body: call.body, identity: identity(call) }),
    {
      validator: (call: Call<ForceBody>) => {
        refuseLate(call.accept_before);
        refuseForce(actor);
      },
      description: 'Generate the next turn now and skip the next tick',
    },
  );

  setHandler(
    stopUpdate,
    (call) => queued(actor, { kind: 'stop', body: call.body, identity: identity(call) }),
    {
      validator: (call: Call<StopBody>) => {
        refuseLate(call.accept_before);
        refuseStop(actor);
      },
      description: 'Stop the game for good',
    },
  );

  setHandler(
    forceSignal,
    (body, sender) => {
      const problem = forceBodyProblem(body);
      put(actor, sender, problem === null ? { kind: 'force', body: {} } : invalid('force', problem));
    },
    { description: 'Generate the next turn now and skip the next tick; argument: {}' },
  );

  setHandler(
    stopSignal,
    (body, sender) => {
      const problem = stopBodyProblem(body);
      put(
        actor,
        sender,
        problem === null ? { kind: 'stop', body: body as { reason: string } } : invalid('stop', problem),
      );
    },
    { description: 'Stop the game for good; argument: {"reason": "..."}' },
  );

  setHandler(
    continueAsNewSignal,
    () => {
      actor.continueRequested = true;
    },
    { description: 'Begin a new run with the same state as soon as nothing is under way' },
  );
}

type Asked = Pick<InboxCall, 'kind' | 'body'>;

function invalid(kind: 'force' | 'stop', problem: string): Asked {
  return { kind: 'invalid', body: { kind, problem } };
}

function queued(actor: GameActor, asked: Asked & { identity: CallIdentity }): Promise<OutcomeIdentity> {
  return new Promise((succeed, fail) => {
    actor.inbox.put({ ...common(), ...asked, via: 'update', succeed, fail } as InboxCall);
  });
}

function put(actor: GameActor, sender: unknown, asked: Asked): void {
  const nobody = (): void => undefined;
  actor.inbox.put({
    ...common(),
    ...asked,
    identity: identityOf(sender),
    via: 'signal',
    succeed: nobody,
    fail: nobody,
  } as InboxCall);
}

function common() {
  return { operationId: uuid4(), startedAt: Date.now() };
}

function identity({ key, hash, source, actor }: Call<unknown>): CallIdentity {
  return { key, hash, source, actor };
}
