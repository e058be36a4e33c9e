import {
  createMetrics,
  serveObservability,
  type ObservabilityServer,
  type Readiness,
} from '../../../config/telemetry';

const listener = { host: '127.0.0.1', port: 0 };
let server: ObservabilityServer | undefined;

afterEach(async () => {
  await server?.close();
  server = undefined;
});

async function serve(readiness: () => Promise<Readiness>, metrics = createMetrics('worker')) {
  server = await serveObservability({ address: listener, metrics, readiness });
  const { host, port } = server.address;
  return (path: string, init?: RequestInit) => fetch(`http://${host}:${port}${path}`, init);
}

const up = () => Promise.resolve<Readiness>({ ready: true, checks: { postgres: 'up', temporal: 'down' } });

it('says that the process lives and whether it is ready', async () => {
  const get = await serve(up);
  const health = await get('/healthz');
  expect({ status: health.status, body: await health.json() }).toEqual({
    status: 200,
    body: { status: 'ok' },
  });
  const ready = await get('/readyz');
  expect({ status: ready.status, body: await ready.json() }).toEqual({
    status: 200,
    body: { status: 'ready', checks: { postgres: 'up', temporal: 'down' } },
  });
});

it('is not ready when readiness says so, or fails', async () => {
  let readiness = () => Promise.resolve<Readiness>({ ready: false, checks: { postgres: 'down' } });
  const get = await serve(() => readiness());
  const first = await get('/readyz');
  expect({ status: first.status, body: await first.json() }).toEqual({
    status: 503,
    body: { status: 'not_ready', checks: { postgres: 'down' } },
  });
  readiness = () => Promise.reject(new Error('boom'));
  const second = await get('/readyz');
  expect(second.status).toBe(503);
  expect(await second.text()).not.toContain('boom');
});

it('serves the metrics, and nothing else', async () => {
  const metrics = createMetrics('worker');
  metrics.turns.inc({ trigger: 'scheduler', outcome: 'success' });
  const get = await serve(up, metrics);
  const response = await get('/metrics');
  expect(response.headers.get('content-type')).toContain('text/plain');
  const text = await response.text();
  expect(text).toContain('gamemaster_turns_total{trigger="scheduler",outcome="success"} 1');
  expect(text).toContain('gamemaster_dependency_up{dependency="postgres"} 1');
  expect(text).toContain('gamemaster_dependency_up{dependency="temporal"} 0');
  const nowhere = await get('/');
  expect([nowhere.status, await nowhere.json()]).toMatchObject([404, { error: { code: 'not_found' } }]);
  const posted = await get('/metrics', { method: 'POST' });
  expect([posted.status, await posted.json()]).toMatchObject([
    405,
    { error: { code: 'method_not_allowed' } },
  ]);
});

it('fails to start where something else listens, and names the setting', async () => {
  await serve(up);
  const address = server?.address ?? listener;
  await expect(
    serveObservability({ address, metrics: createMetrics('worker'), readiness: up }),
  ).rejects.toMatchObject({
    message: expect.stringContaining('GAMEMASTER_METRICS_ADDR') as string,
    cause: { code: 'EADDRINUSE' },
  });
});

it('has no metric that is labelled by game', async () => {
  const { registry } = createMetrics('worker');
  const described = await registry.getMetricsAsJSON();
  const labels = described
    .filter(({ name }) => name.startsWith('gamemaster_'))
    .flatMap(
      ({ name }) => (registry.getSingleMetric(name) as unknown as { labelNames: string[] }).labelNames,
    );
  expect(labels).toEqual(expect.arrayContaining(['trigger', 'operation', 'kind']));
  expect(labels.filter((label) => label.includes('game'))).toEqual([]);
});
