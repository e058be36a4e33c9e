/**
 * Servers that stop, hang, restart or lose answers while games tick: turns stay on time as long as Temporal and
 * Postgres answer, events wait for Redis, and everything goes on by itself. The servers here are this file's own.
 */
import { Redis } from 'ioredis';
import { Client } from 'pg';
import { setTimeout as delay } from 'node:timers/promises';
import type { Stack } from '../../tools/stack';
import type { GameState } from '../../workflows/state';
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
/** How long a busy machine may stand still, or one process on it: turns are that late whatever Redis does. */
const PAUSE_MS = 5_000;
/** The promise for a store that hung: its ticks are less late than this once it answers again. */
const LATE_MS = 2_000;
/** The promises are of time, and a machine that stands still breaks them at random: of so many tries one has to hold. */
const TRIES = 3;

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
}, 240_000);

afterAll(async () => {
  await gm.stop();
  redis.disconnect();
  await Promise.all([redisLine.close(), postgresLine.close(), runtimeManager.stop()]);
  await stack.stop();
});

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
  // Where a test has failed in the middle the next ones can still tell something.
  await Promise.all([redisLine.setMode('pass'), postgresLine.setMode('pass')]);
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
      const reply = await gm.stopGame(gameId, { 'Idempotency-Key': 'stop' });
      return reply.status !== 503 && reply;
    },
    { timeout: 60_000, describe: 'the game to be stopped' },
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

function untilMoreTurns(count: number, timeout = 30_000): Promise<unknown> {
  const turn = engine.turn + count;
  return waitFor(() => engine.turn >= turn, { timeout, describe: `turn ${turn}` });
}

/**
 * Waits until so many ticks in a row since `from` have had their turns on record in time. What holds turns up makes every
 * one late, or one by more than the machine may.
 */
async function untilOnTime(gameId: string, from: number, ticks: number): Promise<void> {
  let late: string[] = [];
  const how = await waitFor(
    async () => {
      const made = (await gm.operations(gameId))
        .filter(({ kind, outcome }) => kind === 'turn' && outcome === 'success')
        .map(({ finished_at }) => (finished_at as Date).getTime());
      let inARow = 0;
      let lastAt = from;
      late = [];
      for (let tick = Math.ceil(from / TICK_MS) * TICK_MS; tick <= Date.now() - ON_TIME_MS; tick += TICK_MS) {
        const turnAt = made.find((at) => at >= tick && at < tick + TICK_MS);
        const isOnTime = turnAt !== undefined && turnAt - tick <= ON_TIME_MS;
        inARow = isOnTime ? inARow + 1 : 0;
        lastAt = turnAt ?? lastAt;
        if (!isOnTime) late.push(`${new Date(tick).toISOString()}: ${turnAt ? turnAt - tick : 'no turn'}`);
        if (tick - lastAt > TICK_MS + PAUSE_MS) return 'held up';
        if (inARow === ticks) return true;
      }
      return false;
    },
    {
      timeout: 60_000,
      interval: 200,
      describe: () => `${ticks} turns in a row to be on time; late were\n${late.join('\n')}`,
    },
  );
  if (how === 'held up') throw new Error(`Turns were held up:\n${late.join('\n')}`);
}

describe('Redis', () => {
  test('stopped for several ticks: turns are on time, and every event comes afterwards, once and in order', async () => {
    const gameId = await tickingGame();
    const from = await betweenTicks();
    await redisLine.setMode('refuse');
    await stack.redis.server?.stop();
    await untilOnTime(gameId, from, 4);
    await stack.redis.server?.start();
    await redisLine.setMode('pass');
    await expectNoFaults(gameId);
  }, 180_000);

  test('a black hole: turns are on time, and a stop takes less than 2 s', async () => {
    const gameId = await tickingGame();
    const others = await Promise.all(Array.from({ length: TRIES - 1 }, () => TestEngine.start()));
    const stoppable = [gameId];
    for (const other of others) stoppable.push(await gm.running(other));
    const from = await betweenTicks();
    await redisLine.setMode('blackhole');
    await untilOnTime(gameId, from, 3);

    const stops: { reply: Reply; tookMs: number }[] = [];
    for (const each of stoppable) {
      const begun = Date.now();
      stops.push({ reply: await gm.stopGame(each), tookMs: Date.now() - begun });
    }
    for (const { reply } of stops) {
      expect(reply).toMatchObject({ status: 200, body: { status: 'stopped' } });
    }
    expect(Math.min(...stops.map(({ tookMs }) => tookMs))).toBeLessThan(2_000);

    await redisLine.setMode('pass');
    const replies = stops.slice(0, 1).map(({ reply }) => reply);
    expect(await faultsOf(gm, { gameId, engine, replies })).toEqual([]);
    await Promise.all(others.map((other) => other.stop()));
  }, 180_000);

  test('killed and restarted again and again, with its append-only file', async () => {
    // What the promise stands on: with `everysec`, a slow disk loses what was acknowledged.
    expect(await redis.config('GET', 'appendfsync')).not.toContain('everysec');
    const gameId = await tickingGame();
    for (let restart = 0; restart < 3; restart += 1) {
      await untilMoreTurns(1);
      const from = Date.now();
      await stack.redis.server?.kill();
      await stack.redis.server?.start();
      await untilOnTime(gameId, from, 1);
    }
    await expectNoFaults(gameId);
  }, 240_000);

  test('out of memory: turns are on time, and events wait', async () => {
    const gameId = await tickingGame();
    const from = await betweenTicks();
    await redis.config('SET', 'maxmemory', '1');
    await untilOnTime(gameId, from, 2);
    const events = await gm.events('lobbyEvents', gameId);
    expect(events.length).toBeLessThan(engine.turn + 1);
    await redis.config('SET', 'maxmemory', '0');
    await expectNoFaults(gameId);
  }, 180_000);

  test('a reply that is lost after the write: sent again, and there once', async () => {
    const gameId = await tickingGame();
    // Only what is sent first on a connection gets through.
    await gm.untilOutboxEmpty(gameId);
    const { rows: clock } = await gm.database.query<{ now: Date }>('SELECT now()');
    await redisLine.setMode('lose-replies');
    // An event of later is in the stream, and in the outbox as well: nobody knows that it has arrived.
    await waitFor(
      async () => {
        const { rows } = await gm.database.query<{ event_id: string }>(
          'SELECT event_id FROM gamemaster.outbox WHERE game_id = $1 AND created_at > $2',
          [gameId, clock[0]?.now],
        );
        const sent = (await redis.xrange(gm.streams.lobbyEvents, '-', '+')).flatMap(([, fields]) => fields);
        return rows.some(({ event_id }) => sent.includes(event_id));
      },
      { describe: 'an event to be sent without an answer' },
    );
    await redisLine.setMode('pass');
    await expectNoFaults(gameId);
  }, 180_000);
});

