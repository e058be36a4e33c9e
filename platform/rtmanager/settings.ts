import path from 'node:path';
import { z } from 'zod';
import {
  duration,
  flag,
  form,
  integer,
  oneOf,
  text,
  withDefault,
  type CrossCheck,
  type Setting,
} from '../service/env';
import { baseSettings } from '../service/process';
import type { PortRange } from './ports';

/** The settings, each in the variable RTMANAGER_<name>: README.md. */
export const settings = {
  ...baseSettings('127.0.0.1:8096'),
  DRIVER: withDefault(oneOf(['docker', 'process']), 'docker'),
  IMAGES: withDefault(patterns(), '*'),
  ENGINE_ENV: withDefault(
    json(z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/), z.string()), 'a JSON object of texts'),
    '{}',
  ),
  ENGINE_MEMORY: withDefault(memory(), '512m'),
  ENGINE_CPUS: withDefault(cpus(), '1'),
  PORTS: withDefault(portRange(), '20000-29999'),
  START_TIMEOUT: withDefault(duration(), '30s'),
  STOP_TIMEOUT: withDefault(duration(), '5s'),
  PROBE_INTERVAL: withDefault(duration(), '5s'),
  PROBE_TIMEOUT: withDefault(duration(), '2s'),
  SWEEP_INTERVAL: withDefault(duration(), '10s'),
  RETENTION: withDefault(duration(), '168h'),
  REMOVE_STATE: withDefault(flag(), 'false'),
  REDIS_KEY: withDefault(text(), 'rtmanager:runtimes'),
  STREAM_START_JOBS: withDefault(text(), 'runtime:start_jobs'),
  STREAM_STOP_JOBS: withDefault(text(), 'runtime:stop_jobs'),
  STREAM_JOB_RESULTS: withDefault(text(), 'runtime:job_results'),
  STREAM_HEALTH_EVENTS: withDefault(text(), 'runtime:health_events'),
  STREAM_MAX_LENGTH: withDefault(integer(100, 10_000_000), '10000'),
  JOB_CLAIM_AFTER: withDefault(duration(), '5s'),
  DOCKER_HOST: withDefault(dockerHost(), 'unix:///var/run/docker.sock'),
  DOCKER_NETWORK: withDefault(text(), 'galaxy'),
  DOCKER_PUBLISH: withDefault(flag(), 'false'),
  DOCKER_USER: withDefault(
    form((written) => (/^\d+:\d+$/.test(written) ? written : undefined), 'uid:gid in numbers'),
    '10001:10001',
  ),
  DOCKER_PULL: withDefault(flag(), 'true'),
  DOCKER_PULL_TIMEOUT: withDefault(duration(), '5m'),
  DOCKER_TIMEOUT: withDefault(duration(), '15s'),
  DOCKER_OWNER: withDefault(text(), 'rtmanager'),
  PROCESS_DIR: withDefault(text(), path.join('data', 'engines')),
  PROCESS_COMMAND: withDefault(
    commands(),
    JSON.stringify([process.execPath, path.join(__dirname, '..', 'engine', 'main.js')]),
  ),
};

export const checks: readonly CrossCheck<typeof settings>[] = [
  {
    settings: ['DOCKER_TIMEOUT', 'STOP_TIMEOUT'],
    holds: ({ DOCKER_TIMEOUT, STOP_TIMEOUT }) => DOCKER_TIMEOUT > STOP_TIMEOUT,
    must: 'must be such that the first is longer: stopping a container is one call',
  },
];

/** What of an image reference decides something, by the first pattern that fits; `*` is any characters. */
export interface ImagePattern {
  pattern: RegExp;
}

/** The words of a command for images that fit. */
export type EngineCommand = ImagePattern & { words: string[] };

function pattern(written: string): ImagePattern {
  const parts = written.split('*').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return { pattern: new RegExp(`^${parts.join('.*')}$`) };
}

function patterns(): Setting<ImagePattern[]> {
  return form((written) => written.split(',').map((one) => pattern(one.trim())), 'comma-separated patterns');
}

function json<T>(schema: z.ZodType<T>, must: string): Setting<T> {
  return form((written) => parseJson(schema, written), must);
}

function parseJson<T>(schema: z.ZodType<T>, written: string): T | undefined {
  try {
    return schema.safeParse(JSON.parse(written)).data;
  } catch {
    return undefined;
  }
}

const words = z.array(z.string().min(1)).min(1);

function commands(): Setting<EngineCommand[]> {
  return form((written) => {
    const read = parseJson(z.union([words, z.record(z.string(), words)]), written);
    if (read === undefined) return undefined;
    const byPattern = Array.isArray(read) ? { '*': read } : read;
    return Object.entries(byPattern).map(([one, command]) => ({ ...pattern(one), words: command }));
  }, 'a JSON array of words, or an object with one for each pattern of images');
}

const UNITS = { m: 1024 ** 2, g: 1024 ** 3 };

/** In bytes. */
function memory(): Setting<number> {
  return form((written) => {
    const [, count, unit] = /^([1-9]\d{0,5})(m|g)$/.exec(written) ?? [];
    return unit === undefined ? undefined : Number(count) * UNITS[unit as keyof typeof UNITS];
  }, 'a size such as 512m or 2g');
}

function cpus(): Setting<number> {
  return form((written) => {
    const count = /^\d{1,3}(\.\d{1,2})?$/.test(written) ? Number(written) : 0;
    return count > 0 ? count : undefined;
  }, 'a number of processors such as 0.5 or 2');
}

function portRange(): Setting<PortRange> {
  return form((written) => {
    const [, first, last] = /^(\d{1,5})-(\d{1,5})$/.exec(written)?.map(Number) ?? [];
    if (first === undefined || last === undefined) return undefined;
    return first >= 1_024 && first <= last && last <= 65_535 ? { first, last } : undefined;
  }, 'first-last, such as 20000-29999, from 1024 to 65535');
}

/** As dockerode takes it. */
export type DockerAddress = { socketPath: string } | { host: string; port: number; protocol: 'http' };

function dockerHost(): Setting<DockerAddress> {
  return form((written) => {
    const [, socketPath] = /^unix:\/\/(\/.+)$/.exec(written) ?? [];
    if (socketPath !== undefined) return { socketPath };
    const [, host, port] = /^tcp:\/\/([^:/@]+):(\d{1,5})$/.exec(written) ?? [];
    return host === undefined ? undefined : { host, port: Number(port), protocol: 'http' };
  }, 'unix:///path or tcp://host:port');
}
