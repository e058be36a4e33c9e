import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';

import type { StackContext } from './context';
import { startPostgres } from './postgres';
import type { RunningPostgres } from './postgres';
import { Reaper } from './reaper';
import { startRedis } from './redis';
import type { RunningRedis } from './redis';
import { startTemporal } from './temporal';
import type { DynamicConfig, RunningTemporal } from './temporal';

export { createDatabase, dropDatabase } from './database';
export { freePort } from './ports';
export { timeSkippingServer } from './time-skipping';
export type { Server } from './server';

export type Component = 'postgres' | 'redis' | 'temporal';

export interface StackOptions<C extends Component = Component> {
  /** What to start; everything by default. */
  components?: readonly C[];
  /** Folder for data and logs, kept when the stack stops. By default a temporary one that is removed. */
  dataDir?: string;
  /** Gets a plain line about each thing that is done and where each server is. Silent by default. */
  log?: (line: string) => void;
  /** Data survives a crash of the machine (true by default). Without it tests are faster. */
  durable?: boolean;
  /**
   * Use servers whose address is in `STACK_TEMPORAL_ADDRESS`, `STACK_POSTGRES_DSN`, `STACK_REDIS_URL` (true by
   * default). With false the stack has servers of its own, which a test may stop and start.
   */
  useExisting?: boolean;
  /** Dynamic configuration of Temporal, such as lower limits. */
  dynamicConfig?: DynamicConfig;
}

interface Running {
  postgres: RunningPostgres;
  redis: RunningRedis;
  temporal: RunningTemporal;
}

export type Stack<C extends Component = Component> = Pick<Running, C> & {
  /** Folder with the data and the `server.log` of each component. */
  dataDir: string;
  /** Ends what the stack has started, in order; resolves when nothing of it is left. */
  stop(): Promise<void>;
};

/**
 * Brings up the servers that Game Master needs, side by side, and resolves when all of them answer. Should this
 * process end without calling `stop`, however it ends, they are ended a moment later.
 * @throws Error saying which server failed and what to do; whatever had been started is stopped first
 */
export async function startStack<C extends Component = Component>(
  options: StackOptions<C> = {},
): Promise<Stack<C>> {
  const { components = ['postgres', 'redis', 'temporal'] as const, log = () => undefined } = options;
  const wanted = new Set<Component>(components);
  const reaper = new Reaper();
  const cleanUps: CleanUp[] = [() => reaper.close()];
  const dataDir = options.dataDir ?? (await temporaryFolder(reaper, cleanUps));
  const context: StackContext = {
    dataDir,
    log,
    reaper,
    durable: options.durable ?? true,
    useExisting: options.useExisting ?? true,
    onStop: (cleanUp) => cleanUps.push(cleanUp),
  };
  await mkdir(dataDir, { recursive: true });

  const stop = async (): Promise<void> => {
    const [closeReaper, ...others] = cleanUps.splice(0);
    const problems: unknown[] = [];
    for (const cleanUp of others.reverse()) {
      try {
        await cleanUp();
      } catch (error) {
        problems.push(error);
      }
    }
    await closeReaper?.();
    if (problems.length > 0) throw new AggregateError(problems, 'The stack did not stop in good order');
  };

  const running: Partial<Running> = {};
  const starting: Promise<unknown>[] = [];
  if (wanted.has('postgres')) starting.push(startPostgres(context).then((it) => (running.postgres = it)));
  if (wanted.has('redis')) starting.push(startRedis(context).then((it) => (running.redis = it)));
  if (wanted.has('temporal')) {
    starting.push(startTemporal(context, options.dynamicConfig ?? {}).then((it) => (running.temporal = it)));
  }
  const failed = (await Promise.allSettled(starting)).find((result) => result.status === 'rejected');
  if (failed !== undefined) {
    await stop().catch(() => undefined);
    throw failed.reason;
  }
  return { ...(running as Pick<Running, C>), dataDir, stop };
}

type CleanUp = () => Promise<void> | void;

async function temporaryFolder(reaper: Reaper, cleanUps: CleanUp[]): Promise<string> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'galaxy-gamemaster-'));
  // Postgres, run by root as another account, passes through to its own folder; the content is not listed.
  await chmod(folder, 0o711);
  reaper.watchFolder(folder);
  cleanUps.push(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