describe('Postgres', () => {
  test.each([500, 1_300, 2_100])(
    'a black hole from %i ms after a tick: its ticks are less than 2 s late once it answers',
    async (phase) => {
      const gameId = await tickingGame();
      const late: number[] = [];
      while (late.length < TRIES && !late.some((lateMs) => lateMs < LATE_MS)) {
        late.push(await latenessAfterBlackHole(gameId, phase));
      }
      expect(Math.min(...late)).toBeLessThan(LATE_MS);
      await expectNoFaults(gameId);
    },
    240_000,
  );

  /** Has Postgres silent for two ticks, and tells how late the turn was that was due then. */
  async function latenessAfterBlackHole(gameId: string, phase: number): Promise<number> {
    await delay(TICK_MS - (Date.now() % TICK_MS) + phase);
    await postgresLine.setMode('blackhole');
    await delay(2 * TICK_MS);
    await waitFor(
      async () => (await gm.workflow(gameId).query<GameState>('state')).status === 'generation_in_progress',
      { describe: 'a turn to wait for its store' },
    );
    await postgresLine.setMode('pass');
    const healedAt = Date.now();
    const turns = await waitFor(
      async () => {
        const found = (await gm.operations(gameId)).filter(
          ({ kind, finished_at }) => kind === 'turn' && Number(finished_at) > healedAt,
        );
        return (
          found.length > 0 && found.map((turn) => [Number(turn['started_at']), Number(turn['finished_at'])])
        );
      },
      { describe: 'the turn of the outage to be on record' },
    );
    // Ticks that went by while it waited made none.
    expect(turns.filter(([begun = 0]) => begun <= healedAt).length).toBeLessThanOrEqual(1);
    const [[begun = 0, done = 0] = []] = turns;
    return done - Math.max(healedAt, Math.floor(begun / TICK_MS) * TICK_MS);
  }

  test('killed and restarted again and again: nothing dies, turns go on', async () => {
    const gameId = await tickingGame();
    for (let restart = 0; restart < 4; restart += 1) {
      await stack.postgres.server?.kill();
      await delay(restart * 500);
      await stack.postgres.server?.start();
      await untilMoreTurns(1);
    }
    await expectNoFaults(gameId);
  }, 240_000);

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
  }, 180_000);
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
    // It waits for two seconds; left alone the client would for twenty.
    expect(Date.now() - begun).toBeLessThan(10_000);
    await stack.temporal.server?.start();
    await untilMoreTurns(2, 60_000);
    await expectNoFaults(gameId);
  }, 180_000);

  test('restarted in the middle of a turn', async () => {
    const gameId = await tickingGame();
    const release = engine.holdTurns();
    const calls = engine.callsOf('turn');
    await waitFor(() => engine.callsOf('turn') > calls);
    await stack.temporal.server?.kill();
    release();
    await stack.temporal.server?.start();
    await untilMoreTurns(2, 60_000);
    await expectNoFaults(gameId);
  }, 180_000);

  test('down when the services start: they wait for it, and then take the same call', async () => {
    await stack.temporal.server?.stop();
    const workerStarts = gm.addWorker();
    const api = await gm.addApi();
    const gameId = freshGameId();
    const register = (): Promise<Reply> => {
      const headers = { 'Idempotency-Key': 'only-once' };
      const body = gm.registration(engine, { turn_schedule: EVERY_TWO_SECONDS });
      return gm.once.register(gameId, body, headers);
    };
    await waitFor(async () => (await fetch(`${api.baseUrl}/readyz`)).status === 200);
    expect(await register()).toMatchObject({ status: 503 });
    await stack.temporal.server?.start();
    await workerStarts;
    await waitFor(async () => (await register()).status === 201, { timeout: 60_000 });
    expect(engine.callsOf('init')).toBe(1);
    await untilMoreTurns(1);
    await expectNoFaults(gameId);
  }, 240_000);
});
