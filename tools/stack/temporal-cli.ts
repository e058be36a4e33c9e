import path from 'node:path';

import { cacheDir, fillCache } from './cache';
import { findProgram, run } from './program';
import { sdkDownload } from './sdk-download';

// Later versions cannot be built this way: their go.mod has a `replace` directive.
const version = 'v1.5.1';

/**
 * The path of a `temporal` CLI: on PATH, else the cached one, else downloaded by the SDK into the cache, else
 * built from source into the cache.
 * @throws Error saying what to install when none of these works
 */
export async function temporalCli(log: (line: string) => void): Promise<string> {
  const found = await findProgram('temporal', [path.join(cacheDir(), 'temporal-cli')]);
  if (found !== undefined) return found;

  const downloaded = await sdkDownload('dev-server', 'temporal-cli', 'temporal', log);
  if (downloaded !== undefined) return downloaded;

  const go = await findProgram('go', ['/usr/local/go/bin']);
  if (go === undefined) {
    throw new Error(
      'The Temporal CLI is not here, could not be downloaded, and cannot be built without Go. Install the CLI ' +
        '(https://docs.temporal.io/cli) or Go 1.23 or newer (https://go.dev/doc/install), or set ' +
        'STACK_TEMPORAL_ADDRESS to a running Temporal.',
    );
  }
  log(`Building the Temporal CLI ${version} from source: about 4 minutes on two cores, only this once`);
  const began = Date.now();
  let fetched = 0;
  let note = 'fetching modules';
  const progress = setInterval(() => {
    log(`  still building the Temporal CLI, ${Math.round((Date.now() - began) / 1000)} s so far (${note})`);
  }, 30_000);
  try {
    const folder = await fillCache('temporal-cli', async (bin) => {
      await run(go, ['install', '-v', `github.com/temporalio/cli/cmd/temporal@${version}`], {
        env: { ...process.env, GOBIN: bin },
        onLine: (line) => {
          if (line.startsWith('go: ')) note = `${++fetched} modules fetched`;
          else note = `compiling ${line}`;
        },
      });
    });
    log(`Built the Temporal CLI in ${Math.round((Date.now() - began) / 1000)} s, kept in ${folder}`);
    return path.join(folder, 'temporal');
  } finally {
    clearInterval(progress);
  }
}
