/**
 * What is known of a game's engine: `healthy` from registration on, then what Runtime Manager last reported, and
 * `turn_mismatch` where the engine itself says that it stands elsewhere than the record.
 */
export const ENGINE_HEALTH = [
  'healthy',
  'probe_failed',
  'inspect_unhealthy',
  'exited',
  'oom',
  'disappeared',
  'turn_mismatch',
] as const;

export type EngineHealth = (typeof ENGINE_HEALTH)[number];

const LOST: readonly EngineHealth[] = ['exited', 'oom', 'disappeared'];

/** Whether the engine's container is gone. */
export function isLost(health: EngineHealth): boolean {
  return LOST.includes(health);
}

/** What is known once the engine has made a turn: it is there, and where it should be. What probes say stays. */
export function afterTurn(health: EngineHealth): EngineHealth {
  return isLost(health) || health === 'turn_mismatch' ? 'healthy' : health;
}

/**
 * Whether a game that stands at turn `recorded` can go on with an engine at `found` (null: it has no game). One ahead
 * will do: the next turn finds it made.
 */
export function canGoOn(found: number | null, recorded: number): boolean {
  return found === recorded || found === recorded + 1;
}
