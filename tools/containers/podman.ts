import { createHash } from 'node:crypto';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { installWithApt } from '../stack/apt';
import { cacheDir } from '../stack/cache';
import { findProgram, run, type RunOptions } from '../stack/program';
import type { Reaper } from '../stack/reaper';
import { ServerProcess, type Server } from '../stack/server';

/** Podman with images, networks and settings of its own: whatever else it does on this machine is left alone. */
export interface Podman {
  /** Runs `podman` with these words. @throws Error with the last lines of its output */
  run(words: string[], options?: RunOptions): Promise<string>;
  /** A Docker-compatible service on this socket, not started yet. */
  service(socket: string, logFile: string, reaper: Reaper): Server;
}

/** Images stay between runs; what a boot of the machine ends is kept where the system keeps such things. */
const folder = path.join(cacheDir(), 'podman');
const stateFolder = `/run/galaxy-gamemaster-${createHash('sha256').update(folder).digest('hex').slice(0, 8)}`;
/** Of a single command; building the largest image on a busy machine takes a third of it. */
const TIMEOUT_MS = 10 * 60_000;

/**
 * Makes Podman ready, installing it where it is missing; for root only, because it has to work without a user session
 * and without cgroup v2.
 * @throws Error saying what to do when there is no way to have it
 */
export async function preparePodman(log: (line: string) => void): Promise<Podman> {
  if (process.getuid?.() !== 0) {
    throw new Error('Podman is made ready only for root. Start Docker instead, or run this as root.');
  }
  if (!(await findProgram('podman')) || !(await findProgram('runc'))) {
    await installWithApt({ log }, 'podman runc', { service: 'podman' });
  }
  const podman = await findProgram('podman');
  const conmon = await findProgram('conmon');
  if (podman === undefined || conmon === undefined || !(await findProgram('runc'))) {
    throw new Error(
      'Podman is not here and could not be installed (apt-get install podman runc). Start Docker instead.',
    );
  }
  const env = { ...process.env, ...(await configure(conmon)) };
  return {
    run: (words, options = {}) => run(podman, words, { timeoutMs: TIMEOUT_MS, ...options, env }),
    service: (socket, logFile, reaper) =>
      new ServerProcess(
        {
          name: 'Podman',
          command: podman,
          args: ['system', 'service', '--time', '0', `unix://${socket}`],
          cwd: '/',
          env,
          logFile,
          stopSignal: 'SIGTERM',
          check: async () => {
            await run(podman, ['--url', `unix://${socket}`, 'version'], { env, timeoutMs: 5_000 });
          },
        },
        reaper,
      ),
  };
}

/** Writes the settings. Returns the environment that names them. */
async function configure(conmon: string): Promise<Record<string, string>> {
  const files = {
    containers: path.join(folder, 'containers.conf'),
    storage: path.join(folder, 'storage.conf'),
    conmon: path.join(folder, 'conmon'),
  };
  await mkdir(folder, { recursive: true });
  await writeFile(
    files.containers,
    `[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
conmon_path = ["${files.conmon}"]
# A journal may not be there.
events_logger = "file"
# Locks in shared memory would be the same ones for every Podman of this user.
lock_type = "file"
tmp_dir = "${stateFolder}/tmp"

[containers]
log_driver = "k8s-file"
# Limits that a machine without the right to raise them can grant.
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]

[network]
network_config_dir = "${folder}/networks"
`,
  );
  const driver = (await canOverlay()) ? 'overlay' : 'vfs';
  await writeFile(
    files.storage,
    `[storage]
driver = "${driver}"
graphroot = "${folder}/storage-${driver}"
runroot = "${stateFolder}/containers"
`,
  );
  // conmon notes that the kernel killed a container for its memory in the folder it is started in, and Podman 4 looks for
  // that note in the container's: "OOMKilled" would always be false.
  await writeFile(
    files.conmon,
    `#!/bin/sh
for word; do
  [ "$previous" = -b ] && cd "$word"
  previous=$word
done
exec ${conmon} "$@"
`,
  );
  await chmod(files.conmon, 0o755);
  return { CONTAINERS_CONF: files.containers, CONTAINERS_STORAGE_CONF: files.storage };
}

/** Whether containers can share the files of their image. Else each gets a copy, which takes seconds. */
async function canOverlay(): Promise<boolean> {
  const trial = await mkdtemp(path.join(folder, 'overlay.'));
  const place = (name: string) => path.join(trial, name);
  try {
    for (const name of ['lower', 'upper', 'work', 'merged']) await mkdir(place(name));
    const options = `lowerdir=${place('lower')},upperdir=${place('upper')},workdir=${place('work')}`;
    await run('mount', ['-t', 'overlay', 'overlay', '-o', options, place('merged')]);
    await run('umount', [place('merged')]);
    return true;
  } catch {
    return false;
  } finally {
    await rm(trial, { recursive: true, force: true });
  }
}
