/** One player's standing as Lobby is told it, after a turn. */
export interface PlayerTurnStats {
  user_id: string;
  planets: number;
  population: number;
}

interface EnginePlayer {
  race_name: string;
  planets: number;
  population: number;
}

interface Member {
  userId: string;
  raceName: string;
}

/** Translates the engine's players (known by race) into the platform's (known by user); others are left out. */
export function projectPlayerStats(
  players: readonly EnginePlayer[],
  members: readonly Member[],
): PlayerTurnStats[] {
  const userOf = new Map(members.map((member) => [member.raceName, member.userId]));
  return players.flatMap(({ race_name, planets, population }) => {
    const user_id = userOf.get(race_name);
    return user_id === undefined ? [] : [{ user_id, planets, population }];
  });
}
