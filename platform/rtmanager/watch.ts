/** Keeps what is remembered in step with what there is. */
import { gameLogger, type Logger } from '../service/logging';
import { pause } from '../service/pause';
import { DriverUnavailable, type Driver } from './driver';
import { MemoryUnavailable, type Memory } from './memory';
import type { Metrics } from './metrics';
import { RUNTIME_STATUSES, type Runtime } from './runtime';
import type { Runtimes } from './runtimes';

export interface WatchOptions {
  driver: Driver;
  memory: Memory;
  runtimes: Runtimes;
  metrics: Metrics;
  log: Logger;
  sweepIntervalMs: number;
  probeIntervalMs: number;
}

/** Games looked at, or probed, at a time. */
const AT_A_TIME = 16;
/** After a sweep that failed. */
const RETRY_MS = 500;

/**
 * Looks at every game at the start and from time to time, at a single one as soon as the driver tells of it, and probes
 * engines, until `stopping` is aborted. `onFirstSweep` is called when all games have been looked at once. Never rejects.
 */
export async function runWatch(
  options: WatchOptions,
  onFirstSweep: () => void,
  stopping: AbortSignal,
): Promise<void> {
  const { driver, sweepIntervalMs, probeIntervalMs } = options;
  let wake = new AbortController();
  const changed = (gameId: string | null): void => {
    if (gameId === null) wake.abort();
    else void look(options, gameId, stopping);
  };
  const sweeping = async (): Promise<void> => {
    while (!stopping.aborted) {
      wake = new AbortController();
      const done = await sweep(options);
      if (done) onFirstSweep();
      await pause(done ? sweepIntervalMs : RETRY_MS, AbortSignal.any([stopping, wake.signal]));
    }
  };
  const probing = async (): Promise<void> => {
    await pause(probeIntervalMs, stopping);
    while (!stopping.aborted) {
      await probeAll(options);
      await pause(probeIntervalMs, stopping);
    }
  };
  await Promise.all([driver.watch(changed, stopping), sweeping(), probing()]);
}

/** Returns whether it was found out which games there are; one that cannot be looked at does not hold up the others. */
async function sweep({ driver, memory, runtimes, metrics, log }: WatchOptions): Promise<boolean> {
  try {
    const remembered = await memory.all();
    count(metrics, remembered);
    const games = new Set([...remembered.map(({ gameId }) => gameId), ...(await driver.list())]);
    await forEach([...games], async (gameId) => {
      try {
        await runtimes.look(gameId);
      } catch (error) {
        tell(gameLogger(log, gameId), error, 'the game could not be looked at');
      }
    });
    return true;
  } catch (error) {
    tell(log, error, 'games could not be looked at, trying until they can');
    return false;
  }
}

/** After a piece of news; where it fails, sweeps go on trying. */
async function look({ runtimes, log }: WatchOptions, gameId: string, stopping: AbortSignal): Promise<void> {
  for (let failures = 0; failures < 3 && !stopping.aborted; failures++) {
    try {
      await runtimes.look(gameId);
      return;
    } catch (error) {
      tell(gameLogger(log, gameId), error, 'the game could not be looked at');
      await pause(RETRY_MS, stopping);
    }
  }
}

async function probeAll({ memory, runtimes, log }: WatchOptions): Promise<void> {
  try {
    await forEach(await memory.all(), async (runtime) => {
      try {
        await runtimes.check(runtime);
      } catch (error) {
        tell(gameLogger(log, runtime.gameId), error, 'the outcome of a probe could not be told');
      }
    });
  } catch (error) {
    tell(log, error, 'engines could not be probed');
  }
}

function count(metrics: Metrics, remembered: readonly Runtime[]): void {
  for (const status of RUNTIME_STATUSES) {
    metrics.runtimes.set({ status }, remembered.filter((runtime) => runtime.status === status).length);
  }
}

/** That a neighbour is away is lived through; anything else is a fault of our own. */
function tell(log: Logger, error: unknown, what: string): void {
  const isAway = error instanceof DriverUnavailable || error instanceof MemoryUnavailable;
  log[isAway ? 'warn' : 'error']({ err: error }, what);
}

async function forEach<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  for (let from = 0; from < items.length; from += AT_A_TIME) {
    await Promise.all(items.slice(from, from + AT_A_TIME).map(work));
  }
}
