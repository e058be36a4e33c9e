import type { Game } from '../domain/game';
import { lockGame } from '../stores/games';
import type { Database, Queries } from '../stores/postgres';

/** Every change of something in Lobby: one transaction each, after which whoever carries it on is woken. */
export class Changes {
  /** `onCommit` is told that there may be entries to send, or tasks. */
  constructor(
    private readonly database: Database,
    private readonly onCommit: () => void,
  ) {}

  async make<T>(work: (queries: Queries) => Promise<T>): Promise<T> {
    const result = await this.database.transaction(work);
    this.onCommit();
    return result;
  }

  /** A change of one game, which nobody else changes meanwhile. @throws ServiceError game_not_found */
  inGame<T>(gameId: string, work: (queries: Queries, game: Game) => Promise<T>): Promise<T> {
    return this.make(async (queries) => work(queries, await lockGame(queries, gameId)));
  }
}
