/** The life of a game, as tables. */

export const GAME_STATUSES = [
  'draft',
  'enrollment',
  'starting',
  'running',
  'paused',
  'finished',
  'start_failed',
  'cancelled',
] as const;

export type GameStatus = (typeof GAME_STATUSES)[number];

/** What each status may become; the last ones nothing. */
const NEXT: Readonly<Record<GameStatus, readonly GameStatus[]>> = {
  draft: ['enrollment', 'cancelled'],
  enrollment: ['starting', 'cancelled'],
  starting: ['running', 'paused', 'start_failed', 'finished', 'cancelled'],
  running: ['paused', 'finished', 'cancelled'],
  paused: ['starting', 'running', 'finished', 'cancelled'],
  start_failed: ['enrollment', 'starting', 'cancelled'],
  finished: [],
  cancelled: [],
};

export function mayBecome(from: GameStatus, to: GameStatus): boolean {
  return NEXT[from].includes(to);
}

/** Whether nothing can happen to the game any more. */
export function isOver(status: GameStatus): boolean {
  return NEXT[status].length === 0;
}

/** Whether an engine has been asked for, or is there: what runs is not given up lightly. */
export function hasBegun(status: GameStatus): boolean {
  return status === 'starting' || status === 'running' || status === 'paused';
}

/** Whether what runs of the game, or comes up yet, is nobody's: the attempt to start it has been given up. */
export function wantsNoEngine(status: GameStatus): boolean {
  return status === 'enrollment' || status === 'start_failed' || status === 'cancelled';
}

/** In which statuses each thing can be asked for. */
const ALLOWED = {
  'open enrollment': ['draft', 'start_failed'],
  start: ['enrollment', 'start_failed'],
  pause: ['running'],
  resume: ['paused'],
  cancel: ['draft', 'enrollment', 'starting', 'running', 'paused', 'start_failed'],
  join: ['enrollment'],
  invite: ['enrollment'],
  'approve applications': ['enrollment'],
  'reject applications': ['enrollment', 'starting', 'running', 'paused', 'start_failed'],
  'remove members': ['enrollment', 'starting', 'running', 'paused', 'start_failed'],
} as const satisfies Record<string, readonly GameStatus[]>;

export type GameOperation = keyof typeof ALLOWED;

export function allows(status: GameStatus, operation: GameOperation): boolean {
  return (ALLOWED[operation] as readonly GameStatus[]).includes(status);
}
