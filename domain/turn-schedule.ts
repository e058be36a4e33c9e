import { parseWithSeconds } from '../pkg/cronutil';

/** When a game's turns are due. Times are epoch milliseconds, UTC. */
export interface TurnSchedule {
  /** Five cron fields; six, seconds first, where the deployment allows them (checked by the front door). */
  expression: string;
  /** How much later than its cron time every tick of this game is: spreads games that share a minute. */
  spreadMs: number;
}

/** The first tick strictly after `after`. Throws NeverFires for an expression like `0 0 31 2 *`. */
export function nextTick({ expression, spreadMs }: TurnSchedule, after: number): number {
  return (
    parseWithSeconds(expression)
      .next(new Date(after - spreadMs))
      .getTime() + spreadMs
  );
}

/** Counting stops here: beyond it the number says no more than "very many". */
const MOST_COUNTED = 1_000;

/** How many ticks lie strictly between `after` and `before`. */
export function countTicksBetween(
  { expression, spreadMs }: TurnSchedule,
  after: number,
  before: number,
): number {
  const cron = parseWithSeconds(expression);
  let tick = cron.next(new Date(after - spreadMs));
  let count = 0;
  while (tick.getTime() + spreadMs < before && count < MOST_COUNTED) {
    count += 1;
    tick = cron.next(tick);
  }
  return count;
}

/** A stable place for `gameId` in `[0, withinMs)`: FNV-1a, so that it is the same in every process and for ever. */
export function spreadOf(gameId: string, withinMs: number): number {
  if (withinMs <= 0) return 0;
  let hash = 0x811c9dc5;
  for (const character of gameId) hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193) >>> 0;
  return hash % withinMs;
}
