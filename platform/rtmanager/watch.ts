/** Keeps what is remembered in step with what there is. */
import { inBatches } from '../service/batches';
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
 * engines.
 */
export class Watch {
  /** Whether Redis, or what runs engines, did not answer last: that is told once. */
  private isAway = false;

  constructor(private readonly options: WatchOptions) {}

  /** Runs until `stopping` is aborted; `onFirstSweep` is called when all games have been looked at. Never rejects. */
  async run(onFirstSweep: () => void, stopping: AbortSignal): Promise<void> {
    const { driver, sweepIntervalMs, probeIntervalMs } = this.options;
    let wake = new AbortController();
    const changed = (gameId: string | null): void => {
      if (gameId === null) wake.abort();
      else void this.lookUntilSeen(gameId, stopping);
    };
    const sweeping = async (): Promise<void> => {
      while (!stopping.aborted) {
        wake = new AbortController();
        const done = await this.sweep();
        if (done) onFirstSweep();
        await pause(done ? sweepIntervalMs : RETRY_MS, AbortSignal.any([stopping, wake.signal]));
      }
    };
    const probing = async (): Promise<void> => {
      await pause(probeIntervalMs, stopping);
      while (!stopping.aborted) {
        await this.probeAll();
        await pause(probeIntervalMs, stopping);
      }
    };
    await Promise.all([driver.watch(changed, stopping), sweeping(), probing()]);
  }

  /** Returns whether it was found out which games there are; one that cannot be looked at does not hold up the others. */
  private async sweep(): Promise<boolean> {
    const { driver, memory, metrics, log } = this.options;
    try {
      const remembered = await memory.all();
      count(metrics, remembered);
      const games = new Set([...remembered.map(({ gameId }) => gameId), ...(await driver.list())]);
      if (this.isAway) log.info('games can be looked at again');
      this.isAway = false;
      await inBatches([...games], AT_A_TIME, async (gameId) => {
        await this.look(gameId);
      });
      return true;
    } catch (error) {
      this.tell(log, error, 'games cannot be looked at, trying until they can');
      return false;
    }
  }

  /** After a piece of news; where it goes on failing, sweeps try again. */
  private async lookUntilSeen(gameId: string, stopping: AbortSignal): Promise<void> {
    for (let attempt = 0; attempt < 3 && !stopping.aborted; attempt++) {
      if (await this.look(gameId)) return;
      await pause(RETRY_MS, stopping);
    }
  }

  private async look(gameId: string): Promise<boolean> {
    const { runtimes, log } = this.options;
    try {
      await runtimes.look(gameId);
      return true;
    } catch (error) {
      this.tell(gameLogger(log, gameId), error, 'the game could not be looked at');
      return false;
    }
  }

  private async probeAll(): Promise<void> {
    const { memory, runtimes, log } = this.options;
    try {
      await inBatches(await memory.all(), AT_A_TIME, async (runtime) => {
        try {
          await runtimes.check(runtime);
        } catch (error) {
          this.tell(gameLogger(log, runtime.gameId), error, 'the outcome of a probe could not be told');
        }
      });
    } catch (error) {
      this.tell(log, error, 'engines cannot be probed');
    }
  }

  /** That a neighbour is away is lived through; anything else is a fault of our own. */
  private tell(log: Logger, error: unknown, what: string): void {
    if (!(error instanceof DriverUnavailable || error instanceof MemoryUnavailable)) {
      log.error({ err: error }, what);
      return;
    }
    log[this.isAway ? 'debug' : 'warn']({ err: error }, what);
    this.isAway = true;
  }
}

function count(metrics: Metrics, remembered: readonly Runtime[]): void {
  for (const status of RUNTIME_STATUSES) {
    metrics.runtimes.set({ status }, remembered.filter((runtime) => runtime.status === status).length);
  }
}
