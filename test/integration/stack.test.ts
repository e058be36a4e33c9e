import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';

import { Client as TemporalClient, Connection } from '@temporalio/client';
import { Redis } from 'ioredis';
import { Client } from 'pg';

import { run } from '../../tools/stack/program';
import type { Server } from '../../tools/stack';
import {
  freshDatabase,
  freshKeyPrefix,
  freshTaskQueue,
  ownStack,
  stackAddresses,
  waitFor,
} from '../support/stack';

const sharedDsn = stackAddresses().postgresDsn;

/** Source of a program that starts a stack from the TypeScript sources, prints what it has, and then waits. */
const stackInAnotherProcess = `
  const { transformFileSync } = require('@swc/core');
  require.extensions['.ts'] = (module, file) => module._compile(transformFileSync(file, {
    jsc: { target: 'es2023', parser: { syntax: 'typescript' } }, module: { type: 'commonjs' },
  }).code, file);
  const { startStack } = require('./tools/stack/index.ts');
  startStack({ components: ['postgres', 'redis'], durable: false, useExisting: false }).then((stack) => {
    const pids = [stack.postgres.server.pid, stack.redis.server.pid];
    console.log(JSON.stringify({ pids, dataDir: stack.dataDir }));
    setInterval(() => undefined, 1000);
  });
`;

const query = async (dsn: string, sql: string): Promise<Record<string, unknown>[]> => {
  const client = new Client({ connectionString: dsn, connectionTimeoutMillis: 20_000 });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
};

const withRedis = async <T>(url: string, use: (redis: Redis) => Promise<T>): Promise<T> => {
  const redis = new Redis(url, { commandTimeout: 20_000, maxRetriesPerRequest: 0 });
  redis.on('error', () => undefined);
  try {
    return await use(redis);
  } finally {
    redis.disconnect();
  }
};

const withTemporal = async <T>(address: string, use: (client: TemporalClient) => Promise<T>): Promise<T> => {
  const connection = await Connection.connect({ address, connectTimeout: 20_000 });
  try {
    return await connection.withDeadline(Date.now() + 20_000, () => use(new TemporalClient({ connection })));
  } finally {
    await connection.close();
  }
};

/** Ids of the processes in the tree of `pid`. */
const processTree = async (pid: number): Promise<number[]> => {
  const pairs = (await run('ps', ['-A', '-o', 'pid=,ppid=']))
    .trim()
    .split('\n')
    .map((row) => row.trim().split(/\s+/).map(Number));
  const tree = [pid];
  for (const parent of tree) {
    for (const [child, itsParent] of pairs) if (itsParent === parent && child !== undefined) tree.push(child);
  }
  return tree;
};

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

const pidOf = (server: Server | undefined): number => {
  if (server?.pid === undefined) throw new Error(`${server?.name ?? 'The server'} has no process`);
  return server.pid;
};

const own = (server: Server | undefined): Server => {
  if (server === undefined) throw new Error('Expected a server of the own stack');
  return server;
};

describe('the shared stack', () => {
  test('Postgres gives each test a database of its own', async () => {
    const one = await freshDatabase();
    const other = await freshDatabase();
    await query(one.dsn, 'CREATE TABLE only_here (id int)');
    expect(await query(one.dsn, `SELECT to_regclass('only_here') IS NOT NULL AS here`)).toEqual([
      { here: true },
    ]);
    expect(await query(other.dsn, `SELECT to_regclass('only_here') IS NOT NULL AS here`)).toEqual([
      { here: false },
    ]);
    await one.drop();
    await other.drop();
    await expect(query(one.dsn, 'SELECT 1')).rejects.toThrow('does not exist');
  });

  test('Redis answers', async () => {
    const key = `${freshKeyPrefix()}answer`;
    expect(
      await withRedis(stackAddresses().redisUrl, (redis) =>
        redis.multi().set(key, '42').get(key).del(key).exec(),
      ),
    ).toEqual([
      [null, 'OK'],
      [null, '42'],
      [null, 1],
    ]);
  });

  test('Temporal starts workflows, and has none of our search attributes', async () => {
    const workflowId = freshTaskQueue();
    await withTemporal(stackAddresses().temporalAddress, async (client) => {
      const handle = await client.workflow.start('nobodyRunsThis', { workflowId, taskQueue: workflowId });
      expect((await handle.describe()).status.name).toBe('RUNNING');
      await handle.terminate();
    });
  });
});

