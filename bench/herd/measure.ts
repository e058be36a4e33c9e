import { setTimeout as delay } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import type { Design } from './design';
import { cpuMs, memoryMb } from './process-usage';

/** What one design did with one tick of the whole herd. */
export interface Measurement {
  turnsPerSecond: number;
  /** Milliseconds from the tick to the engine's turn call. */
  lateP50: number;
  lateP99: number;
  /** Seconds from the tick until the last entry was on its stream. */
  lastTurnAfter: number;
  /** Milliseconds of the worker process, all threads, from before the tick until it is quiet again. */
  cpuPerTurn: number;
  /** Megabytes, after the tick and ever. */
  memory: { now: number; most: number };
}

const POLL_MS = 100;
/** The process rests when it uses less than this part of a core. */
const QUIET = 0.05;
const QUIET_WINDOW_MS = 1_000;

/**
 * Arms all games for `due`, waits until every one has made its turn, and checks that each made exactly one.
 * @throws Error when a timer was not armed, a turn is missing or double, or it is not over by `end`
 */
export async function measure(redis: Redis, design: Design, due: number, end: number): Promise<Measurement> {
  const games = design.engines.ports.length;
  await design.arm(due);
  await design.engines.takeTurns();
  const [before, lengths] = await Promise.all([
    cpuMs(design.pid),
    Promise.all(design.streams.map((stream) => redis.xlen(stream))),
  ]);
  if (Date.now() >= due) throw new Error(`${design.name}: arming took until after the tick`);
  await delay(due - Date.now());

  const wanted = lengths.map((length) => length + games);
  for (;;) {
    const now = await Promise.all(design.streams.map((stream) => redis.xlen(stream)));
    if (now.every((length, index) => length >= (wanted[index] ?? 0))) break;
    if (Date.now() > end) {
      throw new Error(
        `${design.name}: the herd was not done by the next design's tick: use a longer --period`,
      );
    }
    await delay(POLL_MS);
  }
  const lastEntryAt = Math.max(
    ...(await Promise.all(design.streams.map((stream) => timeOfLast(redis, stream)))),
  );
  const cpu = (await cpuOnceQuiet(design.pid, end)) - before;

  const turns = await design.engines.takeTurns();
  const turned = new Set(turns.map(({ port }) => port));
  if (turns.length !== games || turned.size !== games) {
    throw new Error(`${design.name}: ${games} games made ${turns.length} turns, ${turned.size} of them any`);
  }
  const late = turns.map(({ at }) => at - due).sort((a, b) => a - b);
  const seconds = (lastEntryAt - due) / 1000;
  return {
    turnsPerSecond: games / seconds,
    lateP50: quantile(late, 0.5),
    lateP99: quantile(late, 0.99),
    lastTurnAfter: seconds,
    cpuPerTurn: cpu / games,
    memory: await memoryMb(design.pid),
  };
}

/** Redis names an entry after the millisecond in which it came. */
async function timeOfLast(redis: Redis, stream: string): Promise<number> {
  const [entry] = await redis.xrevrange(stream, '+', '-', 'COUNT', 1);
  return Number(entry?.[0].split('-')[0]);
}

/** What follows a turn belongs to it: the workflow has its activity's result to take and its next timer to start. */
async function cpuOnceQuiet(pid: number, end: number): Promise<number> {
  let last = await cpuMs(pid);
  for (;;) {
    await delay(QUIET_WINDOW_MS);
    const now = await cpuMs(pid);
    if (now - last < QUIET * QUIET_WINDOW_MS || Date.now() > end) return now;
    last = now;
  }
}

function quantile(sorted: readonly number[], part: number): number {
  return sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)] ?? Number.NaN;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const below = sorted[Math.ceil(middle) - 1] ?? Number.NaN;
  const above = sorted[Math.floor(middle)] ?? Number.NaN;
  return (below + above) / 2;
}
