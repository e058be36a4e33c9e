import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import path from 'node:path';

import { has } from './base-image';
import type { Podman } from './podman';

const root = checkout(__dirname);
const everything =
  'activities api clients config domain migrations pkg platform stores tools worker workflows'.split(' ');

interface Recipe {
  dockerfile: string;
  target?: string;
  /** What it is made of. */
  sources: string[];
}

/** Every image of the project. */
const RECIPES = {
  engine: { dockerfile: 'platform/engine/Dockerfile', sources: ['platform/engine'] },
  ...Object.fromEntries(
    (['api', 'worker', 'lobby', 'rtmanager', 'notification'] as const).map((target) => [
      target,
      { dockerfile: 'Dockerfile', target, sources: everything },
    ]),
  ),
} as Record<ImageName, Recipe>;

export const IMAGE_NAMES = ['engine', 'api', 'worker', 'lobby', 'rtmanager', 'notification'] as const;
export type ImageName = (typeof IMAGE_NAMES)[number];

/**
 * The name of an image of this checkout, built unless the very same has been built before. The packages of this checkout
 * are used, so that nothing is downloaded.
 */
export async function projectImage(
  podman: Podman,
  name: ImageName,
  base: string,
  log: (line: string) => void,
): Promise<string> {
  const { dockerfile, target, sources } = RECIPES[name];
  const key = await digest([dockerfile, 'package-lock.json', ...sources], base);
  const image = `localhost/galaxy/${name}:${key}`;
  if (await has(podman, image)) return image;

  log(`Building the image of ${name}`);
  const packages = await realpath(path.join(root, 'node_modules'));
  await podman.run([
    'build',
    // Neither a user namespace nor a network of its own is needed, and not every machine grants them to a build.
    '--isolation=chroot',
    // The other format has no health check.
    '--format=docker',
    `--build-arg=BASE=${base}`,
    `--volume=${packages}:/packages:ro`,
    `--file=${path.join(root, dockerfile)}`,
    ...(target === undefined ? [] : [`--target=${target}`]),
    `--tag=${image}`,
    root,
  ]);
  return image;
}

async function digest(sources: string[], base: string): Promise<string> {
  const hash = createHash('sha256').update(base);
  const add = async (file: string): Promise<void> => {
    const place = path.join(root, file);
    if ((await stat(place)).isDirectory()) {
      for (const entry of (await readdir(place)).sort()) await add(path.join(file, entry));
    } else hash.update(file).update(await readFile(place));
  };
  for (const source of sources) await add(source);
  return hash.digest('hex').slice(0, 12);
}

/** The folder of this checkout: built, this file is deeper in it than in its sources, where tests take it from. */
function checkout(folder: string): string {
  return existsSync(path.join(folder, 'package-lock.json')) ? folder : checkout(path.dirname(folder));
}
