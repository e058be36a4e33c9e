import { TcpProxy } from '../../support/tcp-proxy';
import { waitFor } from '../../support/wait-for';
import { API, FrontDoor, SOON_MS, timed } from './front-door';

test('without Postgres everything answers 503 in bounded time, and the process is not ready', async () => {
  const door = await FrontDoor.open({ GAMEMASTER_POSTGRES_QUERY_TIMEOUT: '500ms' });
  const { proxy, url } = await TcpProxy.before(door.dsn);
  await proxy.setMode('blackhole');
  const cut = await FrontDoor.open({
    GAMEMASTER_POSTGRES_DSN: url,
    GAMEMASTER_POSTGRES_CONNECT_TIMEOUT: '500ms',
    GAMEMASTER_POSTGRES_QUERY_TIMEOUT: '500ms',
  });
  const replies = await Promise.all(
    [
      cut.register('orion', { 'idempotency-key': 'k' }),
      cut.force('orion'),
      cut.stop('orion'),
      cut.call('GET', `${API}/runtimes/orion`),
      cut.call('POST', `${API}/runtimes/orion/patch`, { body: { version: '1.0.1' } }),
      cut.call('POST', `${API}/runtimes/orion/banish`, { body: { race_name: 'Borg' } }),
      cut.call('POST', `${API}/games/orion/memberships/invalidate`),
      cut.call('GET', `${API}/games/orion/liveness`),
      cut.call('GET', `${API}/games/orion/reports/0`, { headers: { 'x-user-id': 'ann' } }),
      cut.call('GET', `${API}/runtimes`),
      cut.call('GET', `${API}/engine-versions`),
      cut.call('POST', `${API}/engine-versions`, { body: { version: '1.0.0', image_ref: 'e:1' } }),
      cut.call('GET', '/readyz'),
    ].map(timed),
  );
  expect(replies.map(({ status }) => status)).toEqual(replies.map(() => 503));
  for (const { awakeMs } of replies) expect(awakeMs).toBeLessThan(SOON_MS);
  // Whether Temporal is there is asked for a second, which is little for a busy machine.
  const { body } = await waitFor(async () => {
    const probe = await cut.call('GET', '/readyz');
    return (probe.body['checks'] as { temporal: string }).temporal === 'up' && probe;
  });
  expect(body).toMatchObject({ status: 'not_ready', checks: { postgres: 'down', temporal: 'up' } });
  await proxy.setMode('pass');
  await waitFor(async () => (await cut.call('GET', '/readyz')).status === 200);
  await waitFor(async () => (await cut.call('GET', `${API}/engine-versions`)).status === 200);
  await cut.close();
  await door.close();
  await proxy.close();
});
