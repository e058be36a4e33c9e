export const RUNTIME_STATUSES = [
  'starting',
  'running',
  'generation_in_progress',
  'generation_failed',
  'stopped',
  'engine_unreachable',
  'finished',
] as const;

export type RuntimeStatus = (typeof RUNTIME_STATUSES)[number];

/**
 * Which status may follow which. The workflow decides by this table and the store enforces it in the `WHERE` of
 * every status write (ARCHITECTURE.md, "Runtime status").
 */
export const TRANSITIONS: Readonly<Record<RuntimeStatus, readonly RuntimeStatus[]>> = {
  starting: ['running'],
  running: ['generation_in_progress', 'engine_unreachable', 'stopped'],
  generation_in_progress: ['running', 'finished', 'generation_failed', 'engine_unreachable', 'stopped'],
  generation_failed: ['generation_in_progress', 'stopped'],
  engine_unreachable: ['running', 'generation_in_progress', 'stopped'],
  stopped: [],
  finished: [],
};

/** The statuses from which `to` may be reached. */
export function sourcesOf(to: RuntimeStatus): RuntimeStatus[] {
  return RUNTIME_STATUSES.filter((from) => TRANSITIONS[from].includes(to));
}

export function canBecome(from: RuntimeStatus, to: RuntimeStatus): boolean {
  return TRANSITIONS[from].includes(to);
}

/** A stopped or finished game takes no operation any more; only its outbox may still have to drain. */
export function isTerminal(status: RuntimeStatus): boolean {
  return TRANSITIONS[status].length === 0;
}

/** Statuses in which a game expects a next tick, and `next_generation_at` is known. */
export function expectsTicks(status: RuntimeStatus): boolean {
  return status === 'running' || status === 'generation_in_progress';
}
