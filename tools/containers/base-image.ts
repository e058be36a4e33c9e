import { createHash } from 'node:crypto';
import { access, chmod, cp, mkdir, mkdtemp, readFile, realpath, rename, rm, symlink } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';

import { installWithApt } from '../stack/apt';
import { cacheDir } from '../stack/cache';
import { findProgram, run } from '../stack/program';
import type { Podman } from './podman';

/** To be raised when what is put into the image changes. */
const recipe = 2;
/** Not needed by anything that runs in a container. */
const ballast = [
  'usr/share/doc',
  'usr/share/man',
  'usr/share/locale',
  'usr/share/info',
  'var/cache',
  'var/lib/apt/lists',
];
/** Without these two `apt-get` does not work in it. */
const places = ['var/cache/apt/archives/partial', 'var/lib/apt/lists/partial'];
const certificates = 'etc/ssl/certs/machine.pem';

/**
 * The name of an image with a small Debian and the Node of this machine, for `BASE` of the Dockerfiles where no image can
 * be pulled. Made once; takes under a minute.
 * @throws Error saying what is missing
 */
export async function localBaseImage(podman: Podman, log: (line: string) => void): Promise<string> {
  const suite = await debianSuite();
  const trusted = process.env['NODE_EXTRA_CA_CERTS'];
  const inputs = [
    recipe,
    process.version,
    process.arch,
    suite,
    trusted ? await readFile(trusted, 'utf8') : '',
  ];
  const key = createHash('sha256').update(JSON.stringify(inputs)).digest('hex').slice(0, 12);
  const name = `localhost/galaxy/base:${process.version}-${key}`;
  if (await has(podman, name)) return name;

  const archive = path.join(cacheDir(), `base-image-${key}.tar`);
  if (!(await exists(archive))) {
    log(`Making a base image of Debian ${suite} and Node ${process.version}: about a minute, only this once`);
    await makeArchive(archive, suite, trusted, log);
  }
  const env = trusted ? ['--change', `ENV NODE_EXTRA_CA_CERTS=/${certificates}`] : [];
  await podman.run(['import', '--change', 'CMD ["node"]', ...env, archive, name]);
  return name;
}

/** Whether an image is there. */
export async function has(podman: Podman, image: string): Promise<boolean> {
  return podman.run(['image', 'exists', image]).then(
    () => true,
    () => false,
  );
}

async function makeArchive(
  archive: string,
  suite: string,
  trusted: string | undefined,
  log: (line: string) => void,
): Promise<void> {
  const debootstrap = await program('debootstrap', log);
  // In the cache's file system, so that the finished archive can be moved to its place.
  await mkdir(cacheDir(), { recursive: true });
  const work = await mkdtemp(path.join(cacheDir(), 'base-image.'));
  const root = path.join(work, 'root');
  try {
    await run(debootstrap, ['--variant=minbase', suite, root], { timeoutMs: 10 * 60_000 });
    for (const folder of ballast) await rm(path.join(root, folder), { recursive: true, force: true });
    for (const folder of places) await mkdir(path.join(root, folder), { recursive: true });
    await addNode(root);
    if (trusted !== undefined) {
      await mkdir(path.dirname(path.join(root, certificates)), { recursive: true });
      await cp(trusted, path.join(root, certificates), { dereference: true });
    }
    // Says at once when the libraries of this Node are not in there.
    await run('chroot', [root, '/usr/local/bin/node', '--version']);
    await chmod(root, 0o755);
    await run('tar', ['-C', root, '-cf', `${root}.tar`, '.']);
    await rename(`${root}.tar`, archive);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function addNode(root: string): Promise<void> {
  // npm lies beside the real program, not beside a link to it.
  const node = await realpath(process.execPath);
  const npm = path.join(path.dirname(node), '..', 'lib', 'node_modules', 'npm');
  const local = path.join(root, 'usr', 'local');
  await cp(node, path.join(local, 'bin', 'node'));
  await cp(npm, path.join(local, 'lib', 'node_modules', 'npm'), { recursive: true });
  for (const name of ['npm', 'npx']) {
    await symlink(`../lib/node_modules/npm/bin/${name}-cli.js`, path.join(local, 'bin', name));
  }
}

async function program(name: string, log: (line: string) => void): Promise<string> {
  if (!(await findProgram(name, ['/usr/sbin']))) await installWithApt({ log }, name);
  const found = await findProgram(name, ['/usr/sbin']);
  if (found === undefined)
    throw new Error(`${name} is not here and could not be installed (apt-get install ${name})`);
  return found;
}

/** That of this machine, whose Node is known to run with it; else one that is current enough. */
async function debianSuite(): Promise<string> {
  const release = await readFile('/etc/os-release', 'utf8').catch(() => '');
  const value = (name: string) => new RegExp(`^${name}="?([a-z]+)"?$`, 'm').exec(release)?.[1];
  return (os.platform() === 'linux' && value('ID') === 'debian' && value('VERSION_CODENAME')) || 'bookworm';
}

function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
