/** What the turns of a game have shown of one player, summed up. */

export interface Standing {
  planets: number;
  population: number;
}

export interface PlayerStats extends Standing {
  initialPlanets: number;
  initialPopulation: number;
  maxPlanets: number;
  maxPopulation: number;
}

/** The sum with one more standing; the first one is what the player began with. */
export function withStanding(stats: PlayerStats | null, { planets, population }: Standing): PlayerStats {
  return {
    planets,
    population,
    initialPlanets: stats?.initialPlanets ?? planets,
    initialPopulation: stats?.initialPopulation ?? population,
    maxPlanets: Math.max(stats?.maxPlanets ?? 0, planets),
    maxPopulation: Math.max(stats?.maxPopulation ?? 0, population),
  };
}

/**
 * Whether a player has shown in a finished game that they can play: at some turn they had more planets, and at some
 * turn more people, than they began with. Who was never seen has not.
 */
export function isCapable(stats: PlayerStats | null): boolean {
  return (
    stats !== null && stats.maxPlanets > stats.initialPlanets && stats.maxPopulation > stats.initialPopulation
  );
}
