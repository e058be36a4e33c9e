import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import Docker from 'dockerode';
import { Redis } from 'ioredis';
import { Client } from 'pg';
import { run } from '../../tools/stack/program';
import { freePort, stackAddresses, waitFor } from '../support/stack';

const MAIN = path.join(__dirname, '..', '..', 'dist', 'tools', 'demo', 'main.js');
const FIRST_TURN = /First turn [\d.]+ s after the start/;
const STARTS_WITHIN_MS = 90_000;

jest.setTimeout(2 * STARTS_WITHIN_MS);

/** The compiled demo as a process whose output is read. */
class Demo {
  private readonly child: ChildProcess;
  private readonly ended: Promise<unknown>;
  output = '';

  constructor(env: Record<string, string> = {}, words: string[] = []) {
    const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('STACK_'));
    this.child = spawn(process.execPath, [MAIN, ...words], {
      env: { ...Object.fromEntries(inherited), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.ended = once(this.child, 'close');
    for (const stream of [this.child.stdout, this.child.stderr]) {
      if (stream) createInterface(stream).on('line', (line) => (this.output += `${line}\n`));
    }
  }

  /** Waits until the output has this, and returns the match. */
  async until(pattern: RegExp): Promise<RegExpMatchArray> {
    const found = await waitFor(() => this.output.match(pattern) ?? (this.hasEnded && 'it has ended'), {
      timeout: STARTS_WITHIN_MS,
      describe: () => `${String(pattern)} in:\n${this.output}`,
    });
    if (typeof found === 'string') throw new Error(`No ${String(pattern)} in:\n${this.output}`);
    return found;
  }

  private get hasEnded(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** Its exit code, once it has ended. */
  async exitCode(): Promise<number | null> {
    await this.ended;
    return this.child.exitCode;
  }

  /** All processes that descend from it at this moment. */
  async descendants(): Promise<number[]> {
    const rows = (await run('ps', ['-A', '-o', 'pid=,ppid='])).trim().split('\n');
    const pairs = rows.map((row) => row.trim().split(/\s+/).map(Number) as [number, number]);
    const tree = new Set([this.child.pid]);
    for (let size = 0; size < tree.size;) {
      size = tree.size;
      for (const [pid, parent] of pairs) if (tree.has(parent)) tree.add(pid);
    }
    tree.delete(this.child.pid);
    return [...tree].filter((pid) => pid !== undefined);
  }

  async kill(): Promise<void> {
    if (!this.hasEnded) this.child.kill('SIGKILL');
    await this.ended;
  }
}

let demo: Demo | undefined;

afterEach(async () => {
  await demo?.kill();
  demo = undefined;
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function untilGone(pids: number[]): Promise<void> {
  await waitFor(() => pids.every((pid) => !isAlive(pid)), {
    describe: () => `processes ${pids.filter(isAlive).join(', ')} to end`,
  });
}

function sharedServers(): Record<string, string> {
  const { temporalAddress, postgresDsn, redisUrl } = stackAddresses();
  return {
    STACK_TEMPORAL_ADDRESS: temporalAddress,
    STACK_POSTGRES_DSN: postgresDsn,
    STACK_REDIS_URL: redisUrl,
  };
}

async function demoDatabases(): Promise<string[]> {
  const client = new Client({ connectionString: stackAddresses().postgresDsn });
  await client.connect();
  try {
    const sql = `SELECT datname FROM pg_database WHERE datname LIKE 'gamemaster-demo-%'`;
    return (await client.query<{ datname: string }>(sql)).rows.map(({ datname }) => datname);
  } finally {
    await client.end();
  }
}

/** Asks Game Master for it until it is done: while a turn is being made it refuses, and a busy machine may delay it. */
function posted(url: string, body?: object): Promise<Response> {
  let key = randomUUID();
  return waitFor(
    async () => {
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'idempotency-key': key, ...(body && { 'content-type': 'application/json' }) },
        ...(body && { body: JSON.stringify(body) }),
      });
      // A 503 does not say what happened: the same key does.
      if (!response.ok && response.status !== 503) key = randomUUID();
      return response.ok && response;
    },
    { interval: 200, describe: `${url} to succeed` },
  );
}

/** Forces turns, so that nobody has to wait for the schedule. */
async function playToTheEnd(played: Demo, forceUrl: string, finished: RegExp): Promise<void> {
  await waitFor(
    async () => {
      // Refused while a turn is being made.
      await (await fetch(forceUrl, { method: 'POST' })).arrayBuffer();
      return finished.test(played.output);
    },
    { timeout: 60_000, describe: () => `${String(finished)} in:\n${played.output}` },
  );
}

const page = readFileSync(path.join(__dirname, '..', '..', 'docs', 'examples.md'), 'utf8');
const [, byHand = ''] = /^## By hand\n([^]*?)^## /m.exec(page) ?? [];
/** What the chapter has in blocks of a language. */
const blocks = (language: string): string =>
  [...byHand.matchAll(new RegExp(`^\`\`\`${language}\n([^]*?)^\`\`\``, 'gm'))]
    .map(([, block = '']) => block)
    .join('');

/** A machine with nothing but Node may have none. */
const hasTools = ['curl', 'redis-cli', 'pgrep'].every((tool) => spawnSync(tool, ['--version']).status === 0);

/** What the commands of the chapter print when they are pasted into a shell. */
async function playByHand(played: Demo): Promise<string> {
  const commands = blocks('sh')
    .replace(/^LOBBY=.*/m, `LOBBY=${addressOf(played, 'Lobby')}`)
    .replace(/^RTM=.*/m, `RTM=${addressOf(played, 'Runtimes')}`)
    .replace(/^GM=.*/m, `GM=${apiOf(played)}`)
    .replace(/^REDIS=.*/m, `REDIS=${addressOf(played, 'Events')}`)
    // Long enough for what is done between two turns.
    .replace('*/20 * * * * *', '*/15 * * * * *');
  const shell = spawn('sh', { stdio: ['pipe', 'pipe', 'inherit'], timeout: 150_000 });
  shell.stdin.end(commands);
  return text(shell.stdout);
}

/** The address that the demo shows beside a name. */
function addressOf({ output }: Demo, name: string): string {
  return new RegExp(`^ +${name} .*?((?:http|redis)://\\S+)`, 'm').exec(output)?.[1] ?? '';
}

/** Game Master's, without the operation. */
function apiOf(played: Demo): string {
  return addressOf(played, 'Game Master').replace('/runtimes', '');
}

/** The lines, without what is another one each time, and without repetitions. */
function likeness(output: string): string[] {
  const lines = output
    .replace(/lyra-[0-9a-f]{8}/g, 'lyra')
    .replace(/\d+/g, '0')
    .trim()
    .split('\n');
  return lines.filter((line, at) => line !== lines[at - 1]);
}

describe('through the platform', () => {
  let played: Demo;
  let printed: Promise<string>;

  beforeAll(async () => {
    played = new Demo();
    await played.until(FIRST_TURN);
    printed = hasTools ? playByHand(played) : Promise.resolve('');
  });
  afterAll(() => played.kill());

  it('plays from enrolment to a turn, a mail and the end of a game', async () => {
    expect(played.output).toMatch(
      /Temporal UI +http:\/\/127\.0\.0\.1:\d+\/namespaces\/default\/workflows\?query=/,
    );
    expect(played.output).toMatch(/vega-\w+: cleo and dan applied and were approved, eve redeemed an invite/);
    await played.until(/Z {2}orion-\w+ +registered, turn 0: ann /);
    await played.until(/Z {2}vega-\w+ +registered, turn 0: cleo /);
    expect(await (await fetch(addressOf(played, 'Lobby'))).json()).toMatchObject({
      games: expect.arrayContaining([
        expect.objectContaining({ name: 'Orion', status: 'running' }),
        expect.objectContaining({ name: 'Vega', status: 'running' }),
      ]) as object[],
    });
    // What nobody can read is told of, and the play goes on.
    const redis = new Redis(addressOf(played, 'Events'));
    await redis.xadd('runtime:health_events', '*', 'foo', 'bar');
    await redis.xadd('notification:intents', '*', 'notification_type', 'game.foo');
    await redis.quit();
    await played.until(/Z {2}! +entry \d+-\d+ of runtime:health_events cannot be read/);
    await played.until(/Z {2}! +entry \d+-\d+ of notification:intents cannot be read/);
    await played.until(/ann renames planet \d+: the engine answers 2\d\d/);
    const [, quick = ''] = await played.until(/(orion-\w+) +registered/);
    await playToTheEnd(
      played,
      `${apiOf(played)}/runtimes/${quick}/force-next-turn`,
      new RegExp(`${quick} +finished at turn 8`),
    );
    await played.until(/mail +to admin@galaxy\.example: .+/);
    const [, forced = ''] = await played.until(/(vega-\w+) +its engine goes on; an operator forces the turn/);
    await played.until(new RegExp(`operator forces the turn[^]*${forced} +turn \\d+: cleo`));
  });

  (hasTools ? it : it.skip)('is played by hand as docs/examples.md says', async () => {
    const output = await printed;
    expect(likeness(output)).toEqual(likeness(blocks('text')));
    const [, turn = '', next = ''] = /^(\d+) true (\S+)$/m.exec(output) ?? [];
    expect(output).toContain(`\n${turn} false ${next}\n`);
  });

  it('leaves nothing behind after Ctrl-C', async () => {
    const engines = [
      ...played.output.matchAll(/Runtime Manager has started its engine, process \d+: (\S+)/g),
    ];
    expect(engines.length).toBeGreaterThanOrEqual(2);
    const [, dataDir = ''] = await played.until(/Logs, data +(\S+)/);
    const pids = await played.descendants();
    // Temporal, Redis, Postgres, api, worker, three neighbours, two reapers and an engine, at the least.
    expect(pids.length).toBeGreaterThanOrEqual(11);
    played.signal('SIGINT');
    expect(await played.exitCode()).toBe(0);
    await untilGone(pids);
    for (const [, engine = ''] of engines) await expect(fetch(`${engine}/healthz`)).rejects.toThrow();
    expect(existsSync(dataDir)).toBe(false);
  });
});

(process.env['STACK_CONTAINER_HOST'] === undefined ? it.skip : it)(
  'plays with containers: those of a demo that was killed go first, and Ctrl-C removes its own',
  async () => {
    const { STACK_CONTAINER_HOST = '', STACK_IMAGE_ENGINE = '' } = process.env;
    const docker = new Docker({ socketPath: new URL(STACK_CONTAINER_HOST).pathname });
    // No process has this id.
    const Labels = { 'galaxy.runtime-manager': `demo-${os.hostname()}-99999999` };
    const left = await docker.createContainer({ Image: STACK_IMAGE_ENGINE, Labels });

    demo = new Demo({ ...sharedServers(), STACK_CONTAINER_HOST, STACK_IMAGE_ENGINE }, ['--containers']);
    const [, quick = ''] = await demo.until(/started its engine, container (galaxy-game-orion-\w+): http/);
    const [, endless = ''] = await demo.until(/started its engine, container (galaxy-game-vega-\w+): http/);
    await expect(left.inspect()).rejects.toMatchObject({ statusCode: 404 });
    for (const name of [quick, endless]) {
      expect(await docker.getContainer(name).inspect()).toMatchObject({ State: { Running: true } });
    }
    demo.signal('SIGINT');
    expect(await demo.exitCode()).toBe(0);
    for (const name of [quick, endless]) {
      await expect(docker.getContainer(name).inspect()).rejects.toMatchObject({ statusCode: 404 });
      const { Volumes } = await docker.listVolumes({ filters: { name: [name] } });
      expect(Volumes).toEqual([]);
    }
  },
);

it('plays directly, with links that work: a forced turn, and a stop that ends the engine; and leaves shared servers as it found them', async () => {
  demo = new Demo(sharedServers(), ['--direct']);
  const [, game = ''] = await demo.until(/(vega-demo-[0-9a-f]+) +registered/);
  const api = apiOf(demo);
  const database = game.replace('vega-', 'gamemaster-');
  expect(await demoDatabases()).toContain(database);

  const forced = await posted(`${api}/runtimes/${game}/force-next-turn`);
  const { current_turn: turn, engine_endpoint: endpoint } = (await forced.json()) as {
    current_turn: number;
    engine_endpoint: string;
  };
  await demo.until(new RegExp(`${game} +turn ${turn}: cleo`));

  expect((await fetch(`${endpoint}/healthz`)).status).toBe(200);
  await posted(`${api}/runtimes/${game}/stop`, { reason: 'seen enough' });
  await demo.until(new RegExp(`${game} +stopped at turn ${turn}`));
  await expect(fetch(`${endpoint}/healthz`)).rejects.toThrow();

  const pids = await demo.descendants();
  demo.signal('SIGTERM');
  expect(await demo.exitCode()).toBe(0);
  await untilGone(pids);
  expect(await demoDatabases()).not.toContain(database);
});

it('ends at once when it is interrupted while it starts', async () => {
  demo = new Demo(sharedServers());
  await demo.until(/Starting Game Master, Lobby/);
  const pids = await demo.descendants();
  demo.signal('SIGINT');
  expect(await demo.exitCode()).toBe(0);
  await untilGone(pids);
});

it('says what failed and what to do when it cannot start', async () => {
  const url = `redis://127.0.0.1:${await freePort()}`;
  demo = new Demo({ ...sharedServers(), STACK_REDIS_URL: url });
  expect(await demo.exitCode()).toBe(1);
  expect(demo.output).toContain(
    `The demo could not start. STACK_REDIS_URL names a server at ${url}, but it does not answer.`,
  );
  expect(demo.output).toContain('unset STACK_REDIS_URL');
});
