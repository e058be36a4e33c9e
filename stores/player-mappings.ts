import type { Database, Statement } from './postgres';

/** Who plays which race of a game, and the engine's own id of that player. */
export interface PlayerMapping {
  userId: string;
  raceName: string;
  enginePlayerUuid: string;
}

const LIST: Statement = {
  name: 'mappings_of_game',
  text: `
    SELECT user_id AS "userId", race_name AS "raceName", engine_player_uuid AS "enginePlayerUuid"
    FROM gamemaster.player_mappings WHERE game_id = $1 ORDER BY user_id`,
};

export class PlayerMappingStore {
  constructor(private readonly database: Database) {}

  /** Everybody who plays the game, in the order of user ids. */
  listByGame(gameId: string): Promise<PlayerMapping[]> {
    return this.database.run<PlayerMapping>(LIST, [gameId]);
  }
}
