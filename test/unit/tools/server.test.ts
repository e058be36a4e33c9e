import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';

import { Reaper } from '../../../tools/stack/reaper';
import { ServerProcess } from '../../../tools/stack/server';
import { waitFor } from '../../support/wait-for';

const folder = mkdtempSync(path.join(os.tmpdir(), 'server-test-'));
const reaper = new Reaper();

afterAll(async () => {
  await reaper.close();
  await rm(folder, { recursive: true });
});

/** A "server" that is a line of shell; it answers once it has not ended for a while. */
const shell = (line: string, check: () => Promise<void> = () => Promise.resolve()): ServerProcess =>
  new ServerProcess(
    {
      name: 'Example',
      command: '/bin/sh',
      args: ['-c', line],
      cwd: folder,
      logFile: path.join(folder, 'server.log'),
      stopSignal: 'SIGTERM',
      check,
    },
    reaper,
  );

const never = (): Promise<void> => Promise.reject(new Error('no answer yet'));

test('a server that ends while starting fails with its last words', async () => {
  await expect(shell('echo disk is full; exit 3', never).start()).rejects.toThrow(
    /^Example ended while it was starting:\n {4}disk is full$/,
  );
});

test('a program that is not there fails with its name', async () => {
  const server = new ServerProcess(
    {
      name: 'Example',
      command: path.join(folder, 'missing'),
      args: [],
      cwd: folder,
      logFile: path.join(folder, 'server.log'),
      stopSignal: 'SIGTERM',
      check: never,
    },
    reaper,
  );
  await expect(server.start()).rejects.toThrow(/Example ended while it was starting .*missing ENOENT/);
});

test('start after an outside kill brings it back, and the process id changes', async () => {
  const server = shell('exec sleep 600');
  await server.start();
  const first = Number(server.pid);
  process.kill(first, 'SIGKILL');
  await waitFor(() => server.pid === undefined, { describe: 'the exit to be noticed' });
  await server.start();
  expect(server.pid).toBeGreaterThan(0);
  expect(server.pid).not.toBe(first);
  await server.stop();
  expect(server.pid).toBeUndefined();
});

test('stop ends a paused server too, and stopping twice is harmless', async () => {
  const server = shell('exec sleep 600');
  await server.start();
  await server.pause();
  await server.stop();
  await server.stop();
  expect(server.pid).toBeUndefined();
});

test('a closing reaper ends what it still watches', async () => {
  const own = new Reaper();
  const server = new ServerProcess(
    {
      name: 'Example',
      command: 'sleep',
      args: ['600'],
      cwd: folder,
      logFile: path.join(folder, 'other.log'),
      stopSignal: 'SIGTERM',
      check: () => Promise.resolve(),
    },
    own,
  );
  await server.start();
  await own.close();
  await waitFor(() => server.pid === undefined, { describe: 'the server to be ended' });
});
