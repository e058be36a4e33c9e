import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Reaper } from '../stack/reaper';
import type { Ground } from './ground';
import type { EngineKind, ManagedEngines } from './managed-engines';

const LOOK_EVERY_MS = 500;
const ENGINE_SCRIPT = path.resolve(__dirname, '..', '..', 'platform', 'engine', 'main.js');

/** Engines as processes. */
export function processEngines({ dataDir, reaper, atEnd }: Ground, kinds: EngineKind[]): ManagedEngines {
  const folder = path.join(dataDir, 'engines');
  const watched = new WatchedProcesses(folder, reaper);
  atEnd(() => watched.close());
  const images = new Map(kinds.map(({ version }) => [version, `galaxy/engine:${version}`]));
  const commands = kinds.map(({ version, engine }) => [
    images.get(version),
    ['env', ...engine, process.execPath, ENGINE_SCRIPT],
  ]);
  return {
    what: 'Processes',
    look: 'pgrep -fl platform/engine/main.js',
    env: {
      RTMANAGER_DRIVER: 'process',
      RTMANAGER_PROCESS_DIR: folder,
      RTMANAGER_PROCESS_COMMAND: JSON.stringify(Object.fromEntries(commands)),
    },
    images,
    // It is `process-<pid>-<since when>`.
    nameOf: (_, containerId) => `process ${containerId.split('-')[1] ?? ''}`,
    signal: (gameId, signal) => watched.signal(gameId, signal),
  };
}

/**
 * Engines that are processes outlive Runtime Manager on purpose (platform/rtmanager/README.md), but not the demo: the
 * reaper gets to know each, and ends them when it is closed or the demo is killed.
 */
class WatchedProcesses {
  readonly #watched = new Set<number>();
  readonly #timer = setInterval(() => void this.#look(), LOOK_EVERY_MS);

  constructor(
    private readonly folder: string,
    private readonly reaper: Reaper,
  ) {}

  /** Call it when Runtime Manager has ended, and before the reaper is closed. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#look();
  }

  /** @throws Error when the game has no engine that runs */
  async signal(gameId: string, signal: NodeJS.Signals): Promise<void> {
    const pid = await this.#pidOf(gameId);
    if (pid === undefined) throw new Error(`${gameId} has no engine`);
    process.kill(-pid, signal);
  }

  async #look(): Promise<void> {
    // Runtime Manager makes the folder.
    const games = await readdir(this.folder).catch(() => []);
    const pids = await Promise.all(games.map((gameId) => this.#pidOf(gameId)));
    for (const pid of pids) {
      if (pid === undefined || this.#watched.has(pid) || !isAlive(pid)) continue;
      this.#watched.add(pid);
      this.reaper.watch(pid, 'SIGTERM');
    }
    for (const pid of this.#watched) {
      if (isAlive(pid)) continue;
      this.#watched.delete(pid);
      this.reaper.forget(pid);
    }
  }

  /** The file begins with it. */
  async #pidOf(gameId: string): Promise<number | undefined> {
    const written = await readFile(path.join(this.folder, gameId, 'process'), 'utf8').catch(() => '');
    const pid = Number.parseInt(written, 10);
    return pid > 1 ? pid : undefined;
  }
}

/** Whether the process group is there. */
function isAlive(pid: number): boolean {
  try {
    process.kill(-pid, 0);
    return true;
  } catch {
    return false;
  }
}
