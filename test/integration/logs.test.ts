import { randomBytes } from 'node:crypto';
import { Redis } from 'ioredis';
import { Pool } from 'pg';
import { GameMaster, NEVER_SOON, untilTold, type Reply } from '../support/game-master';
import { freshGameId, stackAddresses } from '../support/stack';
import { TcpProxy } from '../support/tcp-proxy';
import { TestEngine } from '../support/test-engine';
import { waitFor } from '../support/wait-for';

const name = `logs_${randomBytes(4).toString('hex')}`;
const secrets = ['postgres', 'redis', 'admin', 'gateway'].map(
  (of) => `${of}-${randomBytes(8).toString('hex')}`,
);
const [postgresSecret = '', redisSecret = '', adminSecret = '', gatewaySecret = ''] = secrets;
const authorization = { authorization: `Bearer ${adminSecret}` };

let gm: GameMaster;
let proxies: Record<'postgres' | 'redis' | 'temporal', TcpProxy>;
let servers: { postgres: Pool; redis: Redis };

/** Accounts of our own, so that there are passwords that must not be seen. */
beforeAll(async () => {
  const stack = stackAddresses();
  servers = { postgres: new Pool({ connectionString: stack.postgresDsn }), redis: new Redis(stack.redisUrl) };
  await servers.postgres.query(`CREATE ROLE ${name} LOGIN SUPERUSER PASSWORD '${postgresSecret}'`);
  await servers.redis.call('ACL', 'SETUSER', name, 'on', `>${redisSecret}`, '~*', '&*', '+@all');
  const postgres = await TcpProxy.before(withAccount(stack.postgresDsn, postgresSecret));
  const redis = await TcpProxy.before(withAccount(stack.redisUrl, redisSecret));
  const temporal = await TcpProxy.before(`grpc://${stack.temporalAddress}`);
  proxies = { postgres: postgres.proxy, redis: redis.proxy, temporal: temporal.proxy };
  gm = await GameMaster.start({
    addresses: {
      postgresDsn: postgres.url,
      redisUrl: redis.url,
      temporalAddress: new URL(temporal.url).host,
    },
    env: {
      GAMEMASTER_API_TOKENS: `admin:${adminSecret},gateway:${gatewaySecret}`,
      GAMEMASTER_SHUTDOWN_TIMEOUT: '3s',
      GAMEMASTER_UNKNOWN: gatewaySecret,
    },
  });
});

afterAll(async () => {
  await gm.stop();
  await Promise.all(Object.values(proxies).map((proxy) => proxy.close()));
  await servers.postgres.query(`DROP ROLE ${name}`);
  await servers.postgres.end();
  await servers.redis.call('ACL', 'DELUSER', name);
  servers.redis.disconnect();
});

function withAccount(url: string, password: string): string {
  const own = new URL(url);
  own.username = name;
  own.password = password;
  return own.toString();
}

function post(path: string, body: object, key = 'key'): Promise<Reply> {
  const headers = { ...authorization, 'Idempotency-Key': key };
  return untilTold(() => gm.call('POST', `/api/v1/internal${path}`, { body, headers }));
}

const statusOf = async (gameId: string) =>
  (await gm.call('GET', `/api/v1/internal/runtimes/${gameId}`, { headers: authorization })).body?.['status'];

const lines = () => [...gm.apis, ...gm.workers].flatMap((process) => process.lines);
const untilLogged = (text: string | RegExp) =>
  waitFor(() => lines().some((line) => line.search(text) >= 0), {
    timeout: 40_000,
    describe: () => `a line with ${String(text)} among\n${lines().slice(-20).join('\n')}`,
  });