describe('a stack of its own', () => {
  test('Redis keeps its data over a stop and over a kill', async () => {
    const stack = await ownStack(['redis']);
    const server = own(stack.redis.server);
    const first = pidOf(server);
    await withRedis(stack.redis.url, (redis) => redis.xadd('stream', '1-1', 'field', 'value'));
    await server.stop();
    expect(isAlive(first)).toBe(false);
    await expect(withRedis(stack.redis.url, (redis) => redis.ping())).rejects.toThrow();
    await server.start();
    await withRedis(stack.redis.url, (redis) => redis.xadd('stream', '1-2', 'field', 'other'));
    await server.kill();
    await server.start();
    expect(pidOf(server)).not.toBe(first);
    expect(await withRedis(stack.redis.url, (redis) => redis.xrange('stream', '-', '+'))).toEqual([
      ['1-1', ['field', 'value']],
      ['1-2', ['field', 'other']],
    ]);
    await stack.stop();
  });

  test('Postgres keeps its data over a stop with clients connected and over a kill', async () => {
    const stack = await ownStack(['postgres']);
    const server = own(stack.postgres.server);
    await query(stack.postgres.dsn, 'CREATE TABLE kept (id int)');
    const idle = new Client({ connectionString: stack.postgres.dsn });
    const cutOff = new Promise((resolve) => idle.on('error', resolve));
    await idle.connect();
    await server.stop();
    await cutOff;
    await server.start();
    await query(stack.postgres.dsn, 'INSERT INTO kept VALUES (7)');
    await server.kill();
    await server.start();
    expect(await query(stack.postgres.dsn, 'SELECT id FROM kept')).toEqual([{ id: 7 }]);
    await stack.stop();
  });

  test('Temporal keeps its workflows over a stop and over a kill', async () => {
    const stack = await ownStack(['temporal']);
    const server = own(stack.temporal.server);
    const { address } = stack.temporal;
    const workflowId = freshTaskQueue();
    await withTemporal(address, (client) =>
      client.workflow.start('kept', { workflowId, taskQueue: workflowId }),
    );
    await server.stop();
    await server.start();
    await withTemporal(address, (client) => client.workflow.getHandle(workflowId).signal('told'));
    await server.kill();
    await server.start();
    const history = await withTemporal(address, (client) =>
      client.workflow.getHandle(workflowId).fetchHistory(),
    );
    expect(
      history.events?.map((event) => event.workflowExecutionSignaledEventAttributes?.signalName),
    ).toContain('told');
    expect((await fetch(String(stack.temporal.uiUrl))).status).toBe(200);
    await stack.stop();
  });

  test('a paused Postgres accepts and does not answer, a resumed one does', async () => {
    const stack = await ownStack(['postgres']);
    const server = own(stack.postgres.server);
    const client = new Client({ connectionString: stack.postgres.dsn, query_timeout: 300 });
    client.on('error', () => undefined);
    await client.connect();
    await server.pause();
    await expect(client.query('SELECT 1')).rejects.toThrow('timeout');
    const port = Number(new URL(stack.postgres.dsn).port);
    await new Promise((resolve, reject) => {
      const socket = net.connect(port, '127.0.0.1', () => {
        socket.end();
        resolve(undefined);
      });
      socket.once('error', reject);
    });
    await server.resume();
    expect(await query(stack.postgres.dsn, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    await server.pause();
    await stack.stop();
    await client.end().catch(() => undefined);
  });

  test('two stacks side by side have different ports, and stop() leaves no process and no folder', async () => {
    const lines: string[] = [];
    const stacks = await Promise.all([
      ownStack(['postgres', 'redis', 'temporal'], { log: (line) => lines.push(line) }),
      ownStack(['postgres', 'redis', 'temporal'], { log: (line) => lines.push(line) }),
    ]);
    const addresses = stacks.flatMap((s) => [
      s.postgres.dsn,
      s.redis.url,
      s.temporal.address,
      String(s.temporal.uiUrl),
    ]);
    expect(new Set(addresses).size).toBe(8);
    for (const address of addresses) expect(lines.join('\n')).toContain(address);
    const pids = await Promise.all(
      stacks
        .flatMap((s) => [s.postgres.server, s.redis.server, s.temporal.server])
        .map((s) => processTree(pidOf(s))),
    );
    expect(pids.flat().length).toBeGreaterThan(6);
    await Promise.all(stacks.map((s) => s.stop()));
    expect(pids.flat().filter(isAlive)).toEqual([]);
    expect(stacks.map((s) => s.dataDir).filter(existsSync)).toEqual([]);
  });

  test('a folder of the caller keeps the data for the next stack', async () => {
    const dataDir = mkdtempSync(path.join(os.tmpdir(), 'stack-test-'));
    const before = await ownStack(['postgres', 'redis'], { dataDir });
    await withRedis(before.redis.url, (redis) => redis.set('kept', 'yes'));
    await before.stop();
    const after = await ownStack(['postgres', 'redis'], { dataDir });
    expect(await withRedis(after.redis.url, (redis) => redis.get('kept'))).toBe('yes');
    await after.stop();
    await rm(dataDir, { recursive: true });
  });
});

describe('when things go wrong', () => {
  test.each(['SIGKILL', 'SIGTERM', 'SIGINT'] as const)(
    'servers and folders are gone soon after their process dies of %s',
    async (signal) => {
      const parent = spawn(process.execPath, ['-e', stackInAnotherProcess], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const [line] = (await once(parent.stdout, 'data')) as [Buffer];
      const { pids, dataDir } = JSON.parse(line.toString()) as { pids: number[]; dataDir: string };
      const processes = (await Promise.all(pids.map(processTree))).flat();
      // Not all of them: what Postgres has for a connection ends with that.
      expect(pids.filter(isAlive)).toEqual(pids);
      expect(existsSync(dataDir)).toBe(true);
      parent.kill(signal);
      await waitFor(() => processes.every((pid) => !isAlive(pid)) && !existsSync(dataDir), {
        describe: () => `processes ${processes.filter(isAlive).join()} and ${dataDir} to be gone`,
      });
    },
  );

  test('a stack that cannot start says why, and stops what it had started', async () => {
    const lines: string[] = [];
    process.env['STACK_POSTGRES_DSN'] = 'postgres://someone:secret@127.0.0.1:1/nowhere';
    const failed = ownStack(['postgres', 'redis'], { useExisting: true, log: (line) => lines.push(line) });
    await expect(failed).rejects.toThrow(
      /STACK_POSTGRES_DSN .*postgres:\/\/someone@127.0.0.1:1\/nowhere.*Start it, or/,
    );
    process.env['STACK_POSTGRES_DSN'] = sharedDsn;
    expect(lines.join()).not.toContain('secret');
  });
});
