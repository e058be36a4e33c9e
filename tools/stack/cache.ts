import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';

/** Folder for what is fetched once and used by every later run: `$XDG_CACHE_HOME` or `~/.cache`. */
export function cacheDir(): string {
  const base = process.env['XDG_CACHE_HOME'];
  return path.join(
    base !== undefined && path.isAbsolute(base) ? base : path.join(os.homedir(), '.cache'),
    'galaxy-gamemaster',
  );
}

/**
 * Fills a folder of the cache. `fill` works in a temporary folder that takes the final name only when it is
 * complete, so an interrupted run leaves nothing half done and parallel runs do not disturb each other.
 * @returns the path of the filled folder
 */
export async function fillCache(name: string, fill: (folder: string) => Promise<void>): Promise<string> {
  const final = path.join(cacheDir(), name);
  await mkdir(path.dirname(final), { recursive: true });
  const temporary = await mkdtemp(`${final}.`);
  try {
    await fill(temporary);
    await rm(final, { recursive: true, force: true });
    await rename(temporary, final);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw error;
  }
  return final;
}
