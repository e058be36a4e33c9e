import type { RuntimeStatus } from '../domain/runtime-status';
import { nextTick, type TurnSchedule } from '../domain/turn-schedule';

/**
 * All that a game's workflow remembers, as plain JSON: it travels through continue-as-new and answers the `state`
 * query. Nothing in it grows with time or with an outage. Times are epoch milliseconds.
 */
export interface GameState {
  /** Shape of this object. */
  version: 1;
  gameId: string;
  registrationId: string;
  /** Number of the last status write that was handed out. */
  revision: number;
  status: RuntimeStatus;
  currentTurn: number;
  engineVersion: string;
  schedule: TurnSchedule;
  /** The tick that was last handled, by its nominal time. */
  lastTickAt: number | null;
  /** The tick that the last forced turn took the place of. */
  skippedTickAt: number | null;
  /** The tick that the game waits for; null while it expects none. */
  nextTickAt: number | null;
  /** A turn that an outage of the engine cut short: the engine may have made it all the same. */
  unsettledTurn: number | null;
  /** The last report about the engine that was taken in. */
  health: { occurredAtMs: number; entryId: string } | null;
  /** The engine is to be asked where it stands, as soon as it answers. */
  recovering: boolean;
  /** Events are committed but not known to be on their streams. */
  outboxPending: boolean;
}

/** Hands out the number of the next status write. */
export function nextRevision(state: GameState): number {
  state.revision += 1;
  return state.revision;
}

/** The last tick that needs no turn any more, because it had one or a forced turn took its place. */
export function lastSettledTick({ lastTickAt, skippedTickAt }: GameState): number | null {
  return skippedTickAt === null ? lastTickAt : Math.max(skippedTickAt, lastTickAt ?? 0);
}

/**
 * The tick after `now` that is neither handled nor skipped: after an outage there is one turn and no burst, and a
 * clock that steps back makes no second one.
 */
export function tickAfter(state: GameState, now: number): number {
  return nextTick(state.schedule, Math.max(now, lastSettledTick(state) ?? 0));
}

/** The tick that the game reckons with already, or the first after `now` where that has gone by. */
export function tickToCome(state: GameState, now: number): number {
  return state.nextTickAt !== null && state.nextTickAt > now ? state.nextTickAt : tickAfter(state, now);
}

/**
 * A turn forced at `now` takes the place of the first tick after it. A second one before that tick has passed takes
 * the place of nothing more.
 */
export function skipOneTick(state: GameState, now: number): void {
  if (state.skippedTickAt !== null && state.skippedTickAt > now) return;
  state.skippedTickAt = nextTick(state.schedule, Math.max(now, state.lastTickAt ?? 0));
}
