import { setTimeout as delay } from 'node:timers/promises';

import type { ContainerRuntimeClient } from 'testcontainers';

import type { StackContext } from './context';
import type { ClaimedPort } from './ports';
import type { Server } from './server';

const answersWithinMs = 3000;
const readyWithinMs = 60_000;

export interface Image {
  name: string;
  image: string;
  port: number;
  environment?: Record<string, string>;
  command?: string[];
  check: () => Promise<void>;
}

/** The Docker (or Podman) engine that `testcontainers` finds, if one answers. */
export async function dockerEngine(): Promise<ContainerRuntimeClient | undefined> {
  const { getContainerRuntimeClient } = await import('testcontainers');
  const none = delay(answersWithinMs, undefined, { ref: false });
  return await Promise.race([getContainerRuntimeClient().catch(() => undefined), none]);
}

/**
 * Starts a container whose port is published as `port` on 127.0.0.1. It is removed when the stack stops, and by
 * the reaper of `testcontainers` when this process dies first.
 * @throws Error when the image cannot be had or the server in it does not answer
 */
export async function startContainer(
  engine: ContainerRuntimeClient,
  context: StackContext,
  image: Image,
  port: ClaimedPort,
): Promise<Server> {
  const { GenericContainer, Wait } = await import('testcontainers');
  const started = await new GenericContainer(image.image)
    .withEnvironment(image.environment ?? {})
    .withCommand(image.command ?? [])
    .withExposedPorts({ container: image.port, host: port.number })
    .withWaitStrategy(Wait.forListeningPorts())
    .withStartupTimeout(readyWithinMs)
    .start();
  context.onStop(async () => {
    await started.stop({ remove: true, removeVolumes: true, timeout: 5000 });
  });
  const container = engine.container.getById(started.getId());
  let pid: number | undefined;

  const ready = async (): Promise<void> => {
    const deadline = Date.now() + readyWithinMs;
    for (;;) {
      try {
        await image.check();
        break;
      } catch (error) {
        if (Date.now() > deadline) throw error;
        await delay(100);
      }
    }
    pid = (await container.inspect()).State.Pid;
  };
  await ready();
  return {
    name: image.name,
    get pid() {
      return pid;
    },
    async start() {
      if (pid !== undefined) return;
      await container.start();
      await ready();
    },
    async stop() {
      if (pid === undefined) return;
      await container.stop({ t: 10 });
      pid = undefined;
    },
    async kill() {
      if (pid === undefined) return;
      await container.kill();
      await container.wait();
      pid = undefined;
    },
    async pause() {
      await container.pause();
    },
    async resume() {
      await container.unpause();
    },
  };
}
