import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Reaper } from '../stack/reaper';

const LOOK_EVERY_MS = 500;

/**
 * The engines that Runtime Manager runs as processes. They outlive it on purpose (platform/rtmanager/README.md), but not
 * the demo: the reaper gets to know each, and ends them when it is closed or the demo is killed.
 */
export class ManagedEngines {
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

  /** @throws Error when the game has no engine */
  async signal(gameId: string, signal: 'SIGSTOP' | 'SIGCONT'): Promise<void> {
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
