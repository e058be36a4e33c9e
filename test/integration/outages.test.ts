/**
 * Servers that stop, hang, restart or lose answers while games tick: turns stay on time as long as Temporal and
 * Postgres answer, events wait for Redis, and everything goes on by itself. The servers here are this file's own.
 */
import { Redis } from 'ioredis';
import { Client } from 'pg';
import { setTimeout as delay } from 'node:timers/promises';
import type { Stack } from '../../tools/stack';
import { faultsOf } from '../support/checker';
import { GameMaster, type Reply } from '../support/game-master';
import { freshGameId, ownStack, waitFor } from '../support/stack';
import { TcpProxy } from '../support/tcp-proxy';
import { TestEngine } from '../support/test-engine';
import { TestRuntimeManager } from '../support/test-runtime-manager';

const TICK_MS = 2_000;
const EVERY_TWO_SECONDS = '*/2 * * * * *';
/** A turn is on time when it is on record this long after its tick, on two busy cores. */
const ON_TIME_MS = 1_500;
/** The promise for a store that hung: its ticks are less late than this once it answers again. */
const LATE_MS = 2_000;

let stack: Stack;
let gm: GameMaster;
let runtimeManager: TestRuntimeManager;
/** The services' lines to their stores. */
let redisLine: TcpProxy;
let postgresLine: TcpProxy;
/** The test's own line to Redis. */
let redis: Redis;
let engine: TestEngine;

beforeAll(async () => {
  stack = await ownStack(['temporal', 'postgres', 'redis']);
  runtimeManager = await TestRuntimeManager.start();
  const toRedis = await TcpProxy.before(stack.redis.url);
  const toPostgres = await TcpProxy.before(stack.postgres.dsn);
  redisLine = toRedis.proxy;
  postgresLine = toPostgres.proxy;
  redis = new Redis(stack.redis.url);
  redis.on('error', () => undefined);
  gm = await GameMaster.start({
    addresses: {
      temporalAddress: stack.temporal.address,
      postgresDsn: toPostgres.url,
      redisUrl: toRedis.url,
    },
    env: {
      GAMEMASTER_RTM_BASE_URL: runtimeManager.baseUrl,
      // Shorter than the outages: they are not the engine's fault, and must not cost a turn its time.
      GAMEMASTER_ENGINE_TURN_TIMEOUT: '2s',
      GAMEMASTER_ENGINE_TURN_DEADLINE: '3s',
    },
  });
}, 120_000);

afterAll(async () => {
  await gm.stop();
  redis.disconnect();
  await Promise.all([redisLine.close(), postgresLine.close(), runtimeManager.stop()]);
  await stack.stop();
}, 60_000);

beforeEach(async () => {
  engine = await TestEngine.start();
});

afterEach(async () => {
  for (const { kind, child, lines } of [...gm.apis, ...gm.workers]) {
    const end = { kind, exitCode: child.exitCode, signal: child.signalCode };
    expect({ ...end, lines: child.exitCode === null ? [] : lines.slice(-20) }).toEqual({
      kind,
      exitCode: null,
      signal: null,
      lines: [],
    });
  }
  await engine.stop();
});

/** A game with a turn every two seconds, that has made its first. */
async function tickingGame(): Promise<string> {
  const gameId = await gm.running(engine, { turn_schedule: EVERY_TWO_SECONDS });
  await waitFor(() => engine.turn > 0, { describe: 'the first turn' });
  return gameId;
}

/** Lets the game come to its end, and compares everything with everything. */
async function expectNoFaults(gameId: string): Promise<void> {
  const stopped = await waitFor(
    async () => {
      const reply = await gm.stopGame(gameId);
      return reply.status !== 503 && reply;
    },
    { timeout: 30_000, describe: 'the game to be stopped' },
  );
  expect(stopped).toMatchObject({ status: 200, body: { status: 'stopped' } });
  expect(await faultsOf(gm, { gameId, engine, replies: [stopped] })).toEqual([]);
}

/** Resolves half-way between two ticks, so that what is timed from here meets no tick. */
async function betweenTicks(): Promise<number> {
  const untilNext = TICK_MS - (Date.now() % TICK_MS);
  await delay(untilNext + TICK_MS / 2);
  return Date.now();
}

