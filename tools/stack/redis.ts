import { mkdir } from 'node:fs/promises';
import path from 'node:path';

import { Redis } from 'ioredis';

import { installWithApt } from './apt';
import { announce, existing, mustAnswer, withoutPassword } from './context';
import type { StackContext } from './context';
import { dockerEngine, startContainer } from './docker';
import { claimPort } from './ports';
import { findProgram } from './program';
import { ServerProcess } from './server';
import type { Server } from './server';

export interface RunningRedis {
  url: string;
  /** Absent when the server is not the stack's own. */
  server?: Server;
}

const usualPort = 6379;

/**
 * Redis: the one in `STACK_REDIS_URL`, else `redis-server` or `valkey-server` on PATH, else a container, else
 * (as root on Debian) the distribution's package.
 * @throws Error saying how to get a Redis when there is no way to have one
 */
export async function startRedis(context: StackContext): Promise<RunningRedis> {
  const given = existing(context, 'STACK_REDIS_URL');
  if (given !== undefined) {
    await mustAnswer('STACK_REDIS_URL', given, () => ping(given));
    announce(context, 'Redis', `${withoutPassword(given)} (from STACK_REDIS_URL)`);
    return { url: given };
  }

  const port = await claimPort(usualPort);
  context.onStop(() => port.release());
  const url = `redis://127.0.0.1:${port.number}`;

  let program = await findRedis();
  if (program === undefined) {
    const engine = await dockerEngine();
    if (engine !== undefined) {
      try {
        const server = await startContainer(
          engine,
          context,
          {
            name: 'Redis',
            image: 'redis:8-alpine',
            port: usualPort,
            command: ['redis-server', ...settings(context)],
            check: () => ping(url),
          },
          port,
        );
        announce(context, 'Redis', `${url} (container)`);
        return { url, server };
      } catch (error) {
        context.log(
          `Redis in a container did not start: ${error instanceof Error ? error.message : String(error)}`,
        );
      }
    }
    await installWithApt(context, 'redis-server', { service: 'redis-server' });
    program = await findRedis();
  }
  if (program === undefined) {
    throw new Error(
      'Redis is not here and could not be fetched. Install it (Debian, Ubuntu: apt-get install redis-server; ' +
        'macOS: brew install redis), or start Docker, or set STACK_REDIS_URL to a running one.',
    );
  }

  const folder = path.join(context.dataDir, 'redis');
  await mkdir(folder, { recursive: true });
  const server = new ServerProcess(
    {
      name: 'Redis',
      command: program,
      args: ['--port', String(port.number), '--bind', '127.0.0.1', '--dir', folder, ...settings(context)],
      cwd: folder,
      logFile: path.join(folder, 'server.log'),
      stopSignal: 'SIGTERM',
      check: () => ping(url),
    },
    context.reaper,
  );
  context.onStop(() => server.stop());
  await server.start();
  announce(context, 'Redis', `${url} (${path.basename(program)})`);
  return { url, server };
}

// A write goes to the operating system before it is confirmed, so that a killed server loses none. That is why the policy
// is never `everysec`: then Redis holds writes back for up to two seconds, with their replies sent, while the fsync before
// is still under way.
function settings(context: StackContext): string[] {
  const policy = context.durable ? 'always' : 'no';
  return ['--appendonly', 'yes', '--appendfsync', policy, '--save', '', '--maxmemory-policy', 'noeviction'];
}

async function findRedis(): Promise<string | undefined> {
  return (await findProgram('redis-server')) ?? (await findProgram('valkey-server'));
}

async function ping(url: string): Promise<void> {
  const redis = new Redis(url, {
    lazyConnect: true,
    connectTimeout: 2000,
    commandTimeout: 2000,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
  });
  let connectionError: Error | undefined;
  redis.on('error', (error: Error) => (connectionError = error));
  try {
    await redis.connect();
    await redis.ping();
  } catch (error) {
    throw connectionError ?? error;
  } finally {
    redis.disconnect();
  }
}
