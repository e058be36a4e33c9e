import { once } from 'node:events';
import { connect } from 'node:net';
import { migrate } from '../../../stores/migrate';
import { GameMasterProcess } from '../../support/game-master';
import { freePort, freshDatabase, stackAddresses, waitFor } from '../../support/stack';

const started: GameMasterProcess[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((child) => child.stop()));
});

async function start(env: Record<string, string>): Promise<GameMasterProcess> {
  const port = await freePort();
  const child = new GameMasterProcess('api', `http://127.0.0.1:${port}`, {
    GAMEMASTER_HTTP_ADDR: `127.0.0.1:${port}`,
    GAMEMASTER_TEMPORAL_ADDRESS: stackAddresses().temporalAddress,
    GAMEMASTER_LOBBY_BASE_URL: 'http://127.0.0.1:1',
    GAMEMASTER_RTM_BASE_URL: 'http://127.0.0.1:1',
    GAMEMASTER_POSTGRES_CONNECT_TIMEOUT: '10s',
    GAMEMASTER_POSTGRES_QUERY_TIMEOUT: '10s',
    ...env,
  });
  started.push(child);
  return child;
}

/** Once it has ended, and its last line was read. */
async function exitOf({ child }: GameMasterProcess): Promise<unknown> {
  if (!child.stdout?.closed) await once(child, 'close');
  return child.exitCode;
}

test('a configuration that cannot be used ends the process with everything that is wrong', async () => {
  const api = await start({ GAMEMASTER_LIFECYCLE_WAIT: 'long', GAMEMASTER_HTTP_BODY_LIMIT: '-1' });
  expect(await exitOf(api)).toBe(1);
  const said = api.lines.join('\n');
  for (const name of ['GAMEMASTER_POSTGRES_DSN', 'GAMEMASTER_LIFECYCLE_WAIT', 'GAMEMASTER_HTTP_BODY_LIMIT']) {
    expect(said).toContain(name);
  }
});

test('a migration that fails ends the process, and nothing has listened', async () => {
  const api = await start({ GAMEMASTER_POSTGRES_DSN: 'postgres://nobody:secret@127.0.0.1:1/nothing' });
  expect(await exitOf(api)).toBe(1);
  const fatal = JSON.parse(api.lines.at(-1) ?? '{}') as Record<string, unknown>;
  expect(fatal).toMatchObject({ level: 'fatal', msg: 'the api cannot start' });
  expect(api.lines.join('\n')).not.toMatch(/secret|listening/i);
});

test('on an empty database it migrates, serves without Temporal, and ends in good order', async () => {
  const { dsn, drop } = await freshDatabase();
  const metricsPort = await freePort();
  const api = await start({
    GAMEMASTER_POSTGRES_DSN: dsn,
    GAMEMASTER_TEMPORAL_ADDRESS: '127.0.0.1:1',
    GAMEMASTER_METRICS_ADDR: `127.0.0.1:${metricsPort}`,
  });
  await api.untilReady();
  expect((await fetch(`${api.baseUrl}/api/v1/internal/runtimes`)).status).toBe(200);
  const ready = { status: 'ready', checks: { postgres: 'up', temporal: 'down' } };
  for (const address of [api.baseUrl, `http://127.0.0.1:${metricsPort}`]) {
    // A probe waits for a second, which is little for a busy Postgres.
    const told = await waitFor(async () => {
      const response = await fetch(`${address}/readyz`);
      return response.ok && response.json();
    });
    expect(told).toEqual(ready);
  }
  expect(await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text()).toContain(
    'gamemaster_http_request_duration_seconds_count{operation="internalListRuntimes",status="200"} 1',
  );
  // Of a request that has not arrived whole: the process waits for the rest.
  const request = connect(Number(new URL(api.baseUrl).port), '127.0.0.1');
  request.write(
    'POST /api/v1/internal/engine-versions HTTP/1.1\r\nhost: gm\r\ncontent-type: application/json\r\n' +
      'content-length: 9\r\nexpect: 100-continue\r\n\r\n',
  );
  await once(request, 'data');
  api.kill('SIGTERM');
  const draining = await waitFor(async () => {
    const response = await fetch(`http://127.0.0.1:${metricsPort}/readyz`);
    return !response.ok && response;
  });
  expect([draining.status, await draining.json()]).toMatchObject([503, { status: 'not_ready' }]);
  request.destroy();
  expect(await exitOf(api)).toBe(0);
  await drop();
});

test('an address that is in use ends the process, which names the setting', async () => {
  const { dsn, drop } = await freshDatabase();
  const { host } = new URL(stackAddresses().redisUrl);
  const api = await start({ GAMEMASTER_POSTGRES_DSN: dsn, GAMEMASTER_HTTP_ADDR: host });
  expect(await exitOf(api)).toBe(1);
  expect(api.lines.at(-1)).toMatch(/GAMEMASTER_HTTP_ADDR.*EADDRINUSE/);
  await drop();
});

test('without leave to migrate it starts on a database that has no schema, and is ready once it has one', async () => {
  const { dsn, drop } = await freshDatabase();
  const api = await start({ GAMEMASTER_POSTGRES_DSN: dsn, GAMEMASTER_AUTO_MIGRATE: 'false' });
  const probe = await waitFor(() => fetch(`${api.baseUrl}/readyz`), { timeout: 60_000 });
  expect([probe.status, await probe.json()]).toMatchObject([
    503,
    { status: 'not_ready', checks: { postgres: 'down' } },
  ]);
  const response = await fetch(`${api.baseUrl}/api/v1/internal/runtimes`);
  expect([response.status, await response.json()]).toEqual([
    500,
    { error: { code: 'internal_error', message: 'internal error' } },
  ]);
  const ignore = (): void => undefined;
  await migrate(dsn, { info: ignore, warn: ignore, error: ignore });
  await api.untilReady();
  await waitFor(() => api.lines.some((line) => line.includes('run tools/migrate')));
  await api.stop();
  await drop();
});
