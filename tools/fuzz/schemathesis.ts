import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { access, readFile } from 'node:fs/promises';
import path from 'node:path';
import { cacheDir, fillCache } from '../stack/cache';
import { findProgram, run } from '../stack/program';
import type { FuzzedApi } from './fuzzed-api';

/** From the top folder, where npm runs scripts. */
const REQUIREMENTS = 'tools/fuzz/requirements.txt';
const CONFIGURATION = 'tools/fuzz/schemathesis.toml';
const DOCUMENT = 'api/internal-openapi.yaml';

const INSTALL_TIMEOUT_MS = 300_000;

/** Why there is no schemathesis on this machine. */
export class NotInstallable extends Error {
  override readonly name = 'NotInstallable';
}

/**
 * The Python that has schemathesis, installed into the cache the first time.
 * @throws NotInstallable
 */
export async function installSchemathesis(say: (line: string) => void): Promise<string> {
  const python = await findProgram('python3');
  if (python === undefined) throw new NotInstallable('there is no python3');
  const wanted = createHash('sha256')
    .update(await readFile(REQUIREMENTS))
    .digest('hex');
  const name = `schemathesis-${wanted.slice(0, 12)}`;
  const installed = pythonOf(path.join(cacheDir(), name));
  try {
    await access(installed);
    return installed;
  } catch {
    say('Installing schemathesis (once)');
  }
  try {
    const folder = await fillCache(name, async (temporary) => {
      await run(python, ['-m', 'venv', temporary], { timeoutMs: INSTALL_TIMEOUT_MS });
      const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', REQUIREMENTS];
      await run(pythonOf(temporary), pip, { timeoutMs: INSTALL_TIMEOUT_MS });
    });
    return pythonOf(folder);
  } catch (error) {
    throw new NotInstallable(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

/** Tries the api by its document; returns whether nothing was found. What is found is printed. */
export async function fuzz(python: string, { origin, dataDir }: FuzzedApi): Promise<boolean> {
  const words = ['-m', 'schemathesis.cli', '--config-file', path.resolve(CONFIGURATION)];
  const asked = ['run', path.resolve(DOCUMENT), '--url', origin];
  // It leaves notes where it runs.
  const child = spawn(python, [...words, ...asked], {
    cwd: dataDir,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  return code === 0;
}

/** The folder may be moved to its final place: the programs in it would look for it in the old one, Python does not. */
function pythonOf(folder: string): string {
  return path.join(folder, 'bin', 'python');
}
