import { connectTemporal } from '../../../clients/temporal';
import { gameWorkflowId } from '../../../workflows/messages';
import { freshGameId, stackAddresses } from '../../support/stack';
import { TcpProxy } from '../../support/tcp-proxy';
import { waitFor } from '../../support/wait-for';
import { API, FrontDoor, SOON_MS, timed, type Reply } from './front-door';

const NOWHERE = '127.0.0.1:1';
/** How long the front door waits for a game to take a call. */
const ACCEPTANCE_MS = 2_000;

function expectUnavailable({ status, body, headers, awakeMs }: Reply & { awakeMs: number }): void {
  expect([status, body]).toMatchObject([503, { error: { code: 'service_unavailable' } }]);
  expect(Number(headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
  expect(headers.get('idempotency-key')).toMatch(/^.+$/);
  expect(awakeMs).toBeLessThan(SOON_MS);
}

const codesOf = (replies: Reply[]) =>
  new Set(replies.map(({ body }) => (body['error'] as { code: string } | undefined)?.code));

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
      [
        door.register(freshGameId()),
        door.force(game),
        door.stop(game),
        door.call('POST', `${API}/runtimes/${game}/patch`, { body: { version: '1.0.1' } }),
        door.call('POST', `${API}/runtimes/${game}/banish`, { body: { race_name: 'Borg' } }),
      ].map(timed),
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

  test('reads, invalidation and the whole registry serve, and the process is ready', async () => {
    const versions = `${API}/engine-versions`;
    const calls: [number, string, string, unknown?][] = [
      [200, 'GET', `${API}/runtimes/${game}`],
      [200, 'GET', `${API}/runtimes`],
      [200, 'GET', `${API}/runtimes/${game}/operations`],
      [200, 'GET', `${API}/games/${game}/liveness`],
      [204, 'POST', `${API}/games/${game}/memberships/invalidate`],
      [200, 'GET', versions],
      [200, 'GET', `${versions}/1.0.0/image-ref`],
      [201, 'POST', versions, { version: '1.0.1', image_ref: 'engine:1.0.1' }],
      [200, 'GET', `${versions}/1.0.1`],
      [200, 'PATCH', `${versions}/1.0.1`, { options: { memory_mb: 512 } }],
      [200, 'POST', `${versions}/1.0.1/deprecate`],
      [204, 'DELETE', `${versions}/1.0.1`],
    ];
    for (const [expected, method, path, body] of calls) {
      const { status, awakeMs } = await timed(door.call(method, path, { body }));
      expect([path, status]).toEqual([path, expected]);
      expect(awakeMs).toBeLessThan(SOON_MS);
    }
    // A probe waits for a second, which is little for a busy Postgres.
    const { body } = await waitFor(async () => {
      const probe = await door.call('GET', '/readyz');
      return probe.status === 200 && probe;
    });
    expect(body).toEqual({ status: 'ready', checks: { postgres: 'up', temporal: 'down' } });
  });
});

test('Temporal is found again by itself when it comes back', async () => {
  const [host = '', port] = stackAddresses().temporalAddress.split(':');
  const proxy = await TcpProxy.start({ host, port: Number(port) });
  await proxy.setMode('refuse');
  const door = await FrontDoor.open({ GAMEMASTER_TEMPORAL_ADDRESS: `127.0.0.1:${proxy.port}` });
  const checks = async () => JSON.stringify((await door.call('GET', '/readyz')).body['checks']);
  await waitFor(async () => (await checks()) === '{"postgres":"up","temporal":"down"}');
  await proxy.setMode('pass');
  await waitFor(async () => (await checks()) === '{"postgres":"up","temporal":"up"}');
  await door.close();
  await proxy.close();
});

describe('while no worker takes the calls', () => {
  let door: FrontDoor;
  const temporal = connectTemporal({ address: stackAddresses().temporalAddress, namespace: 'default' });
  const workflow = (game: string) => temporal.workflow.getHandle(gameWorkflowId(game));
  beforeAll(async () => {
    door = await FrontDoor.open();
    await door.createVersion();
  });
  afterAll(async () => {
    await door.close();
    await temporal.connection.close();
  });

  test('a registration answers in time, and the waiting workflow knows the latest time to begin', async () => {
    const game = freshGameId();
    const begin = Date.now();
    const register = () => timed(door.register(game, { 'idempotency-key': 'k', 'x-galaxy-caller': 'lobby' }));
    expectUnavailable(await register());
    const described = await waitFor(async () => {
      const found = await workflow(game)
        .describe()
        .catch(() => undefined);
      // A busy server may have given the call up before it began the workflow.
      if (found === undefined) await register();
      return found;
    });
    expect(described.status.name).toBe('RUNNING');
    expect(described.type).toBe('game');
    expect(described.startTime.getTime()).toBeGreaterThan(begin - 1_000);
    expect((await described.staticSummary()) ?? '').toContain(game);
    await workflow(game).terminate();
    expect((await door.call('GET', `${API}/runtimes/${game}`)).status).toBe(404);
  });

  test('of many registrations the one on record is known, and the others are a conflict', async () => {
    const register = (game: string, index: number) => door.register(game, { 'idempotency-key': `k${index}` });
    const twelve = (game: string) => Promise.all(Array.from({ length: 12 }, (_, i) => register(game, i)));
    const { starting, running, early } = await (async () => {
      for (;;) {
        const [starting, running] = [freshGameId(), freshGameId()];
        const begin = Date.now();
        const early = [twelve(starting), twelve(running)];
        for (const game of [starting, running]) await waitFor(() => workflow(game).describe());
        await door.insertGame(starting, 'starting', 'another');
        await door.insertGame(running, 'running', 'another');
        // A machine that is slower than its callers are patient: the records have to be there before they give up.
        if (Date.now() - begin < ACCEPTANCE_MS) return { starting, running, early };
        await Promise.all(early);
        for (const game of [starting, running]) await workflow(game).terminate();
      }
    })();
    const [whileStarting, whileRunning] = (await Promise.all(early)).map(codesOf);
    // Of those that the server has taken it is not known whether they come to something: the other one may fail.
    expect(whileStarting).toEqual(new Set(['conflict', 'service_unavailable']));
    expect(whileRunning).toEqual(new Set(['conflict']));

    expect(codesOf(await twelve(starting))).toEqual(new Set(['conflict']));
    expectUnavailable(await timed(door.register(starting, { 'idempotency-key': 'another' })));
    for (const game of [starting, running]) await workflow(game).terminate();
  });

  test('a game whose workflow is gone answers service_unavailable after a few tries', async () => {
    const game = freshGameId();
    await door.insertGame(game);
    const replies = await Promise.all([timed(door.force(game)), timed(door.stop(game))]);
    for (const { status, body, ms, awakeMs } of replies) {
      expect([status, body]).toMatchObject([503, { error: { code: 'service_unavailable' } }]);
      expect(ms).toBeGreaterThan(2_500);
      expect(awakeMs).toBeLessThan(SOON_MS);
    }
  });
});
