import { once } from 'node:events';
import { connect } from 'node:net';
import { waitFor } from '../../support/wait-for';
import { lonelyApp, type LonelyApp } from './lonely-app';
import type { HttpRequest } from './send';

let lonely: LonelyApp;
beforeAll(async () => {
  lonely = await lonelyApp({ GAMEMASTER_ENGINE_HOSTS: 'galaxy-game-*', GAMEMASTER_HTTP_BODY_LIMIT: '64KiB' });
});
afterAll(() => lonely.close());

interface Answer {
  status: number;
  code: string;
  message: string;
  headers: Record<string, unknown>;
}

async function send(request: HttpRequest): Promise<Answer> {
  const { status, headers, body } = await lonely.send(request);
  const { error, ...rest } = JSON.parse(body) as { error: { code: string; message: string } };
  expect(rest).toEqual({});
  expect(Object.keys(error)).toEqual(['code', 'message']);
  expect(headers['content-type']).toBe('application/json; charset=utf-8');
  return { status, ...error, headers };
}

const base = '/api/v1/internal';
const members = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ user_id: `user-${index}`, race_name: `Race ${index}` }));
const registration = {
  engine_endpoint: 'http://galaxy-game-orion:8080',
  members: members(2),
  target_engine_version: '1.4.2',
  turn_schedule: '0 18 * * *',
};
const json = (
  url: string,
  payload: unknown,
  headers: Record<string, string | string[]> = {},
): HttpRequest => ({
  method: 'POST',
  url: `${base}${url}`,
  headers: { 'content-type': 'application/json', ...headers },
  payload: typeof payload === 'string' || Buffer.isBuffer(payload) ? payload : JSON.stringify(payload),
});
const register = (change: object) => json('/games/orion/register-runtime', { ...registration, ...change });
const stop = (payload: unknown, headers?: Record<string, string | string[]>) =>
  json('/runtimes/orion/stop', payload, headers);
const force = (request: Partial<HttpRequest>): HttpRequest => ({
  method: 'POST',
  url: `${base}/runtimes/orion/force-next-turn`,
  ...request,
});
const create = (change: object) =>
  json('/engine-versions', { version: '1.4.2', image_ref: 'registry.example/engine:1.4.2', ...change });
const commands = (payload: string) => json('/games/orion/commands', payload, { 'x-user-id': 'u' });
const get = (url: string, headers: Record<string, string> = {}): HttpRequest => ({
  method: 'GET',
  url: `${base}${url}`,
  headers,
});

