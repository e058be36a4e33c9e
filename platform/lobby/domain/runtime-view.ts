/** What Game Master tells of a game's status: nothing of what lasts for the time of a turn only. */
export const RUNTIME_STATUSES = [
  'running',
  'generation_failed',
  'stopped',
  'engine_unreachable',
  'finished',
] as const;

export const ENGINE_HEALTH = [
  'healthy',
  'probe_failed',
  'inspect_unhealthy',
  'exited',
  'oom',
  'disappeared',
  'turn_mismatch',
] as const;

export type RuntimeStatus = (typeof RUNTIME_STATUSES)[number];
export type EngineHealth = (typeof ENGINE_HEALTH)[number];

/** The last that Game Master told of a game. */
export interface RuntimeView {
  currentTurn: number;
  runtimeStatus: RuntimeStatus;
  /** Null where the game was finished before its health was told. */
  engineHealth: EngineHealth | null;
  toldAt: Date;
}
