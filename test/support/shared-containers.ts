import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import Docker from 'dockerode';
import { settings } from '../../platform/rtmanager/settings';
import { NoContainerEngine, startContainers } from '../../tools/containers';
import { Reaper } from '../../tools/stack/reaper';

const log = (line: string): void => console.error(line);

/**
 * Before the tests of a project: a container engine for all of them. The one that `STACK_CONTAINER_HOST` names is used; with
 * `STACK_CONTAINERS=yes` one is started where none is named, and where none can be had the tests that need it are skipped.
 * Returns how to end it, which first says what has run on it.
 */
export async function startSharedContainers(): Promise<{ stop: () => Promise<void> }> {
  const began = Date.now();
  let end = (): Promise<void> => Promise.resolve();
  if (process.env['STACK_CONTAINER_HOST'] === undefined) {
    if (process.env['STACK_CONTAINERS'] !== 'yes') return { stop: end };
    const started = await startOwn();
    if (started === undefined) return { stop: end };
    end = started;
  }
  const host = process.env['STACK_CONTAINER_HOST'] ?? '';
  log(`Engines   ${host}`);
  return {
    stop: async () => {
      const names = await gameContainersSince(host, began);
      log(`Containers seen: ${names.length === 0 ? 'none' : shortened(names)}`);
      await end();
    },
  };
}

/** Returns how to end it; undefined, once it was said, where this machine has none. */
async function startOwn(): Promise<(() => Promise<void>) | undefined> {
  const reaper = new Reaper();
  const folder = await mkdtemp(path.join(os.tmpdir(), 'galaxy-containers-'));
  reaper.watchFolder(folder);
  const clearAway = async (): Promise<void> => {
    await rm(folder, { recursive: true, force: true });
    await reaper.close();
  };
  try {
    // What takes long says so; the rest is of interest only to whoever runs `npm run containers`.
    const { host, server, images } = await startContainers(['engine'], { folder, reaper, log });
    process.env['STACK_CONTAINER_HOST'] = host;
    process.env['STACK_IMAGE_ENGINE'] = images['engine'];
    return async () => {
      await server.stop();
      await clearAway();
    };
  } catch (error) {
    await clearAway();
    if (!(error instanceof NoContainerEngine)) throw error;
    // In one line, to be found again at the end of a long run.
    log(
      `No container engine can be had: ${error.message.replace(/\s+/g, ' ').replace(/\.$/, '')}; docker tests skipped`,
    );
    return undefined;
  }
}

/** Names of the engines' containers that were started since then, by the log of the container engine itself. */
async function gameContainersSince(host: string, sinceMs: number): Promise<string[]> {
  const docker = new Docker({ ...settings.DOCKER_HOST.parse(host) });
  const events = await docker.getEvents({
    since: Math.floor(sinceMs / 1000),
    until: Math.ceil(Date.now() / 1000),
    filters: { type: ['container'], event: ['start'] },
  });
  let text = '';
  for await (const chunk of events) text += chunk.toString();
  const names = text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => (JSON.parse(line) as { Actor: { Attributes: { name: string } } }).Actor.Attributes.name)
    .filter((name) => name.startsWith('galaxy-game-'));
  return [...new Set(names)];
}

function shortened(names: string[]): string {
  const shown = names.slice(0, 10).join(', ');
  return names.length > 10 ? `${shown} and ${names.length - 10} more` : shown;
}
