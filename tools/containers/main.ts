import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';

import { Reaper } from '../stack/reaper';
import { IMAGE_NAMES, startContainers, type ImageName } from './index';

/**
 * Keeps a container engine open with the image of the reference engine on it: tests started with the printed variables run
 * Runtime Manager's docker driver too. The words are further images to build.
 */
async function main(words: string[]): Promise<void> {
  const began = Date.now();
  const wanted = ['engine' as const, ...words.map(imageName)];
  const reaper = new Reaper();
  const folder = await mkdtemp(path.join(os.tmpdir(), 'galaxy-containers-'));
  reaper.watchFolder(folder);
  const { host, server, base, images } = await startContainers(wanted, {
    folder,
    reaper,
    log: (line) => console.error(line),
  });
  console.log(`export STACK_CONTAINER_HOST=${host}`);
  console.log(`export STACK_CONTAINER_BASE=${base}`);
  for (const [name, image] of Object.entries(images)) {
    console.log(`export STACK_IMAGE_${name.toUpperCase()}=${image}`);
  }
  console.error(`Ready after ${((Date.now() - began) / 1000).toFixed(1)} s. Ctrl-C stops it.`);
  const alive = setInterval(() => undefined, 60_000);
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve());
  });
  clearInterval(alive);
  await server.stop();
  await rm(folder, { recursive: true, force: true });
  await reaper.close();
}

function imageName(word: string): ImageName {
  const name = IMAGE_NAMES.find((known) => known === word);
  if (name === undefined) throw new Error(`There is no image ${word}; there are ${IMAGE_NAMES.join(', ')}.`);
  return name;
}

main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
