import Docker from 'dockerode';
import { createHash } from 'node:crypto';
import os from 'node:os';
import path from 'node:path';
import { settings } from '../../platform/rtmanager/settings';
import { startContainers } from '../containers';
import { findProgram, run } from '../stack/program';
import type { Ground } from './ground';
import type { EngineKind, ManagedEngines } from './managed-engines';

const ROOT = path.resolve(__dirname, '..', '..', '..');
const DOCKER_ANSWERS_WITHIN_MS = 3_000;
/** Marks the containers of a Runtime Manager. */
const OWNER_LABEL = 'galaxy.runtime-manager';
/** Marks those of demos on this machine; the process id of the demo follows. */
const OWNERS = `demo-${os.hostname()}-`;

/**
 * Engines as containers, of Docker or Podman.
 * @throws Error saying what is missing and what to do
 */
export async function containerEngines(ground: Ground, kinds: EngineKind[]): Promise<ManagedEngines> {
  ground.say('Making a container engine ready, with an image of the engine');
  try {
    const { host, image } = await containerEngine(ground);
    const docker = new Docker(settings.DOCKER_HOST.parse(host));
    const images = new Map<string, string>();
    for (const kind of kinds) images.set(kind.version, await imageOf(docker, image, kind));
    await removeContainers(
      docker,
      (owner) => owner.startsWith(OWNERS) && !isAlive(owner.slice(OWNERS.length)),
    );
    return await manage(ground, docker, host, images);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(
      `Engines cannot be containers here: ${why.trim()}\nPlain npm start runs them as processes.`,
      {
        cause: error,
      },
    );
  }
}

async function manage(
  ground: Ground,
  docker: Docker,
  host: string,
  images: ReadonlyMap<string, string>,
): Promise<ManagedEngines> {
  const owner = `${OWNERS}${process.pid}`;
  ground.atEnd(() => removeContainers(docker, (one) => one === owner));
  const nameOf = (gameId: string): string => `galaxy-game-${gameId}`;
  const client = (await findProgram('docker')) === undefined ? 'podman --url' : 'docker -H';
  return {
    what: 'Containers',
    look: `${client} ${host} ps -a -f name=galaxy-game- --format "{{.Names}}  {{.Status}}"`,
    env: {
      RTMANAGER_DRIVER: 'docker',
      RTMANAGER_DOCKER_HOST: host,
      RTMANAGER_DOCKER_OWNER: owner,
      // Game Master is a process of this machine: names of a container network mean nothing to it.
      RTMANAGER_DOCKER_PUBLISH: 'true',
      RTMANAGER_DOCKER_PULL: 'false',
    },
    images,
    nameOf: (gameId) => `container ${nameOf(gameId)}`,
    signal: async (gameId, signal) => {
      await docker.getContainer(nameOf(gameId)).kill({ signal });
    },
  };
}

/** A container engine and the reference engine's image on it: those that are named, Docker's, or Podman's. */
async function containerEngine(ground: Ground): Promise<{ host: string; image: string }> {
  const { STACK_CONTAINER_HOST: named, STACK_IMAGE_ENGINE: namedImage } = process.env;
  if (named !== undefined && namedImage !== undefined) return { host: named, image: namedImage };
  if (named !== undefined || namedImage !== undefined) {
    throw new Error('STACK_CONTAINER_HOST and STACK_IMAGE_ENGINE go together: set or unset both.');
  }
  const docker = await dockerHost();
  if (docker !== undefined) {
    const image = 'galaxy/engine';
    await run('docker', ['build', '--quiet', '--file=platform/engine/Dockerfile', `--tag=${image}`, '.'], {
      cwd: ROOT,
    });
    return { host: docker, image };
  }
  const { dataDir: folder, reaper, say, atEnd } = ground;
  const log = (line: string): void => say(`  ${line}`);
  const { server, host, images } = await startContainers(['engine'], { folder, reaper, log });
  atEnd(() => server.stop());
  return { host, image: images['engine'] ?? '' };
}

/** Where Docker listens, if it is here and answers. */
async function dockerHost(): Promise<string | undefined> {
  try {
    await run('docker', ['version'], { timeoutMs: DOCKER_ANSWERS_WITHIN_MS });
    const format = '{{.Endpoints.docker.Host}}';
    return (await run('docker', ['context', 'inspect', '--format', format])).trim();
  } catch {
    return undefined;
  }
}

/** An image of the engine with these settings, made once: that of a container that has them, and never runs. */
async function imageOf(docker: Docker, image: string, { version, engine }: EngineKind): Promise<string> {
  const { Id: id } = await docker.getImage(image).inspect();
  const key = createHash('sha256')
    .update(JSON.stringify([id, engine]))
    .digest('hex')
    .slice(0, 12);
  const name = { repo: 'localhost/galaxy/engine', tag: `${version}-${key}` };
  const reference = `${name.repo}:${name.tag}`;
  const isThere = await docker
    .getImage(reference)
    .inspect()
    .then(
      () => true,
      () => false,
    );
  if (!isThere) {
    const container = await docker.createContainer({ Image: image, Env: [...engine] });
    await container.commit(name);
    await container.remove({ v: true });
  }
  return reference;
}

/** Removes containers by the owner that they are marked with, and what they have stored. */
async function removeContainers(docker: Docker, isToGo: (owner: string) => boolean): Promise<void> {
  const containers = await docker.listContainers({ all: true, filters: { label: [OWNER_LABEL] } });
  await Promise.all(
    containers
      .filter(({ Labels }) => isToGo(Labels[OWNER_LABEL] ?? ''))
      .map(async ({ Id }) => {
        const container = docker.getContainer(Id);
        const { Mounts } = await container.inspect();
        await container.remove({ force: true });
        for (const { Name } of Mounts) if (Name !== undefined) await docker.getVolume(Name).remove();
      }),
  );
}

function isAlive(pid: string): boolean {
  try {
    process.kill(Number(pid), 0);
    return true;
  } catch {
    return false;
  }
}
