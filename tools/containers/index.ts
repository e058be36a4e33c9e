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

/**
 * Makes Podman ready, and on it a base image and the images of this checkout that are wanted, and has it listen on a
 * socket in `folder`. Ends with `server.stop()`, or when this process does.
 */
export async function startContainers(
  wanted: readonly ImageName[],
  { folder, reaper, log }: { folder: string; reaper: Reaper; log: (line: string) => void },
): Promise<Containers> {
  const timed = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
    const began = Date.now();
    const result = await work();
    log(`${what}: ${((Date.now() - began) / 1000).toFixed(1)} s`);
    return result;
  };
  const podman = await timed('Podman', () => preparePodman(log));
  const base = await timed('Base image', () => localBaseImage(podman, log));
  const images: Record<string, string> = {};
  for (const name of wanted) {
    images[name] = await timed(`Image of ${name}`, () => projectImage(podman, name, base, log));
  }
  // What runs before this one left behind, with time for those that are going on.
  await podman.run(['container', 'prune', '--force', '--filter', 'until=1h']);
  await podman.run(['image', 'prune', '--all', '--force', '--filter', 'until=168h']);
  const socket = path.join(folder, 'podman.sock');
  const server = podman.service(socket, path.join(folder, 'podman.log'), reaper);
  await timed('Podman service', () => server.start());
  // As Docker's: for a service in a container that is in the socket's group.
  await chmod(socket, 0o660);
  return { podman, host: `unix://${socket}`, server, base, images };
}
