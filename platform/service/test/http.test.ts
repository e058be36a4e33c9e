import { z } from 'zod';
import { unavailable, ServiceError } from '../errors';
import { buildApp, type App } from '../http';
import { createLogger } from '../logging';
import { createMetrics } from '../metrics';

let lines: string[];
let app: App;
let redisIsUp: boolean;

beforeEach(() => {
  lines = [];
  redisIsUp = true;
  const ping = () => (redisIsUp ? Promise.resolve() : Promise.reject(new Error('away')));
  app = buildApp({
    log: createLogger({ level: 'info', name: 'toy' }, { write: (line: string) => void lines.push(line) }),
    metrics: createMetrics('toy'),
    dependencies: {
      redis: { ping, needed: true },
      other: { ping: () => Promise.reject(new Error('away')), needed: false },
    },
  });
  const body = z.strictObject({ name: z.string().min(1) });
  app.post('/api/v1/internal/games/:game_id', { schema: { operationId: 'nameGame', body } }, ({ body }) => {
    if (body.name === 'taken') throw new ServiceError(409, 'conflict', 'the name is taken');
    if (body.name === 'late') throw unavailable('the store is away');
    if (body.name === 'bug') throw new Error('password hunter2');
    return { name: body.name };
  });
});
afterEach(() => app.close());

const post = (payload: string, type = 'application/json') =>
  app.inject({
    method: 'POST',
    url: '/api/v1/internal/games/orion',
    payload,
    headers: { 'content-type': type },
  });

it('answers, and logs the request with its game', async () => {
  const answer = await post('{"name":"Orion"}');
  expect([answer.statusCode, answer.json()]).toEqual([200, { name: 'Orion' }]);
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({
    msg: 'request',
    operation: 'nameGame',
    game_id: 'orion',
  });
});

it.each([
  ['an unknown field', '{"name":"a","x":1}', 400, 'invalid_request', 'body: Unrecognized key: "x"'],
  ['a missing field', '{}', 400, 'invalid_request', expect.stringMatching(/^name: /) as string],
  ['no JSON', '{', 400, 'invalid_request', 'the body is not valid JSON'],
  ['no body', '', 400, 'invalid_request', 'the body is not valid JSON'],
  ['__proto__', '{"name":"a","__proto__":{}}', 400, 'invalid_request', 'the body is not valid JSON'],
  [
    'too much',
    JSON.stringify({ name: 'a'.repeat(1024 * 1024) }),
    413,
    'invalid_request',
    expect.stringContaining('bytes') as string,
  ],
  ['a refusal', '{"name":"taken"}', 409, 'conflict', 'the name is taken'],
  ['a part that is away', '{"name":"late"}', 503, 'service_unavailable', 'the store is away'],
  ['a mistake of ours', '{"name":"bug"}', 500, 'internal_error', 'internal error'],
])('tells of %s', async (_, payload, status, code, message) => {
  const answer = await post(payload);
  expect([answer.statusCode, answer.json()]).toEqual([status, { error: { code, message } }]);
});

it('takes JSON only, and knows its addresses', async () => {
  expect((await post('name', 'text/plain')).statusCode).toBe(415);
  const missing = await app.inject('/nowhere');
  expect([missing.statusCode, missing.json<{ error: { code: string } }>().error.code]).toEqual([
    404,
    'not_found',
  ]);
});

it('is ready while what it needs answers, and says what does not', async () => {
  expect((await app.inject('/healthz')).json()).toEqual({ status: 'ok' });
  const ready = await app.inject('/readyz');
  expect([ready.statusCode, ready.json()]).toEqual([
    200,
    { status: 'ready', checks: { redis: 'up', other: 'down' } },
  ]);
  redisIsUp = false;
  const notReady = await app.inject('/readyz');
  expect([notReady.statusCode, notReady.json()]).toEqual([
    503,
    { status: 'not_ready', checks: { redis: 'down', other: 'down' } },
  ]);
});

it('shows its metrics', async () => {
  await post('{"name":"Orion"}');
  const { body } = await app.inject('/metrics');
  expect(body).toMatch(/^toy_http_request_duration_seconds_count\{operation="nameGame",status="200"\} 1$/m);
  expect(body).toMatch(/^toy_dependency_up\{dependency="other"\} 0$/m);
});
