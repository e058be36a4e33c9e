import { transformFile } from '@swc/core';
import Ajv2020 from 'ajv/dist/2020';
import addFormats from 'ajv-formats';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import { parse } from 'yaml';
import { createApp } from '../app';
import { Engine } from '../engine';
import type { Game, State } from '../game';
import { GameStorage, type TurnLogEntry } from '../storage';

export const RACES = ['Zerg', 'Protoss'];

const cleanUps: (() => Promise<unknown>)[] = [];

/** For `afterEach`: ends every engine of the test and removes what it left on disk. */
export async function endEngines(): Promise<void> {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
}

export async function newDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'engine-'));
  cleanUps.push(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

export interface RunningEngine {
  url: string;
  directory: string;
  /** Messages of the log so far, with their fields. */
  logged: Record<string, unknown>[];
  storageFailures: unknown[];
}

/** An engine in this process, listening on a free port. */
export async function startEngine(
  settings: { finishTurn?: number; turnDuration?: number; directory?: string } = {},
): Promise<RunningEngine> {
  const directory = settings.directory ?? (await newDirectory());
  const logged: Record<string, unknown>[] = [];
  const storageFailures: unknown[] = [];
  const engine = new Engine(await GameStorage.open(directory, { sync: false }), {
    finishTurn: settings.finishTurn ?? 0,
    turnDuration: settings.turnDuration ?? 0,
    onStorageFailure: (error) => storageFailures.push(error),
  });
  const server = createApp(engine, (level, msg, fields) => logged.push({ level, msg, ...fields }));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  cleanUps.push(async () => {
    server.close();
    server.closeAllConnections();
    await engine.end();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    directory,
    logged,
    storageFailures,
  };
}

export interface EngineProcess {
  child: ChildProcess;
  /** Resolves with the address once it listens. */
  listening: Promise<string>;
  /** Resolves when this message has been logged `times` times; rejects when the process ends before. */
  logs: (msg: string, times: number) => Promise<void>;
  /** Resolves when the process has ended and its output is read. */
  ended: Promise<{ code: number | null; signal: NodeJS.Signals | null; log: Record<string, unknown>[] }>;
}

let compiled: Promise<string> | undefined;

/**
 * The engine as a process of its own. Its sources are compiled to a directory that has no packages, so that a
 * dependency would show at once.
 */
export async function spawnEngine(env: Record<string, string>): Promise<EngineProcess> {
  compiled ??= compile();
  const child = spawn(process.execPath, [join(await compiled, 'main.js')], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const closed = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
  cleanUps.push(async () => {
    child.kill('SIGKILL');
    await closed;
  });
  const log: Record<string, unknown>[] = [];
  const lines = createInterface(child.stdout);
  lines.on('line', (line) => log.push(JSON.parse(line) as Record<string, unknown>));
  const entries = (msg: string) => log.filter((entry) => entry['msg'] === msg);
  const logs = async (msg: string, times: number) => {
    const ending = new AbortController();
    void closed.then(() => ending.abort(new Error(`ended before "${msg}": ${JSON.stringify(log)}`)));
    while (entries(msg).length < times) await once(lines, 'line', { signal: ending.signal });
  };
  const listening = logs('listening', 1).then(() => entries('listening')[0]?.['address'] as string);
  // Not every test waits for it.
  listening.catch(() => undefined);
  return { child, listening, logs, ended: closed.then(([code, signal]) => ({ code, signal, log })) };
}

/** For `afterAll` where `spawnEngine` is used. */
export async function removeCompiledEngine(): Promise<void> {
  if (compiled !== undefined) await rm(await compiled, { recursive: true });
}

async function compile(): Promise<string> {
  const source = join(__dirname, '..');
  const target = await mkdtemp(join(tmpdir(), 'engine-compiled-'));
  for (const file of await readdir(source)) {
    if (!file.endsWith('.ts')) continue;
    const { code } = await transformFile(join(source, file), {
      module: { type: 'commonjs' },
      jsc: { target: 'es2023', parser: { syntax: 'typescript' } },
    });
    await writeFile(join(target, `${basename(file, '.ts')}.js`), code);
  }
  return target;
}

export interface Reply {
  status: number;
  headers: Headers;
  body: unknown;
}

interface CallOptions {
  /** Sent as JSON. */
  body?: unknown;
  /** Sent as it is. */
  raw?: string | Uint8Array;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

/** One request; the reply is checked against openapi.yaml, if it knows the operation. */
export async function call(
  url: string,
  method: string,
  path: string,
  { body, raw, headers, signal }: CallOptions = {},
): Promise<Reply> {
  const response = await fetch(url + path, {
    method,
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    body: raw ?? (body === undefined ? null : JSON.stringify(body)),
    signal: signal ?? null,
  });
  const text = await response.text();
  const reply = {
    status: response.status,
    headers: response.headers,
    body: text === '' ? undefined : (JSON.parse(text) as unknown),
  };
  await expectToConform(method, path, reply);
  return reply;
}

export async function init(url: string, races = RACES): Promise<State> {
  const reply = await call(url, 'POST', '/api/v1/admin/init', {
    body: { races: races.map((race_name) => ({ race_name })) },
  });
  expect(reply.status).toBe(200);
  return reply.body as State;
}

/** Asks for a turn, from the given one if any. */
export function turn(url: string, ifMatch?: number, signal?: AbortSignal): Promise<Reply> {
  return call(url, 'POST', '/api/v1/admin/turn', {
    ...(ifMatch === undefined ? {} : { headers: { 'if-match': `"${ifMatch}"` } }),
    ...(signal === undefined ? {} : { signal }),
  });
}

export async function status(url: string): Promise<State> {
  const reply = await call(url, 'GET', '/api/v1/admin/status');
  expect(reply.status).toBe(200);
  return reply.body as State;
}

export function codeOf(reply: Reply): unknown {
  return (reply.body as { error?: { code?: unknown } } | undefined)?.error?.code;
}

/** The turns in `turns.log`, in the order they are there. */
export async function loggedTurns(directory: string): Promise<number[]> {
  const text = await readFile(join(directory, 'turns.log'), 'utf8');
  return text
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as TurnLogEntry).turn);
}

export async function savedGame(directory: string): Promise<Game> {
  return (JSON.parse(await readFile(join(directory, 'state.json'), 'utf8')) as { game: Game }).game;
}

interface ResponseObject {
  $ref?: string;
  content?: Record<string, unknown>;
  'x-error-codes'?: string[];
}

interface Contract {
  paths: Record<string, Record<string, { responses: Record<string, ResponseObject> }>>;
  components: { responses: Record<string, ResponseObject> };
}

let contract: Promise<{ document: Contract; ajv: Ajv2020 }> | undefined;

async function loadContract(): Promise<{ document: Contract; ajv: Ajv2020 }> {
  const document = parse(await readFile(join(__dirname, '../openapi.yaml'), 'utf8')) as Contract;
  const ajv = new Ajv2020({ strict: false, validateSchema: false });
  addFormats(ajv);
  ajv.addSchema(document, 'contract');
  return { document, ajv };
}

async function expectToConform(method: string, path: string, reply: Reply): Promise<void> {
  contract ??= loadContract();
  const { document, ajv } = await contract;
  const template = path.split('?')[0] ?? '';
  const operation = document.paths[template]?.[method.toLowerCase()];
  if (operation === undefined) {
    expect([404, 405]).toContain(reply.status);
    return;
  }
  const response = operation.responses[reply.status];
  if (response === undefined) throw new Error(`${method} ${template} has no ${reply.status} in the contract`);
  const name = response.$ref?.split('/').at(-1);
  const resolved = name === undefined ? response : document.components.responses[name];
  const pointer =
    name === undefined
      ? `/paths/${template.replaceAll('/', '~1')}/${method.toLowerCase()}/responses/${reply.status}`
      : `/components/responses/${name}`;
  if (resolved?.content === undefined) {
    expect(reply.body).toBeUndefined();
    return;
  }
  expect(reply.headers.get('content-type')).toBe('application/json');
  ajv.validate({ $ref: `contract#${pointer}/content/application~1json/schema` }, reply.body);
  expect(ajv.errors).toBeNull();
  if (resolved['x-error-codes'] !== undefined) expect(resolved['x-error-codes']).toContain(codeOf(reply));
}
