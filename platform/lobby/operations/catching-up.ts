import { gameLogger, type Logger } from '../../service/logging';
import type { GameMaster } from '../game-master';
import { gamesUnderWay } from '../stores/games';
import { isOwnFault, type Database } from '../stores/postgres';
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
    const about = gameLogger(log, gameId);
    try {
      await changes.inGame(gameId, (queries, game) =>
        takeIn(queries, outgoing, game, { view, standings: new Map() }),
      );
      about.info({ view }, 'game master was asked for what may not have been read');
    } catch (error) {
      // It would fail again, and hold up all games.
      if (!isOwnFault(error)) throw error;
      about.error({ err: error, view }, 'what game master says of the game cannot be taken in');
    }
  }
}
