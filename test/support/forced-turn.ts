import { randomUUID } from 'node:crypto';
import { untilTold, type GameMaster, type Json } from './game-master';
import { waitFor } from './wait-for';

/**
 * Forces a turn as soon as the game takes it, and returns the answer: what is on record, or was told on a stream, may be
 * news to the game itself for a moment. An answer that does not say what happened is asked for again by its key.
 */
export async function forcedTurn(gm: GameMaster, gameId: string): Promise<Json> {
  let last: unknown;
  return waitFor(
    async () => {
      const headers = { 'Idempotency-Key': randomUUID() };
      const { status, body } = await untilTold(() => gm.force(gameId, headers));
      last = body;
      return status === 200 && body;
    },
    { timeout: 30_000, describe: () => `a turn of ${gameId} to be forced: ${JSON.stringify(last)}` },
  );
}
