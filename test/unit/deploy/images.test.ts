import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import type { z } from 'zod';
import { apiSettings, workerSettings } from '../../../config/settings';
import { settings as lobbySettings } from '../../../platform/lobby/config';
import { settings as notificationSettings } from '../../../platform/notification/settings';
import { settings as rtmanagerSettings } from '../../../platform/rtmanager/settings';

const read = (file: string) => readFileSync(path.join(__dirname, '../../..', file), 'utf8');

interface Service {
  image: string;
  build?: { target?: string; dockerfile?: string; args: { BASE: string } };
  depends_on?: Record<string, { condition: string }>;
  environment?: Record<string, string>;
  healthcheck?: { test: string[] };
  networks?: string[];
  profiles?: string[];
}

const { services, networks } = parse(read('docker-compose.yml'), { merge: true }) as {
  services: Record<string, Service>;
  networks: Record<string, { name: string; internal?: boolean }>;
};
const running = Object.entries(services).filter(([, { profiles }]) => profiles === undefined);
const own = Object.entries(services).filter(([, { build }]) => build !== undefined);

/** Stages of a Dockerfile with their instructions. */
function stages(file: string): Map<string, { from: string; lines: string[] }> {
  const found = new Map<string, { from: string; lines: string[] }>();
  for (const line of read(file).split('\n')) {
    const [, from, name] = /^FROM (\S+)(?: AS (\S+))?/.exec(line) ?? [];
    if (from !== undefined) found.set(name ?? 'last', { from, lines: [] });
    [...found.values()].at(-1)?.lines.push(line);
  }
  return found;
}

/** Instructions of a stage and of those that it is made from. */
function linesOf(file: string, stage: string): string[] {
  const all = stages(file);
  const { from, lines } = all.get(stage) ?? { from: '', lines: [] };
  return all.has(from) ? [...linesOf(file, from), ...lines] : lines;
}

it('the whole platform is in docker-compose.yml', () => {
  expect(running.map(([name]) => name).sort()).toEqual(
    [
      'postgres',
      'redis',
      'temporal',
      'temporal-ui',
      'mail',
      'worker',
      'api',
      'rtmanager',
      'lobby',
      'notification',
    ].sort(),
  );
});

it.each(running)(
  '%s can be another image, says how it is, and starts after what it needs',
  (_name, service) => {
    expect(service.image).toMatch(/^\$\{[A-Z_]+_IMAGE:-[a-z0-9./-]+:[A-Za-z0-9.]+\}$/);
    expect(service.healthcheck?.test.length).toBeGreaterThan(1);
    for (const [other, { condition }] of Object.entries(service.depends_on ?? {})) {
      expect(Object.keys(services)).toContain(other);
      expect(condition).toBe('service_healthy');
    }
  },
);

it('engines are on a network of their own, with those alone who talk to them', () => {
  const { name, internal } = networks['engines'] ?? {};
  expect(services['rtmanager']?.environment?.['RTMANAGER_DOCKER_NETWORK']).toBe(name);
  expect(internal).toBe(true);
  const joined = running.filter(([, service]) => service.networks?.includes('engines'));
  expect(joined.map(([service]) => service).sort()).toEqual(['api', 'rtmanager', 'worker']);
  for (const [, service] of joined) expect(service.networks).toContain('default');
});

it('nothing waits for itself', () => {
  const started = new Set<string>();
  for (let rounds = 0; rounds < running.length; rounds++) {
    for (const [name, { depends_on = {} }] of running) {
      if (Object.keys(depends_on).every((other) => started.has(other))) started.add(name);
    }
  }
  expect(started.size).toBe(running.length);
});

it.each(own)('the image of %s is built on any base, in stages, and runs as nobody', (_name, { build }) => {
  const file = build?.dockerfile ?? 'Dockerfile';
  const lines = linesOf(file, build?.target ?? 'last');
  expect(build?.args.BASE).toMatch(/^\$\{GALAXY_BASE_IMAGE:-/);
  expect(read(file)).toMatch(/^ARG BASE=/m);
  expect(lines.filter((line) => line.startsWith('FROM ${BASE}'))).toHaveLength(1);
  expect(lines).toContain('USER 10001:10001');
  expect(lines.some((line) => line.startsWith('COPY --from=build'))).toBe(true);
  expect(lines.some((line) => line.startsWith('HEALTHCHECK'))).toBe(true);
  expect(lines.filter((line) => line.startsWith('CMD'))).toHaveLength(1);
});

const withPrefix = (prefix: string, settings: Record<string, z.ZodType>) =>
  Object.fromEntries(Object.entries(settings).map(([name, setting]) => [prefix + name, setting]));

it.each<[string, Record<string, z.ZodType>]>([
  ['api', { ...apiSettings, ...workerSettings }],
  ['worker', { ...apiSettings, ...workerSettings }],
  ['lobby', withPrefix('LOBBY_', lobbySettings)],
  ['notification', withPrefix('NOTIFICATION_', notificationSettings)],
  ['rtmanager', withPrefix('RTMANAGER_', rtmanagerSettings)],
])('%s understands what it is told, and is told all that it needs', (name, settings) => {
  const set = Object.fromEntries(
    Object.entries(services[name]?.environment ?? {}).map(([variable, value]) => [
      variable,
      // As compose does where nothing is set.
      value.replace(/\$\{\w+:-([^}]*)\}/g, '$1'),
    ]),
  );
  for (const [variable, value] of Object.entries(set)) {
    expect([variable, settings[variable]?.safeParse(value).success]).toEqual([variable, true]);
  }
  for (const [variable, setting] of Object.entries(settings)) {
    if (!(variable in set))
      expect([variable, setting.safeParse(undefined).success]).toEqual([variable, true]);
  }
});
