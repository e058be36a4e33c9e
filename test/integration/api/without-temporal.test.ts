import { connectTemporal } from '../../../clients/temporal';
import { gameWorkflowId } from '../../../workflows/messages';
import { freshGameId, stackAddresses } from '../../support/stack';
import { TcpProxy } from '../../support/tcp-proxy';
import { waitFor } from '../../support/wait-for';
import { API, FrontDoor, timed, type Reply } from './front-door';

const NOWHERE = '127.0.0.1:1';

function expectUnavailable({ status, body, headers, ms }: Reply & { ms: number }): void {
  expect([status, body]).toMatchObject([503, { error: { code: 'service_unavailable' } }]);
  expect(Number(headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
  expect(headers.get('idempotency-key')).toMatch(/^.+$/);
  expect(ms).toBeLessThan(3_000);
}

describe.each(['absent', 'a black hole'])('while Temporal is %s', (how) => {
  let door: FrontDoor;
  let proxy: TcpProxy;
  const game = freshGameId();

  beforeAll(async () => {
    const [host = '', port] = stackAddresses().temporalAddress.split(':');
    proxy = await TcpProxy.start({ host, port: Number(port) });
    await proxy.setMode('blackhole');
    door = await FrontDoor.open({
      GAMEMASTER_TEMPORAL_ADDRESS: how === 'absent' ? NOWHERE : `127.0.0.1:${proxy.port}`,
    });
    await door.createVersion();
    await door.insertGame(game);
  });
  afterAll(async () => {
    await door.close();
    await proxy.close();
  });

  test('lifecycle calls answer within three seconds', async () => {
    const replies = await Promise.all(
      [door.register(freshGameId()), door.force(game), door.stop(game)].map(timed),
    );
    replies.forEach(expectUnavailable);
  });

  test('the log names the cause', () => {
    const line = door.lines.find(({ operation }) => operation === 'internalForceNextTurn');
    expect(line).toMatchObject({
      game_id: game,
      code: 'service_unavailable',
      err: { type: 'GameMasterError' },
    });
    expect(JSON.stringify(line)).toMatch(/DEADLINE_EXCEEDED|UNAVAILABLE|deadline/i);
  });

  test('reads and the registry serve, and the process is ready', async () => {
    const replies = await Promise.all(
      [
        door.call('GET', `${API}/runtimes/${game}`),
        door.call('GET', `${API}/runtimes`),
        door.call('GET', `${API}/engine-versions`),
        door.call('GET', `${API}/engine-versions/1.0.0/image-ref`),
      ].map(timed),
    );
    expect(replies.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    for (const { ms } of replies) expect(ms).toBeLessThan(1_000);
    const { status, body } = await door.call('GET', '/readyz');
    expect([status, body]).toEqual([200, { status: 'ready', checks: { postgres: 'up', temporal: 'down' } }]);
  });
});

test('Temporal is found again by itself when it comes back', async () => {
  const [host = '', port] = stackAddresses().temporalAddress.split(':');
  const proxy = await TcpProxy.start({ host, port: Number(port) });
  await proxy.setMode('refuse');
  const door = await FrontDoor.open({ GAMEMASTER_TEMPORAL_ADDRESS: `127.0.0.1:${proxy.port}` });
  const temporal = async () => (await door.call('GET', '/readyz')).body['checks'];
  expect(await temporal()).toEqual({ postgres: 'up', temporal: 'down' });
  await proxy.setMode('pass');
  await waitFor(async () => JSON.stringify(await temporal()).includes('"temporal":"up"'), { timeout: 5_000 });
  await door.close();
  await proxy.close();
});

describe('while no worker takes the calls', () => {
  let door: FrontDoor;
  beforeAll(async () => {
    door = await FrontDoor.open();
    await door.createVersion();
  });
  afterAll(() => door.close());

  test('a registration answers in time, and the waiting workflow knows the latest time to begin', async () => {
    const game = freshGameId();
    const begin = Date.now();
    expectUnavailable(
      await timed(door.register(game, { 'idempotency-key': 'k', 'x-galaxy-caller': 'lobby' })),
    );
    const client = connectTemporal({ address: stackAddresses().temporalAddress, namespace: 'default' });
    const handle = client.workflow.getHandle(gameWorkflowId(game));
    const described = await client.withDeadline(Date.now() + 5_000, () => handle.describe());
    expect(described.status.name).toBe('RUNNING');
    expect(described.type).toBe('game');
    expect(described.startTime.getTime()).toBeGreaterThan(begin - 1_000);
    expect((await described.staticSummary()) ?? '').toContain(game);
    await client.withDeadline(Date.now() + 5_000, () => handle.terminate());
    await client.connection.close();
    expect((await door.call('GET', `${API}/runtimes/${game}`)).status).toBe(404);
  });

  test('a game whose workflow is gone answers service_unavailable after a few tries', async () => {
    const game = freshGameId();
    await door.insertGame(game);
    const replies = await Promise.all([timed(door.force(game)), timed(door.stop(game))]);
    for (const { status, body, ms } of replies) {
      expect([status, body]).toMatchObject([503, { error: { code: 'service_unavailable' } }]);
      expect(ms).toBeGreaterThan(2_500);
      expect(ms).toBeLessThan(5_000);
    }
  });
});
