import type { GameMaster, Json } from './game-master';
import { waitFor } from './wait-for';

/**
 * Forces a turn as soon as the game takes it, and returns the answer: what is on record, or was told on a stream, may be
 * news to the game itself for a moment.
 */
export async function forcedTurn(gm: GameMaster, gameId: string): Promise<Json> {
  let last: unknown;
  return waitFor(
    async () => {
      const { status, body } = await gm.force(gameId);
      last = body;
      return status === 200 && body;
    },
    { describe: () => `a turn of ${gameId} to be forced: ${JSON.stringify(last)}` },
  );
}
