import { access, rm, writeFile } from 'node:fs/promises';

import type { StackContext } from './context';
import { findProgram, run } from './program';

/** Longer than any download of ours takes where there is a network at all. */
const TIMEOUT_MS = 5 * 60_000;
/** Somebody else on this machine may be installing something. */
const patience = ['-o', 'DPkg::Lock::Timeout=120'];

/** One installation after the other: `apt-get` itself does not wait for all of its locks. */
let last: Promise<void> = Promise.resolve();

/** Debian's way to say that package scripts may start no service: the file exists and exits with 101. */
const policyFile = '/usr/sbin/policy-rc.d';

/**
 * Installs packages with `apt-get` when this process is root on a Debian-like system; else does nothing, and the
 * caller finds that the program is still missing. With `service`, the package's own service is neither
 * started now nor at the next boot.
 */
export function installWithApt(
  context: Pick<StackContext, 'log'>,
  packages: string,
  options: { service?: string } = {},
): Promise<void> {
  last = last.then(() => install(context, packages, options));
  return last;
}

async function install(
  context: Pick<StackContext, 'log'>,
  packages: string,
  options: { service?: string },
): Promise<void> {
  const apt = await findProgram('apt-get');
  if (apt === undefined || process.getuid?.() !== 0) return;
  context.log(`Installing ${packages} with apt-get (once)`);
  const how = { env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }, timeoutMs: TIMEOUT_MS };
  const words = ['install', '-y', '--no-install-recommends', ...patience, ...packages.split(' ')];
  const removePolicy = options.service === undefined ? undefined : await forbidServices();
  try {
    await run(apt, words, how).catch(async () => {
      // Most likely the package lists are missing or old.
      await run(apt, ['update', ...patience], how);
      await run(apt, words, how);
    });
    if (options.service !== undefined) {
      await run('update-rc.d', [options.service, 'disable'], how).catch(() => undefined);
    }
  } catch (error) {
    context.log(error instanceof Error ? error.message : String(error));
  } finally {
    await removePolicy?.();
  }
}

async function forbidServices(): Promise<(() => Promise<void>) | undefined> {
  try {
    await access(policyFile);
    return undefined;
  } catch {
    await writeFile(policyFile, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
    return () => rm(policyFile, { force: true });
  }
}
