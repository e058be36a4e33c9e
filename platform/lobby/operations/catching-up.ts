import { gameLogger, type Logger } from '../../service/logging';
import type { GameMaster } from '../game-master';
import { gamesUnderWay } from '../stores/games';
import type { Database } from '../stores/postgres';
import type { Changes } from './changes';
import type { OutgoingStreams } from './jobs';
import { takeIn } from './runtime-news';

export interface CatchingUpParts {
  database: Database;
  changes: Changes;
  gameMaster: Pick<GameMaster, 'runtimeView'>;
  outgoing: OutgoingStreams;
  log: Logger;
}

/**
 * Asks Game Master about each game that is under way, and takes in what it says as if it had been told of it. Standings of
 * turns that nobody was told of are not in the sums: Game Master shows no player's.
 *
 * @throws ServiceError service_unavailable while Game Master or Postgres is away: to be repeated as a whole
 */
export async function catchUp(parts: CatchingUpParts): Promise<void> {
  const { database, changes, gameMaster, outgoing, log } = parts;
  for (const gameId of await gamesUnderWay(database)) {
    const view = await gameMaster.runtimeView(gameId);
    if (view === null) continue;
    await changes.inGame(gameId, (queries, game) =>
      takeIn(queries, outgoing, game, { view, standings: new Map() }),
    );
    gameLogger(log, gameId).info({ view }, 'game master was asked for what may not have been read');
  }
}