describe('passes every check', () => {
  const passing: [string, HttpRequest][] = [
    ['a registration', register({})],
    ['200 members', register({ members: members(200) })],
    ['a user id with every allowed sign', register({ members: [{ user_id: 'A.z_0:9@x-', race_name: 'R' }] })],
    ['a race of 64 code points', register({ members: [{ user_id: 'u', race_name: '🚀'.repeat(64) }] })],
    ['an endpoint with a slash', register({ engine_endpoint: 'https://galaxy-game-1/' })],
    ['a prerelease', register({ target_engine_version: '2.0.0-rc.1' })],
    ['a schedule with names', register({ turn_schedule: '0 18 * JAN-JUN MON' })],
    ['a game id of 64', json(`/games/${'g'.repeat(64)}/register-runtime`, registration)],
    ['a reason', stop({ reason: 'over' })],
    ['a reason of 500 code points', stop({ reason: '𝄞'.repeat(500) })],
    ['a reason with line ends', stop({ reason: 'a\nb' })],
    ['UTF-8 said so', stop({ reason: 'over' }, { 'content-type': 'application/json; charset=UTF-8' })],
    ['a media type in capitals', stop({ reason: 'over' }, { 'content-type': 'Application/JSON' })],
    ['the longest key', stop({ reason: 'over' }, { 'idempotency-key': '!~'.repeat(64) })],
    ['a caller and an actor', stop({ reason: 'over' }, { 'x-galaxy-caller': 'admin', 'x-actor': 'Jo Doe' })],
    ['force without a body', force({})],
    ['force with an empty object', force({ headers: { 'content-type': 'application/json' }, payload: '{}' })],
    ['force with an empty body', force({ headers: { 'content-type': 'application/json' }, payload: '' })],
    ['a version', create({})],
    ['a version by digest', create({ image_ref: `e@sha256:${'0'.repeat(64)}` })],
    ['options', create({ options: { memory_mb: 512, nested: { list: [1, null, 'x'] } } })],
    ['a version of 16 digits', create({ version: '9007199254740991.0.0' })],
    ['an image of a registry by its address', create({ image_ref: '[2001:db8::1]:5000/engine:1' })],
    ['an endpoint in capitals', register({ engine_endpoint: 'HTTP://galaxy-game-orion:8080' })],
    ['a key twice within a command', commands('{"commands":[{"a":1,"a":{"b":1,"b":2}}]}')],
    [
      'a turn beyond all turns',
      get(`/games/orion/reports/2147483648${'0'.repeat(99)}`, { 'x-user-id': 'u' }),
    ],
    ['a read', get('/runtimes/orion')],
    ['a list', get('/runtimes')],
    ['a list with everything', get('/runtimes?status=running&limit=200')],
    ['a list of versions', get('/engine-versions?status=deprecated')],
    ['a version read', get('/engine-versions/1.4.2-rc.1')],
    ['an image', get('/engine-versions/1.4.2/image-ref')],
  ];

  it.each(passing)('%s', async (_what, request) => {
    const answer = await send(request);
    expect(answer).toMatchObject({
      status: 503,
      code: 'service_unavailable',
      message: 'the store is not available',
    });
    expect(Number(answer.headers['retry-after'])).toBeGreaterThanOrEqual(1);
  });
});

