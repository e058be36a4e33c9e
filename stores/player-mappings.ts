import type { Database } from './postgres';

/** Who plays which race of a game, and the engine's own id of that player. */
export interface PlayerMapping {
  userId: string;
  raceName: string;
  enginePlayerUuid: string;
}

export class PlayerMappingStore {
  constructor(private readonly database: Database) {}

  /** Everybody who plays the game, in the order of user ids. */
  listByGame(gameId: string): Promise<PlayerMapping[]> {
    return this.database.kysely
      .selectFrom('player_mappings')
      .select(['user_id as userId', 'race_name as raceName', 'engine_player_uuid as enginePlayerUuid'])
      .where('game_id', '=', gameId)
      .orderBy('user_id')
      .execute();
  }
}
