import { mkdtempSync } from 'node:fs';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';

import { cacheDir, fillCache } from '../../../tools/stack/cache';
import { withoutPassword } from '../../../tools/stack/context';
import { findProgram, run } from '../../../tools/stack/program';

const folder = mkdtempSync(path.join(os.tmpdir(), 'program-test-'));

beforeAll(() => {
  process.env['XDG_CACHE_HOME'] = folder;
});
afterAll(() => rm(folder, { recursive: true }));

test('a program is found on PATH or in a given folder, a file that is not executable is not', async () => {
  expect(await findProgram('sh')).toMatch(/\/sh$/);
  const mine = path.join(folder, 'mine');
  await writeFile(mine, '#!/bin/sh\n', { mode: 0o644 });
  expect(await findProgram('mine', [folder])).toBeUndefined();
  await rm(mine);
  await writeFile(mine, '#!/bin/sh\n', { mode: 0o755 });
  expect(await findProgram('mine', [folder])).toBe(mine);
});

test('run gives the output, line by line too', async () => {
  const lines: string[] = [];
  const output = await run('/bin/sh', ['-c', 'echo one; echo two >&2; printf rest'], {
    onLine: (line) => lines.push(line),
  });
  for (const part of ['one\n', 'two\n', 'rest']) expect(output).toContain(part);
  expect(lines.sort()).toEqual(['one', 'two']);
});

test.each([
  [
    'exit code',
    'echo broken pipe of some kind; exit 4',
    /^sh failed with exit code 4:\n {4}broken pipe of some kind$/,
  ],
  ['signal', 'kill -9 $$', /^sh was ended by SIGKILL$/],
])('run fails with %s and last words', async (_how, line, message) => {
  await expect(run('/bin/sh', ['-c', line])).rejects.toThrow(message);
});

test('run fails when the program is missing or takes too long', async () => {
  await expect(run(path.join(folder, 'none'), [])).rejects.toThrow(/^none could not be run: .*ENOENT/);
  await expect(run('sleep', ['60'], { timeoutMs: 100 })).rejects.toThrow('sleep was ended by SIGKILL');
});

test('the cache keeps a filled folder and nothing of a failed attempt', async () => {
  expect(cacheDir()).toBe(path.join(folder, 'galaxy-gamemaster'));
  const fill = async (into: string): Promise<void> => writeFile(path.join(into, 'program'), 'new');
  const filled = await fillCache('thing', fill);
  expect(await readFile(path.join(filled, 'program'), 'utf8')).toBe('new');
  await expect(fillCache('other', () => Promise.reject(new Error('no network')))).rejects.toThrow(
    'no network',
  );
  expect(await readdir(cacheDir())).toEqual(['thing']);
});

test('passwords are left out of what is shown', () => {
  expect(withoutPassword('postgres://me:secret@host:5432/db')).toBe('postgres://me@host:5432/db');
  expect(withoutPassword('redis://:secret@host')).toBe('redis://@host');
  expect(withoutPassword('127.0.0.1:7233')).toBe('127.0.0.1:7233');
});