test('a run with faults logs JSON, tells the game wherever it is about one, and no secret', async () => {
  const engine = await TestEngine.start();
  const gameIds = [freshGameId(), freshGameId(), freshGameId()] as const;
  const [gameId, refused, unknown] = gameIds;
  await post('/engine-versions', { version: '1.0.0', image_ref: 'galaxy/game:1.0.0' });
  const registration = gm.registration(engine, { turn_schedule: NEVER_SOON });
  expect((await post(`/games/${gameId}/register-runtime`, registration)).status).toBe(201);

  // Calls that are refused, by the edge, by the record, by the engine; one with a token that is none.
  const broken = await TestEngine.start();
  broken.faultOf = (call) => (call === 'init' ? { kind: 'cut' } : undefined);
  expect((await post(`/games/${refused}/register-runtime`, gm.registration(broken))).status).toBe(502);
  expect((await post(`/runtimes/${unknown}/stop`, { reason: 'x' })).status).toBe(404);
  expect((await post(`/runtimes/${gameId}/stop`, { surplus: adminSecret })).status).toBe(400);
  await gm.call('POST', `/api/v1/internal/runtimes/${gameId}/force-next-turn`, {
    headers: { authorization: `Bearer ${gatewaySecret}` },
  });
  await gm.workflow(gameId).signal('stop', { surplus: true });

  // An engine that fails, a worker that is killed in a turn.
  engine.failNext('turn', ...Array.from({ length: 3 }, () => ({ kind: 'answer', status: 500 }) as const));
  expect((await post(`/runtimes/${gameId}/force-next-turn`, {}, 'fails')).status).toBe(502);
  const untilCalled = (more: number) => waitFor(() => engine.callsOf('turn') > more);
  const release = engine.holdTurns();
  const failures = engine.callsOf('turn');
  const forced = post(`/runtimes/${gameId}/force-next-turn`, {}, 'survives');
  await untilCalled(failures);
  await gm.workers[0]?.crash();
  release();
  await gm.addWorker();
  expect((await forced).body).toMatchObject({ current_turn: 1 });

  // Every server away, one after the other, with a turn to be made meanwhile.
  await proxies.redis.setMode('refuse');
  expect((await post(`/runtimes/${gameId}/force-next-turn`, {}, 'without-redis')).status).toBe(200);
  await untilLogged('events wait in the outbox');
  await proxies.redis.setMode('pass');

  const letGo = engine.holdTurns();
  const before = engine.callsOf('turn');
  const waiting = post(`/runtimes/${gameId}/force-next-turn`, {}, 'without-postgres');
  await untilCalled(before);
  await proxies.postgres.setMode('refuse');
  letGo();
  await untilLogged(/store is away|Activity failed/);
  await proxies.postgres.setMode('pass');
  expect((await waiting).body).toMatchObject({ current_turn: 3 });

  await proxies.temporal.setMode('refuse');
  const withoutTemporal = await gm.call('POST', `/api/v1/internal/runtimes/${gameId}/force-next-turn`, {
    headers: authorization,
  });
  expect(withoutTemporal.status).toBe(503);
  await untilLogged('"sdkComponent":"core"');
  await proxies.temporal.setMode('pass');
  await waitFor(async () => (await statusOf(gameId)) === 'running', { timeout: 40_000 });
  await Promise.all([...gm.apis, ...gm.workers].map((process) => process.stop()));

  const parsed = lines().map((line) => ({ line, fields: asJson(line) }));
  expect(parsed.filter(({ fields }) => fields === null).map(({ line }) => line)).toEqual([]);
  expect(
    parsed.filter(({ fields }) => !(fields?.['time'] && fields['level'] && fields['name'] && fields['msg'])),
  ).toEqual([]);
  for (const id of gameIds) {
    const about = parsed.filter(({ line }) => line.includes(id));
    expect(about.length).toBeGreaterThan(0);
    expect(about.filter(({ fields }) => fields?.['game_id'] !== id).map(({ line }) => line)).toEqual([]);
  }
  const tellers = parsed.flatMap(({ fields }) => (fields?.['game_id'] === gameId ? [fields['name']] : []));
  expect(new Set(tellers)).toEqual(new Set(['gamemaster-api', 'gamemaster-worker']));
  for (const secret of secrets)
    expect(parsed.filter(({ line }) => line.includes(secret)).map(({ line }) => line)).toEqual([]);
  await Promise.all([engine.stop(), broken.stop()]);
}, 180_000);

function asJson(line: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
