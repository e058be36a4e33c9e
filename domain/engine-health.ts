/** What is known of a game's engine: `healthy` from registration on, then what Runtime Manager last reported. */
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
