/**
 * The design without Temporal: once a second, all rows that are due, several at a time. Nothing in it survives a crash
 * between two of the calls, and two of these processes would make every turn twice.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { loadWorkerConfig } from '../../config/worker';
import { ACTIVITIES_PER_POSTGRES_CONNECTION } from '../../worker/game-worker';
import { ThreeCalls, type PlainTurn } from './three-calls';

const DUE = {
  name: 'herd_due',
  text: `SELECT game_id AS "gameId", endpoint, turn FROM herd.games WHERE due_at <= now()`,
};

async function main(): Promise<void> {
  const { postgres, redisUrl, streams } = loadWorkerConfig(process.env);
  const calls = new ThreeCalls(
    { dsn: postgres.dsn, redisUrl, poolSize: postgres.poolSize },
    streams.lobbyEvents,
  );
  const atATime = postgres.poolSize * ACTIVITIES_PER_POSTGRES_CONNECTION;
  for (;;) {
    const due = await calls.database.run<PlainTurn>(DUE, []);
    const makeTurns = async (): Promise<void> => {
      for (let game = due.pop(); game; game = due.pop()) await calls.makeTurn(game);
    };
    await Promise.all(Array.from({ length: atATime }, makeTurns));
    await delay(1_000);
  }
}

process.on('SIGTERM', () => process.exit(0));
main().catch((error: unknown) => {
  console.error(error);
  process.exit(1);
});