describe('is invalid_request', () => {
  const one = (change: object) => register({ members: [{ user_id: 'u', race_name: 'r', ...change }] });
  const deep = (levels: number) => `{"reason":${'['.repeat(levels)}${']'.repeat(levels)}}`;
  const bad: [string, HttpRequest, RegExp | string][] = [
    // Addresses
    ['a game id with a dot', get('/runtimes/a.b'), 'game_id: must be 1 to 64 characters of A-Z a-z 0-9 _ -'],
    ...['01', '-1', '+1', '1.0', '1e3', '%20'].map((turn): [string, HttpRequest, RegExp] => [
      `turn ${turn}`,
      get(`/games/orion/reports/${turn}`, { 'x-user-id': 'u' }),
      /^turn: must be digits without a sign or leading zeros/,
    ]),
    ['an empty game id', get('/runtimes/'), /^game_id/],
    ['a game id of 65', get(`/runtimes/${'g'.repeat(65)}`), /^game_id/],
    ['a game id of 3000', get(`/runtimes/${'g'.repeat(3_000)}`), /^game_id/],
    ['an escaped game id', get('/runtimes/a%2Fb'), /^game_id/],
    ['a game id with a line end', get('/runtimes/orion%0A'), /^game_id/],
    ['an address that cannot be decoded', get('/runtimes/%zz'), 'the address is not a valid URL'],
    [
      'a version in the address',
      get('/engine-versions/v1.4.2'),
      /^version: must be an exact semantic version/,
    ],
    ['build metadata in the address', get('/engine-versions/1.4.2+b'), /^version/],
    ['a version of an image', get('/engine-versions/latest/image-ref'), /^version/],
    // Queries
    ['an unknown filter', get('/runtimes?state=running'), /^query: Unrecognized key: "state"/],
    ['a filter where none is', get('/runtimes/orion?x=1'), /^query: Unrecognized key: "x"/],
    ['an unknown status', get('/runtimes?status=paused'), /^status/],
    ['an empty status', get('/runtimes?status='), /^status/],
    ['a doubled status', get('/runtimes?status=running&status=running'), /^status/],
    ['a version status', get('/engine-versions?status=running'), /^status/],
    ...['0', '201', '-1', '1.5', '1e2', '0x10', '05', '', '%20', 'all', '99999999999999999999'].map(
      (limit): [string, HttpRequest, RegExp] => [
        `limit=${limit}`,
        get(`/runtimes?limit=${limit}`),
        /^limit: must/,
      ],
    ),
    ['a cursor of other signs', get('/runtimes?cursor=a.b'), /^cursor: must be the next_cursor/],
    ['a cursor made up', get('/runtimes?cursor=abc'), /^cursor: must be the next_cursor/],
    ['a cursor too long', get(`/runtimes?cursor=${'a'.repeat(513)}`), /^cursor/],
    // Bodies as such
    ['no body', { ...stop(''), headers: { 'content-type': 'application/json' } }, /^body/],
    ['no body at all', { method: 'POST', url: `${base}/runtimes/orion/stop` }, /^body/],
    ['half a body', stop('{"reason":'), 'the body is not valid JSON in UTF-8'],
    ['two bodies', stop('{"reason":"a"}{}'), 'the body is not valid JSON in UTF-8'],
    ['bytes that are no UTF-8', stop(Buffer.from([0x7b, 0xff, 0x7d])), 'the body is not valid JSON in UTF-8'],
    ['a list', stop('[]'), 'the body must be a JSON object'],
    ['null', stop('null'), 'the body must be a JSON object'],
    ['a text', stop('"reason"'), 'the body must be a JSON object'],
    ['the same key twice', stop('{"reason":"a","reason":"b"}'), 'the body has the key "reason" twice'],
    [
      'the same key escaped',
      stop('{"reason":"a","re\\u0061son":"b"}'),
      'the body has the key "reason" twice',
    ],
    ['__proto__', stop('{"reason":"a","__proto__":{}}'), 'the body has a key __proto__'],
    ['__proto__ escaped', stop('{"reason":"a","\\u005f_proto__":{}}'), 'the body has a key __proto__'],
    ['__proto__ in a command', commands('{"commands":[{"__proto__":1}]}'), 'the body has a key __proto__'],
    ['commands twice', commands('{"commands":[],"commands":[{}]}'), 'the body has the key "commands" twice'],
    [
      '__proto__ in options',
      json('/engine-versions', '{"version":"1.4.2","image_ref":"e:1","options":{"__proto__":{}}}'),
      'the body has a key __proto__',
    ],
    [
      'the same key twice in options',
      json('/engine-versions', '{"version":"1.4.2","image_ref":"e:1","options":{"a":1,"a":2}}'),
      'the body has the key "a" twice',
    ],
    [
      'half a surrogate pair',
      stop('{"reason":"\\ud800"}'),
      'the body has text that is not well-formed Unicode',
    ],
    ['deep nesting', stop(deep(64)), 'the body is nested deeper than 64 levels'],
    ['very deep nesting', stop(deep(20_000)), 'the body is nested deeper than 64 levels'],
    ['an unknown field', stop({ reason: 'a', force: true }), 'body: Unrecognized key: "force"'],
    [
      'a huge unknown field',
      stop({ reason: 'a', ['x'.repeat(9_000)]: 1 }),
      /^body: Unrecognized key: "x{100,480}…$/,
    ],
    // Stop
    ['no reason', stop({}), /^reason/],
    ['an empty reason', stop({ reason: '' }), 'reason: must have 1 to 500 characters'],
    ['a long reason', stop({ reason: 'x'.repeat(501) }), 'reason: must have 1 to 500 characters'],
    ['a reason with NUL', stop({ reason: 'a\u0000' }), 'reason: must have no NUL characters'],
    ['a number for a reason', stop({ reason: 7 }), /^reason/],
    // Force
    [
      'force with a field',
      force({ headers: { 'content-type': 'application/json' }, payload: '{"turns":2}' }),
      'body: Unrecognized key: "turns"',
    ],
    [
      'force with null',
      force({ headers: { 'content-type': 'application/json' }, payload: 'null' }),
      'the body must be a JSON object',
    ],
    [
      'force with a list',
      force({ headers: { 'content-type': 'application/json' }, payload: '[]' }),
      'the body must be a JSON object',
    ],
    // Register
    ['a missing field', register({ turn_schedule: undefined }), /^turn_schedule/],
    ['a field too many', register({ reason: 'x' }), 'body: Unrecognized key: "reason"'],
    ['no members', register({ members: [] }), /^members/],
    ['201 members', register({ members: members(201) }), /^members/],
    ['members that are no list', register({ members: { 0: members(1)[0] } }), /^members/],
    ['a member with a field too many', one({ email: 'x' }), 'members.0: Unrecognized key: "email"'],
    ['a member without a race', one({ race_name: undefined }), /^members\.0\.race_name/],
    [
      'a user twice',
      register({
        members: [
          { user_id: 'u', race_name: 'a' },
          { user_id: 'u', race_name: 'b' },
        ],
      }),
      'members: must not name a user_id twice',
    ],
    [
      'a race twice',
      register({
        members: [
          { user_id: 'u', race_name: 'a' },
          { user_id: 'v', race_name: 'a' },
        ],
      }),
      'members: must not name a race_name twice',
    ],
    ['an empty user', one({ user_id: '' }), /^members\.0\.user_id/],
    ['a user of 129', one({ user_id: 'u'.repeat(129) }), /^members\.0\.user_id/],
    ['a user with a space', one({ user_id: 'a b' }), /^members\.0\.user_id/],
    ['a user with a line end', one({ user_id: 'a\n' }), /^members\.0\.user_id/],
    ['an empty race', one({ race_name: '' }), 'members.0.race_name: must have 1 to 64 characters'],
    ['a race of 65', one({ race_name: 'r'.repeat(65) }), /^members\.0\.race_name/],
    [
      'a race with a tab',
      one({ race_name: 'a\tb' }),
      'members.0.race_name: must have printable characters only',
    ],
    ['a race with DEL', one({ race_name: 'a\u007f' }), /^members\.0\.race_name/],
    ['a race that turns the text round', one({ race_name: 'a\u202eb' }), /^members\.0\.race_name/],
    ['a race with nothing to see', one({ race_name: '\u200b' }), /^members\.0\.race_name/],
    ...['1.4', 'v1.4.2', '1.4.2+build', '01.4.2', 'latest', ''].map(
      (version): [string, HttpRequest, RegExp] => [
        `engine version ${JSON.stringify(version)}`,
        register({ target_engine_version: version }),
        /^target_engine_version: must be an exact semantic version/,
      ],
    ),
    ...[
      '* * * *',
      '* * * * * *',
      '60 * * * *',
      '* * * * 7',
      '@daily @daily',
      'TZ=UTC * * * * *',
      'every day at 6',
      '0 0 31 2 *',
    ].map((schedule): [string, HttpRequest, RegExp] => [
      `schedule ${schedule}`,
      register({ turn_schedule: schedule }),
      /^turn_schedule: /,
    ]),
    ['a schedule too long', register({ turn_schedule: `${'0,'.repeat(200)}0 * * * *` }), /^turn_schedule/],
    [
      'an engine on another host',
      register({ engine_endpoint: 'http://example.com' }),
      'engine_endpoint: host example.com is not one that engines may have',
    ],
    [
      'an endpoint that is no URL',
      register({ engine_endpoint: 'galaxy-game-1:8080' }),
      /^engine_endpoint: must/,
    ],
    ['a number for an endpoint', register({ engine_endpoint: 1 }), /^engine_endpoint/],
    // Engine versions
    ['a version that is none', create({ version: '1' }), /^version: must be an exact semantic version/],
    ['an image without tag', create({ image_ref: 'registry.example/engine' }), /^image_ref: must/],
    ['a status', create({ status: 'active' }), 'body: Unrecognized key: "status"'],
    ['options that are a list', create({ options: [] }), /^options/],
    ['options that are null', create({ options: null }), /^options/],
    ['NUL in options', create({ options: { a: ['\u0000'] } }), /^options: must have no NUL/],
    ['NUL in a key of options', create({ options: { a: { '\u0000': 1 } } }), /^options: must have no NUL/],
    [
      'a number out of range',
      json('/engine-versions', '{"version":"1.4.2","image_ref":"e:1","options":{"a":1e999}}'),
      /^options: must have no NUL characters and no numbers out of range/,
    ],
    // Headers
    ['an empty key', stop({ reason: 'a' }, { 'idempotency-key': '' }), /^Idempotency-Key: must be 1 to 128/],
    ['a key of 129', stop({ reason: 'a' }, { 'idempotency-key': 'k'.repeat(129) }), /^Idempotency-Key/],
    ['a key with a space', stop({ reason: 'a' }, { 'idempotency-key': 'a b' }), /^Idempotency-Key/],
    ['a key beyond ASCII', stop({ reason: 'a' }, { 'idempotency-key': 'é' }), /^Idempotency-Key/],
    [
      'two keys',
      stop({ reason: 'a' }, { 'idempotency-key': ['a', 'b'] }),
      'idempotency-key: must not be repeated',
    ],
    ['the same key twice', stop({ reason: 'a' }, { 'idempotency-key': ['a', 'a'] }), /^idempotency-key/],
    [
      'an unknown caller',
      stop({ reason: 'a' }, { 'x-galaxy-caller': 'nobody' }),
      /^X-Galaxy-Caller: must be one of/,
    ],
    ['a caller in capitals', stop({ reason: 'a' }, { 'x-galaxy-caller': 'Admin' }), /^X-Galaxy-Caller/],
    ['the scheduler', stop({ reason: 'a' }, { 'x-galaxy-caller': 'scheduler' }), /^X-Galaxy-Caller/],
    ['an empty caller', stop({ reason: 'a' }, { 'x-galaxy-caller': '' }), /^X-Galaxy-Caller/],
    ['two callers', stop({ reason: 'a' }, { 'x-galaxy-caller': ['admin', 'lobby'] }), /^x-galaxy-caller/],
    ...['/runtimes/orion', '/runtimes', '/engine-versions', '/games/orion/liveness'].map(
      (url): [string, HttpRequest, RegExp] => [
        `an unknown caller of ${url}`,
        get(url, { 'x-galaxy-caller': 'nobody' }),
        /^X-Galaxy-Caller: must be one of/,
      ],
    ),
    [
      'an unknown caller of the hot path',
      json('/games/orion/commands', '{"commands":[]}', { 'x-user-id': 'u', 'x-galaxy-caller': 'nobody' }),
      /^X-Galaxy-Caller: must be one of/,
    ],
    ['an empty actor', stop({ reason: 'a' }, { 'x-actor': '' }), /^X-Actor/],
    ['a long actor', stop({ reason: 'a' }, { 'x-actor': 'a'.repeat(129) }), /^X-Actor/],
    ['two actors', stop({ reason: 'a' }, { 'x-actor': ['a', 'b'] }), /^x-actor/],
  ];

  it.each(bad)('%s', async (_what, request, message) => {
    const answer = await send(request);
    expect(answer).toMatchObject({ status: 400, code: 'invalid_request' });
    if (typeof message === 'string') expect(answer.message).toBe(message);
    else expect(answer.message).toMatch(message);
  });

  it.each([
    ['no media type', undefined],
    ['text', 'text/plain'],
    ['a form', 'application/x-www-form-urlencoded'],
    ['nearly JSON', 'application/jsonp'],
    ['a JSON of another kind', 'application/vnd.galaxy+json'],
    ['nonsense', 'json'],
    ['another charset', 'application/json; charset=latin1'],
    ['two types', 'application/json, text/plain'],
  ])('and 415: %s', async (_what, type) => {
    const request = stop('{"reason":"a"}');
    const headers = type === undefined ? {} : { 'content-type': type };
    const answer = await send({ ...request, headers: { ...headers, 'content-length': '14' } });
    expect(answer).toMatchObject({
      status: 415,
      code: 'invalid_request',
      message: 'the body must be application/json',
    });
  });

  it('and 415: a compressed body', async () => {
    expect(await send(stop('{"reason":"a"}', { 'content-encoding': 'gzip' }))).toMatchObject({
      status: 415,
      code: 'invalid_request',
    });
  });

  it('and 413: a body over the limit, but not one at the limit', async () => {
    const fill = (bytes: number) => `{"reason":"a"}${' '.repeat(bytes - 14)}`;
    expect(await send(stop(fill(65_536)))).toMatchObject({ status: 503 });
    expect(await send(stop(fill(65_537)))).toMatchObject({
      status: 413,
      code: 'invalid_request',
      message: 'the body is longer than 65536 bytes',
    });
  });
});