/** Waits until `count` more turns are made, as many ticks as that may take and one more. */
function untilMoreTurns(count: number, timeout = (count + 1) * TICK_MS + ON_TIME_MS): Promise<unknown> {
  const turn = engine.turn + count;
  return waitFor(() => engine.turn >= turn, { timeout, describe: `turn ${turn}` });
}

/** Every tick in the period has its turn, on record in time. */
async function expectOnTime(gameId: string, from: number, to: number): Promise<void> {
  const made = (await gm.operations(gameId))
    .filter(({ kind, outcome }) => kind === 'turn' && outcome === 'success')
    .map(({ finished_at }) => (finished_at as Date).getTime());
  const lateness: Record<string, number> = {};
  for (let tick = Math.ceil(from / TICK_MS) * TICK_MS; tick <= to - ON_TIME_MS; tick += TICK_MS) {
    const turn = made.find((at) => at >= tick && at < tick + TICK_MS);
    lateness[new Date(tick).toISOString()] = turn === undefined ? Infinity : turn - tick;
  }
  expect(Object.keys(lateness).length).toBeGreaterThan(0);
  expect(Object.entries(lateness).filter(([, late]) => late > ON_TIME_MS)).toEqual([]);
}

describe('Redis', () => {
  test('stopped for several ticks: turns are on time, and every event comes afterwards, once and in order', async () => {
    const gameId = await tickingGame();
    const from = await betweenTicks();
    await redisLine.setMode('refuse');
    await stack.redis.server?.stop();
    await untilMoreTurns(4);
    await gm.untilRecord(gameId, { current_turn: engine.turn });
    await expectOnTime(gameId, from, Date.now());
    await stack.redis.server?.start();
    await redisLine.setMode('pass');
    await expectNoFaults(gameId);
  });

  test('a black hole: turns are on time, and a stop takes less than 2 s', async () => {
    const gameId = await tickingGame();
    const from = await betweenTicks();
    await redisLine.setMode('blackhole');
    await untilMoreTurns(3);
    await expectOnTime(gameId, from, Date.now());

    const begun = Date.now();
    const stopped = await gm.stopGame(gameId);
    const tookMs = Date.now() - begun;
    expect(stopped).toMatchObject({ status: 200, body: { status: 'stopped' } });
    expect(tookMs).toBeLessThan(2_000);

    await redisLine.setMode('pass');
    expect(await faultsOf(gm, { gameId, engine, replies: [stopped] })).toEqual([]);
  });

  test('killed and restarted again and again, with its append-only file', async () => {
    // What the promise stands on: with `everysec`, a slow disk loses what was acknowledged.
    expect(await redis.config('GET', 'appendfsync')).not.toContain('everysec');
    const gameId = await tickingGame();
    const from = Date.now();
    for (let restart = 0; restart < 3; restart += 1) {
      await untilMoreTurns(1);
      await stack.redis.server?.kill();
      await stack.redis.server?.start();
    }
    await untilMoreTurns(1);
    await gm.untilRecord(gameId, { current_turn: engine.turn });
    await expectOnTime(gameId, from, Date.now());
    await expectNoFaults(gameId);
  });

  test('out of memory: turns are on time, and events wait', async () => {
    const gameId = await tickingGame();
    const from = await betweenTicks();
    await redis.config('SET', 'maxmemory', '1');
    await untilMoreTurns(2);
    await gm.untilRecord(gameId, { current_turn: engine.turn });
    await expectOnTime(gameId, from, Date.now());
    const events = await gm.events('lobbyEvents', gameId);
    expect(events.length).toBeLessThan(engine.turn + 1);
    await redis.config('SET', 'maxmemory', '0');
    await expectNoFaults(gameId);
  });

  test('a reply that is lost after the write: sent again, and there once', async () => {
    const gameId = await tickingGame();
    await gm.untilOutboxEmpty(gameId);
    await betweenTicks();
    await redisLine.setMode('lose-replies');
    const turn = engine.turn + 1;
    // The event is in the stream, and in the outbox as well: nobody knows that it has arrived.
    await waitFor(async () => {
      const entries = await redis.xrevrange(gm.streams.lobbyEvents, '+', '-', 'COUNT', 1);
      return entries[0]?.[1].some((field) => field.includes(`"current_turn":${turn}`));
    });
    const { rowCount } = await gm.database.query('SELECT 1 FROM gamemaster.outbox WHERE game_id = $1', [
      gameId,
    ]);
    expect(rowCount).toBeGreaterThan(0);
    await redisLine.setMode('pass');
    await expectNoFaults(gameId);
  });
});

