import { operationOf, type GameActor } from './actor';
import { callNeighbour } from './activity-calls';
import { failureOf } from './failures';
import type { BanishCall } from './inbox';

/** Has the engine banish a race of the game. */
export async function runBanish(actor: GameActor, call: BanishCall): Promise<void> {
  try {
    const remembered = await callNeighbour('banishRace', `Banish ${call.body.race_name}`, {
      ...actor.ref,
      operation: operationOf(call),
      raceName: call.body.race_name,
      status: actor.state.status,
    });
    if (remembered) actor.repeat(call, remembered);
    else actor.succeed(call);
  } catch (error) {
    const failure = failureOf(error);
    await actor.recordFailure(call, failure);
    actor.fail(call, failure);
  }
}
