import { once } from 'node:events';
import { GameMasterProcess } from '../../support/game-master';
import { freePort, freshDatabase, freshTaskQueue, stackAddresses, waitFor } from '../../support/stack';
import { TcpProxy } from '../../support/tcp-proxy';

let database: Awaited<ReturnType<typeof freshDatabase>>;
let worker: GameMasterProcess | undefined;

beforeAll(async () => {
  database = await freshDatabase();
});
afterEach(() => worker?.stop());
afterAll(() => database.drop());

function start(env: Record<string, string>): GameMasterProcess {
  const { temporalAddress, redisUrl } = stackAddresses();
  return new GameMasterProcess('worker', `http://${env['GAMEMASTER_METRICS_ADDR']}`, {
    GAMEMASTER_POSTGRES_DSN: database.dsn,
    GAMEMASTER_REDIS_URL: redisUrl,
    GAMEMASTER_TEMPORAL_ADDRESS: temporalAddress,
    GAMEMASTER_TEMPORAL_TASK_QUEUE: freshTaskQueue(),
    GAMEMASTER_LOBBY_BASE_URL: 'http://127.0.0.1:1',
    GAMEMASTER_RTM_BASE_URL: 'http://127.0.0.1:1',
    ...env,
  });
}

/** Once it has ended, and its last line was read. */
async function exitOf({ child }: GameMasterProcess): Promise<unknown> {
  if (!child.stdout?.closed) await once(child, 'close');
  return child.exitCode;
}

test('a worker that is told to end while it starts ends in good order', async () => {
  const [host = '', port] = stackAddresses().temporalAddress.split(':');
  const proxy = await TcpProxy.start({ host, port: Number(port) });
  worker = start({ GAMEMASTER_TEMPORAL_ADDRESS: `${proxy.host}:${proxy.port}` });
  // The second connection is the one that the worker is created on.
  await waitFor(() => proxy.accepted >= 2, { timeout: 30_000 });
  worker.kill('SIGTERM');
  expect([await exitOf(worker), worker.lines.at(-1)]).toEqual([0, expect.stringContaining('worker ended')]);
  await proxy.close();
});

test('before Temporal answers a worker says that it is not ready', async () => {
  worker = start({
    GAMEMASTER_METRICS_ADDR: `127.0.0.1:${await freePort()}`,
    GAMEMASTER_TEMPORAL_ADDRESS: '127.0.0.1:1',
  });
  const { baseUrl } = worker;
  const response = await waitFor(() => fetch(`${baseUrl}/readyz`), { timeout: 30_000 });
  expect([response.status, await response.json()]).toMatchObject([
    503,
    { status: 'not_ready', checks: { temporal: 'down' } },
  ]);
  await worker.crash();
});

test('an address of the metrics that is in use ends a worker, which names the setting', async () => {
  const { host } = new URL(stackAddresses().redisUrl);
  worker = start({ GAMEMASTER_METRICS_ADDR: host });
  expect(await exitOf(worker)).toBe(1);
  expect(worker.lines.at(-1)).toMatch(/GAMEMASTER_METRICS_ADDR.*EADDRINUSE/);
});