describe('what HTTP/1.1 itself asks for', () => {
  const raw = async (text: string): Promise<string> => {
    const socket = connect(lonely.port, '127.0.0.1');
    socket.write(text);
    let answer = '';
    for await (const chunk of socket) answer += String(chunk);
    return answer;
  };

  it.each([
    ['no Host', '', 'Host: must be there'],
    ['an unknown expectation', 'Host: x\r\nExpect: foo\r\n', 'Expect: must be 100-continue'],
  ])('%s is invalid_request', async (_what, headers, message) => {
    const answer = await raw(`GET /healthz HTTP/1.1\r\n${headers}Connection: close\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer).toContain(`{"error":{"code":"invalid_request","message":"${message}"}}`);
  });

  it.each([
    ['HTTP/1.0 without Host', 'HTTP/1.0', ''],
    ['100-continue', 'HTTP/1.1', 'Host: x\r\nExpect: 100-Continue\r\n'],
  ])('%s is fine', async (_what, version, headers) => {
    const answer = await raw(`GET /healthz ${version}\r\n${headers}Connection: close\r\n\r\n`);
    expect(answer).toContain('{"status":"ok"}');
  });
});

describe('six-field schedules', () => {
  it('pass where they are allowed', async () => {
    const withSeconds = await lonelyApp({ GAMEMASTER_SCHEDULE_ALLOW_SECONDS: 'true' });
    const answers = await Promise.all(
      ['*/5 * * * * *', '0 18 * * *', '* * * * * * *'].map((turn_schedule) =>
        withSeconds.send(register({ turn_schedule })),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual([503, 503, 400]);
    await withSeconds.close();
  });
});

describe('the idempotency key', () => {
  it('comes back, also with an error', async () => {
    const answers = [
      await send(stop({ reason: 'a' }, { 'idempotency-key': 'mine' })),
      await send(stop({}, { 'idempotency-key': 'mine' })),
      await send(stop({ reason: 'a' }, { 'idempotency-key': 'mine', 'x-galaxy-caller': 'nobody' })),
    ];
    expect(answers.map(({ status }) => status)).toEqual([503, 400, 400]);
    expect(answers.map(({ headers }) => headers['idempotency-key'])).toEqual(['mine', 'mine', 'mine']);
  });

  it('is made up where there is none, each time another', async () => {
    const keys = [await send(force({})), await send(force({}))].map(
      ({ headers }) => headers['idempotency-key'],
    );
    for (const key of keys) expect(key).toMatch(/^[0-9a-f-]{36}$/);
    expect(keys[0]).not.toBe(keys[1]);
  });
});

describe('paths and methods', () => {
  it.each([
    '/',
    '/api',
    '/api/v1/internal',
    `${base}/runtime/orion`,
    `${base}/runtimes/orion/`,
    `${base}/runtimes//stop`,
    `${base}/Runtimes`,
    '/metrics',
    '/__proto__',
    '//healthz',
  ])('GET %s is not_found', async (url) => {
    expect(await send({ method: 'GET', url })).toMatchObject({ status: 404, code: 'not_found' });
  });

  it('POST to an unknown path is not_found, whatever the body', async () => {
    expect(
      await send({
        method: 'POST',
        url: `${base}/nothing`,
        headers: { 'content-type': 'text/plain' },
        payload: 'x',
      }),
    ).toMatchObject({ status: 404, code: 'not_found' });
  });

  it.each([
    ['POST', '/healthz', 'GET'],
    ['OPTIONS', '/readyz', 'GET'],
    ['TRACE', '/healthz', 'GET'],
    ['PUT', `${base}/runtimes`, 'GET'],
    ['DELETE', `${base}/runtimes/orion`, 'GET'],
    ['PROPFIND', `${base}/runtimes/orion`, 'GET'],
    ['GET', `${base}/runtimes/orion/stop?x=1`, 'POST'],
    ['GET', `${base}/games/orion/register-runtime`, 'POST'],
    ['PUT', `${base}/engine-versions`, 'GET, POST'],
    ['POST', `${base}/engine-versions/1.4.2/image-ref`, 'GET'],
  ])('%s %s is method_not_allowed', async (method, url, allow) => {
    const answer = await send({ method: method, url, headers: { 'content-type': 'text/plain' } });
    expect(answer).toMatchObject({ status: 405, code: 'method_not_allowed' });
    expect(answer.headers.allow).toBe(allow);
  });

  it.each(['/healthz', `${base}/runtimes`])('HEAD %s is refused without a body', async (url) => {
    const response = await lonely.send({ method: 'HEAD', url });
    expect(response.status).toBe(405);
    expect(response.headers['allow']).toMatch(/^GET/);
    expect(response.body).toBe('');
  });
});

describe('every answer', () => {
  it.each([
    ['a success', { method: 'GET', url: '/healthz' }],
    ['a failure', get('/runtimes/orion')],
    ['a bad address', get('/runtimes/%zz')],
    ['an unknown path', get('/nothing')],
  ] as [string, HttpRequest][])('has its security headers: %s', async (_what, request) => {
    const { headers } = await lonely.send(request);
    expect(headers).toMatchObject({
      'cache-control': 'no-store',
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
      'x-content-type-options': 'nosniff',
    });
  });
});

describe('probes', () => {
  it('alive without any neighbour', async () => {
    const response = await lonely.send({ url: '/healthz' });
    expect([response.status, JSON.parse(response.body)]).toEqual([200, { status: 'ok' }]);
  });

  it('not ready without Postgres, and says what is missing', async () => {
    const response = await lonely.send({ url: '/readyz' });
    expect([response.status, JSON.parse(response.body)]).toEqual([
      503,
      { status: 'not_ready', checks: { postgres: 'down', temporal: 'down' } },
    ]);
  });
});

describe('the log', () => {
  it('has one line for a request, with the game and the cause of a failure', async () => {
    lonely.lines.length = 0;
    await send(stop({ reason: 'over' }));
    expect(lonely.lines).toHaveLength(1);
    expect(lonely.lines[0]).toMatchObject({
      operation: 'internalStopRuntime',
      game_id: 'orion',
      status: 503,
      code: 'service_unavailable',
      duration_ms: expect.any(Number) as number,
      err: { type: 'StoreUnavailable' },
    });
  });

  it('has a line for a caller who left before the answer', async () => {
    lonely.lines.length = 0;
    const socket = connect(lonely.port, '127.0.0.1');
    const head = `POST ${base}/runtimes/orion/stop HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n`;
    socket.write(`${head}Content-Length: 50\r\nExpect: 100-continue\r\n\r\n`);
    // The answer says that the headers have arrived.
    await once(socket, 'data');
    socket.resetAndDestroy();
    await waitFor(() => lonely.lines.length > 0);
    expect(lonely.lines).toMatchObject([
      { operation: 'internalStopRuntime', game_id: 'orion', msg: 'the caller left before the answer' },
    ]);
  });

  it('tells the code of a refusal without a stack', async () => {
    lonely.lines.length = 0;
    await send(stop({}));
    expect(lonely.lines).toHaveLength(1);
    expect(lonely.lines[0]).toMatchObject({
      operation: 'internalStopRuntime',
      status: 400,
      code: 'invalid_request',
    });
    expect(lonely.lines[0]).not.toHaveProperty('err');
  });
});
