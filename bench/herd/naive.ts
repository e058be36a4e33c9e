import { pidOf, startProcess, stopProcess, type Design } from './design';
import { Engines } from './engines';
import type { Ground } from './ground';

const NAME = 'naive';

/** A one-second loop over the rows that are due. */
export async function startNaive(ground: Ground, games: number, races: readonly string[]): Promise<Design> {
  const engines = await Engines.start(games);
  await engines.initialise(races);
  const gameIds = engines.ports.map((port) => `${NAME}-${port}`);
  await ground.database.pool.query(
    `INSERT INTO herd.games (game_id, endpoint) SELECT * FROM unnest($1::text[], $2::text[])`,
    [gameIds, engines.endpoints()],
  );
  const loop = startProcess(ground, NAME, 'bench/herd/naive-loop.js');
  return {
    name: NAME,
    pid: pidOf(loop),
    engines,
    streams: [`${ground.name}:${NAME}:events`],
    async arm(due) {
      const { rowCount } = await ground.database.pool.query(
        'UPDATE herd.games SET due_at = $2 WHERE game_id = ANY($1)',
        [gameIds, new Date(due)],
      );
      if (rowCount !== games) throw new Error(`${games - (rowCount ?? 0)} of ${games} rows are not there`);
    },
    async stop() {
      await stopProcess(loop);
      engines.stop();
    },
  };
}