describe('Postgres', () => {
  test.each([500, 1_300, 2_100])(
    'a black hole from %i ms after a tick: its ticks are less than 2 s late once it answers',
    async (phase) => {
      const gameId = await tickingGame();
      await delay(TICK_MS - (Date.now() % TICK_MS) + phase);
      await postgresLine.setMode('blackhole');
      await delay(2 * TICK_MS);
      await postgresLine.setMode('pass');
      const healedAt = Date.now();
      // The turn that was due in the outage. Ticks that went by while it waited make none: it is the only one.
      const due = await waitFor(
        async () => {
          const operations = await gm.operations(gameId);
          const rows = operations.filter(
            ({ kind, started_at, finished_at }) =>
              kind === 'turn' && Number(started_at) <= healedAt && Number(finished_at) > healedAt,
          );
          return rows.length > 0 && rows;
        },
        { describe: 'the turn of the outage to be on record' },
      );
      expect(due).toHaveLength(1);
      expect(Number(due[0]?.['finished_at']) - healedAt).toBeLessThan(LATE_MS);
      await expectNoFaults(gameId);
    },
  );

  test('killed and restarted again and again: nothing dies, turns go on', async () => {
    const gameId = await tickingGame();
    for (let restart = 0; restart < 4; restart += 1) {
      await stack.postgres.server?.kill();
      await delay(restart * 500);
      await stack.postgres.server?.start();
      await untilMoreTurns(1, 20_000);
    }
    await expectNoFaults(gameId);
  }, 90_000);

  test('connections that are terminated between statements', async () => {
    const gameId = await tickingGame();
    const admin = new Client({ connectionString: stack.postgres.dsn });
    await admin.connect();
    const until = Date.now() + 3 * TICK_MS;
    while (Date.now() < until) {
      await admin.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'gamemaster-%'`,
      );
      await delay(20);
    }
    await admin.end();
    await untilMoreTurns(1);
    await expectNoFaults(gameId);
  });
});

describe('Temporal', () => {
  test('killed and restarted: reads go on, calls are refused, and then turns go on by themselves', async () => {
    const gameId = await tickingGame();
    await stack.temporal.server?.kill();
    expect(await gm.record(gameId)).toMatchObject({ game_id: gameId });
    const begun = Date.now();
    const refused = await gm.once.force(gameId);
    expect(refused).toMatchObject({ status: 503, body: { error: { code: 'service_unavailable' } } });
    expect(refused.headers.get('retry-after')).not.toBeNull();
    expect(Date.now() - begun).toBeLessThan(5_000);
    await stack.temporal.server?.start();
    await untilMoreTurns(2, 40_000);
    await expectNoFaults(gameId);
  }, 90_000);

  test('restarted in the middle of a turn', async () => {
    const gameId = await tickingGame();
    const release = engine.holdTurns();
    const calls = engine.callsOf('turn');
    await waitFor(() => engine.callsOf('turn') > calls);
    await stack.temporal.server?.kill();
    release();
    await stack.temporal.server?.start();
    await untilMoreTurns(2, 40_000);
    await expectNoFaults(gameId);
  }, 90_000);

  test('down when the services start: they wait for it, and then take the same call', async () => {
    await stack.temporal.server?.stop();
    const workerStarts = gm.addWorker();
    const api = await gm.addApi();
    const gameId = freshGameId();
    const register = async (): Promise<Reply> => {
      const headers = { 'Idempotency-Key': 'only-once' };
      const body = gm.registration(engine, { turn_schedule: EVERY_TWO_SECONDS });
      return gm.once.register(gameId, body, headers);
    };
    expect((await fetch(`${api.baseUrl}/readyz`)).status).toBe(200);
    expect(await register()).toMatchObject({ status: 503 });
    await stack.temporal.server?.start();
    await workerStarts;
    await waitFor(async () => (await register()).status === 201, { timeout: 30_000 });
    expect(engine.callsOf('init')).toBe(1);
    await untilMoreTurns(1);
    await expectNoFaults(gameId);
  }, 90_000);
});
