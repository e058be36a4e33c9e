import { readdir, rename, stat } from 'node:fs/promises';
import path from 'node:path';

import { fillCache } from './cache';
import { run } from './program';

const stalledAfterMs = 10_000;

/**
 * Has the Temporal SDK download one of its servers into folder `folder` of the cache, as file `name`. Gives up
 * as soon as nothing has arrived for 10 s, so nobody waits long where downloads are not possible.
 * @returns the path of the program, or undefined when it could not be downloaded
 */
export async function sdkDownload(
  kind: 'dev-server' | 'time-skipping',
  folder: string,
  name: string,
  log: (line: string) => void,
): Promise<string | undefined> {
  const what = kind === 'dev-server' ? 'the Temporal CLI' : "Temporal's time-skipping test server";
  log(`Downloading ${what} (once)`);
  try {
    const filled = await fillCache(folder, async (temporary) => {
      await downloadInto(kind, temporary);
      const [file] = await readdir(temporary);
      if (file === undefined) throw new Error('the download left no file');
      await rename(path.join(temporary, file), path.join(temporary, name));
    });
    return path.join(filled, name);
  } catch {
    log(`  ${what} could not be downloaded from here`);
    return undefined;
  }
}

async function downloadInto(kind: string, folder: string): Promise<void> {
  const stalled = new AbortController();
  let size = 0;
  let movedAt = Date.now();
  const watch = setInterval(() => {
    void sizeOf(folder).then((now) => {
      if (now !== size) movedAt = Date.now();
      size = now;
      if (Date.now() - movedAt > stalledAfterMs) stalled.abort();
    });
  }, 500);
  try {
    await run(process.execPath, [require.resolve('./sdk-download-process.cjs'), kind, folder], {
      signal: stalled.signal,
    });
  } finally {
    clearInterval(watch);
  }
}

async function sizeOf(folder: string): Promise<number> {
  const files = await readdir(folder);
  const sizes = await Promise.all(
    files.map((file) =>
      stat(path.join(folder, file)).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
