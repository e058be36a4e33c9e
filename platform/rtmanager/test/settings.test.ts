import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { z } from 'zod';
import { readSettings } from '../../service/env';
import { createMetrics } from '../../service/metrics';
import { addMetrics } from '../metrics';
import { checks, settings } from '../settings';

const read = (env: Record<string, string>) =>
  readSettings({ RTMANAGER_REDIS_URL: 'redis://localhost', ...env }, 'RTMANAGER_', settings, checks);

test('every wrong setting is named at once', () => {
  const wrong = {
    DRIVER: 'vm',
    ENGINE_ENV: '{"A":1}',
    ENGINE_MEMORY: '512',
    ENGINE_CPUS: '0',
    PORTS: '30000-20000',
    DOCKER_HOST: 'http://localhost',
    DOCKER_USER: 'root',
    PROCESS_COMMAND: 'node main.js',
    RETENTION: 'a week',
  };
  const env = Object.fromEntries(Object.entries(wrong).map(([name, text]) => [`RTMANAGER_${name}`, text]));
  expect(() => read(env)).toThrow(
    new RegExp(
      Object.keys(settings)
        .filter((name) => name in wrong)
        .map((name) => `RTMANAGER_${name} must be .*`)
        .join('\n'),
    ),
  );
  expect(() => read({ RTMANAGER_DOCKER_TIMEOUT: '5s', RTMANAGER_STOP_TIMEOUT: '5s' })).toThrow(/longer/);
});

test('images are matched whole, by * alone', () => {
  const { IMAGES, PROCESS_COMMAND } = read({
    RTMANAGER_IMAGES: 'galaxy/*, registry.example/engine:1.0.*',
    RTMANAGER_PROCESS_COMMAND: '{"galaxy/quick:*":["quick"],"*":["node","main.js"]}',
  });
  const allowed = (image: string) => IMAGES.some(({ pattern }) => pattern.test(image));
  expect(['galaxy/engine:1', 'registry.example/engine:1.0.7'].filter(allowed)).toHaveLength(2);
  expect(['other/galaxy/engine:1', 'registryXexample/engine:1.0.7', 'galaxy'].filter(allowed)).toEqual([]);
  const commandOf = (image: string) => PROCESS_COMMAND.find(({ pattern }) => pattern.test(image))?.words;
  expect(commandOf('galaxy/quick:1')).toEqual(['quick']);
  expect(commandOf('galaxy/engine:1')).toEqual(['node', 'main.js']);
});

test('addresses, sizes and shares are read', () => {
  expect(read({ RTMANAGER_DOCKER_HOST: 'unix:///run/docker.sock' }).DOCKER_HOST).toEqual({
    socketPath: '/run/docker.sock',
  });
  expect(read({ RTMANAGER_DOCKER_HOST: 'tcp://docker:2375' }).DOCKER_HOST).toMatchObject({ port: 2375 });
  expect(read({ RTMANAGER_ENGINE_MEMORY: '2g', RTMANAGER_ENGINE_CPUS: '0.5' })).toMatchObject({
    ENGINE_MEMORY: 2 * 1024 ** 3,
    ENGINE_CPUS: 0.5,
  });
});

const readme = readFileSync(path.join(__dirname, '..', 'README.md'), 'utf8');
const rows = (pattern: RegExp) =>
  [...readme.matchAll(pattern)].map(([, name = '', cell = '']): [string, string] => [name, cell]);

test('the README has every setting with its default, and no other', () => {
  const found = Object.fromEntries(rows(/^\| `RTMANAGER_(\w+)` +\| ([^|]*?) +\|/gm));
  expect(Object.keys(found).sort()).toEqual(Object.keys(settings).sort());
  for (const [name, setting] of Object.entries<z.ZodType>(settings)) {
    const [, written] = /^`(.*)`$/.exec(found[name] ?? '') ?? [];
    const unset = setting.safeParse(undefined);
    if (written === undefined)
      expect([name, found[name]]).toEqual([name, unset.success ? 'the engine here' : 'required']);
    else expect([name, JSON.stringify(unset.data)]).toEqual([name, JSON.stringify(setting.parse(written))]);
  }
});

test('the README has every metric of its own, and no other', () => {
  const base = createMetrics('rtmanager');
  const shared = new Set(base.registry.getMetricsAsArray().map(({ name }) => name));
  const own = addMetrics(base)
    .registry.getMetricsAsArray()
    .filter(({ name }) => !shared.has(name));
  const found = rows(/^\| `(rtmanager_\w+)` +\| ([^|]*?) +\|/gm).map(([name]) => name);
  expect(found.sort()).toEqual(own.map(({ name }) => name).sort());
});
