import { chmod } from 'node:fs/promises';
import path from 'node:path';

import type { Reaper } from '../stack/reaper';
import type { Server } from '../stack/server';
import { localBaseImage } from './base-image';
import { projectImage, type ImageName } from './images';
import { preparePodman, type Podman } from './podman';

export { IMAGE_NAMES, type ImageName } from './images';

/** A container engine with images to run. */
export interface Containers {
  podman: Podman;
  /** Where it listens, as `DOCKER_HOST` has it. */
  host: string;
  server: Server;
  base: string;
  /** Names of the images of this checkout. */
  images: Record<string, string>;
}

/** This machine does not let us run containers; says what is missing. */
export class NoContainerEngine extends Error {
  override readonly name = 'NoContainerEngine';
}

/**
 * Makes Podman ready, and on it a base image and the images of this checkout that are wanted, and has it listen on a
 * socket in `folder`. Ends with `server.stop()`, or when this process does.
 * @throws NoContainerEngine, or Error when an image cannot be built
 */
export async function startContainers(
  wanted: readonly ImageName[],
  { folder, reaper, log }: { folder: string; reaper: Reaper; log: (line: string) => void },
): Promise<Containers> {
  const { podman, base } = await makeReady(log);
  const images: Record<string, string> = {};
  for (const name of wanted) {
    images[name] = await projectImage(podman, name, base, log);
  }
  // What runs before this one left behind, with time for those that are going on.
  await podman.run(['container', 'prune', '--force', '--filter', 'until=1h']);
  await podman.run(['image', 'prune', '--all', '--force', '--filter', 'until=168h']);
  const socket = path.join(folder, 'podman.sock');
  const server = podman.service(socket, path.join(folder, 'podman.log'), reaper);
  await server.start();
  // As Docker's: for a service in a container that is in the socket's group.
  await chmod(socket, 0o660);
  return { podman, host: `unix://${socket}`, server, base, images };
}

async function makeReady(log: (line: string) => void): Promise<Pick<Containers, 'podman' | 'base'>> {
  try {
    const podman = await preparePodman(log);
    const base = await localBaseImage(podman, log);
    // Not every machine that has the packages grants what a container needs: limits, a network, a port.
    await podman.run(['run', '--rm', '--memory=64m', '--publish=127.0.0.1::8080', base, 'true']);
    return { podman, base };
  } catch (error) {
    throw new NoContainerEngine(error instanceof Error ? error.message : String(error), { cause: error });
  }
}
