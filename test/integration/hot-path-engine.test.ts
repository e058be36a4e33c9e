import type { ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { API } from './api/front-door';
import { outcomeOf, PATIENT, PlayersGround } from '../support/players-ground';
import type { Script } from '../support/scripted-engine';
import { waitFor } from '../support/wait-for';
import type { HttpAnswer } from '../unit/api/send';

const HOT_TIMEOUT_MS = 30_000;
const BODY_LIMIT = 4_096;

let ground: PlayersGround;
let game: string;
beforeAll(async () => {
  ground = await PlayersGround.open({
    ...PATIENT,
    GAMEMASTER_ENGINE_HOT_TIMEOUT: `${HOT_TIMEOUT_MS}ms`,
    GAMEMASTER_HTTP_BODY_LIMIT: `${BODY_LIMIT}`,
  });
  game = await ground.game({ players: { ann: 'Aelinari', eve: 'Ä "&=?+/ race' } });
});
afterEach(() => ground.engine.reset());
afterAll(() => ground.close());

describe('what the engine is sent', () => {
  test('commands, byte for byte, as the race of the caller', async () => {
    const list =
      '[ {"n": 12345678901234567890, "x":1.0,"e":1E2, "s":"\\u00e9\\/é"},{"b":[1,[2]] ,"t":"]","t":{"t":1,"t":2}}\n]';
    expect(await ground.commands(game, 'ann', `{ "commands" : ${list} }`)).toMatchObject({ status: 200 });
    expect(ground.engine.lastCall).toMatchObject({ method: 'POST', url: '/api/v1/command' });
    expect(ground.engine.lastCall.body.toString()).toBe(`{"actor":"Aelinari","cmd":${list}}`);
  });

  test('orders, also none at all', async () => {
    const answer = await ground.send({
      method: 'PUT',
      url: `${API}/games/${game}/orders`,
      headers: { 'content-type': 'application/json; charset=utf-8', 'x-user-id': 'eve' },
      payload: '\ufeff{"\\u0063ommands":[]}',
    });
    expect(answer.status).toBe(200);
    expect(ground.engine.lastCall).toMatchObject({ method: 'PUT', url: '/api/v1/order' });
    expect(ground.engine.lastCall.body.toString()).toBe(
      `{"actor":${JSON.stringify('Ä "&=?+/ race')},"cmd":[]}`,
    );
  });

  test('a report question, whatever characters the race has', async () => {
    expect(await ground.report(game, 2_147_483_647, 'eve')).toMatchObject({ status: 200 });
    const { method, url, body } = ground.engine.lastCall;
    const question = new URL(url, 'http://engine');
    expect([method, question.pathname, body.length]).toEqual(['GET', '/api/v1/report', 0]);
    expect([...question.searchParams]).toEqual([
      ['player', 'Ä "&=?+/ race'],
      ['turn', '2147483647'],
    ]);
  });

  test('no header of the caller', async () => {
    const headers = {
      'content-type': 'application/json; charset=utf-8',
      'x-user-id': 'ann',
      authorization: 'Bearer secret',
      cookie: 'a=b',
      'if-match': '"7"',
      'x-forwarded-for': '10.0.0.1',
      'accept-encoding': 'gzip',
      'x-actor': 'root',
      expect: '100-continue',
    };
    const url = `${API}/games/${game}/commands`;
    expect(await ground.send({ method: 'POST', url, headers, payload: '{"commands":[]}' })).toMatchObject({
      status: 200,
    });
    expect(Object.keys(ground.engine.lastCall.headers).sort()).toEqual(
      ['connection', 'content-length', 'content-type', 'host'].sort(),
    );
    expect(ground.engine.lastCall.headers['content-type']).toBe('application/json');
    await ground.report(game, 1);
    expect(Object.keys(ground.engine.lastCall.headers).sort()).toEqual(['connection', 'host']);
  });
});

describe('what comes back of a success', () => {
  test.each<[string, number, Record<string, string>, string, string | undefined]>([
    [
      'JSON with odd spacing',
      200,
      { 'content-type': 'application/json' },
      '{ "n": 1.0 }\n',
      'application/json',
    ],
    [
      'text of another charset',
      201,
      { 'content-type': 'text/plain; charset=latin1' },
      'a\u0001',
      'text/plain; charset=latin1',
    ],
    ['no type', 200, {}, 'bytes', 'application/octet-stream'],
    ['nothing', 204, {}, '', undefined],
    ['nothing, with a type', 200, { 'content-type': 'text/x' }, '', 'text/x'],
    ['what is no JSON at all', 200, { 'content-type': 'application/json' }, '<html>', 'application/json'],
  ])('%s', async (_what, status, headers, body, type) => {
    ground.engine.answerWith((response) => response.writeHead(status, headers).end(body));
    const answer = await ground.commands(game);
    expect(answer).toMatchObject({ status, body });
    expect(answer.headers['content-type']).toBe(type);
  });

  test('its bytes, however many pieces they come in', async () => {
    const bytes = Buffer.from(Array.from({ length: 300_000 }, (_value, index) => index % 256));
    ground.engine.answerWith((response) => {
      response.writeHead(200, { 'content-type': 'application/octet-stream' });
      for (let at = 0; at < bytes.length; at += 10_000) response.write(bytes.subarray(at, at + 10_000));
      response.end();
    });
    const response = await fetch(`${ground.door.baseUrl}${API}/games/${game}/reports/1`, {
      headers: { 'x-user-id': 'ann' },
    });
    expect(Buffer.from(await response.arrayBuffer()).equals(bytes)).toBe(true);
  });

  test('and no other header of the engine', async () => {
    ground.engine.answerWith((response) =>
      response
        .writeHead(200, {
          'content-type': 'application/json',
          'set-cookie': 'a=b',
          'x-powered-by': 'engine',
          etag: '"1"',
          'cache-control': 'public',
          location: 'http://elsewhere',
        })
        .end('{}'),
    );
    const { headers } = await ground.commands(game);
    expect(Object.keys(headers).sort()).toEqual(
      [
        'cache-control',
        'connection',
        'content-length',
        'content-security-policy',
        'content-type',
        'date',
        'x-content-type-options',
      ].sort(),
    );
    expect(headers['cache-control']).toBe('no-store');
  });
});

describe('what becomes of an engine that refuses or fails', () => {
  const answering =
    (status: number, body: string, headers: Record<string, string> = {}): Script =>
    (response) =>
      response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body);
  const saying = (message: string): string => JSON.stringify({ error: { code: 'x', message } });

  test.each([
    ['400', answering(400, saying('no such planet')), 'no such planet'],
    ['404', answering(404, saying('no report of turn 9')), 'no report of turn 9'],
    ['409 without a reason', answering(409, '<html>'), 'the engine answered 409'],
    ['412', answering(412, saying('elsewhere')), 'elsewhere'],
    ['429', answering(429, saying('slower')), 'slower'],
  ])('%s is its refusal', async (_what, script, message) => {
    ground.engine.answerWith(script);
    const { status, body } = await ground.commands(game);
    expect([status, JSON.parse(body)]).toEqual([
      422,
      { error: { code: 'engine_validation_error', message } },
    ]);
  });

  test.each<[string, Script]>([
    ['500', answering(500, saying('secret trace'))],
    ['503', answering(503, saying('down'))],
    ['a redirect', answering(307, '', { location: 'http://127.0.0.1:1/' })],
    ['304', answering(304, '')],
    ['a connection that is cut', (response) => void response.destroy()],
    [
      'an answer that is cut',
      (response) => {
        response.writeHead(200, { 'content-length': '100' }).write('{');
        setImmediate(() => response.destroy());
      },
    ],
    [
      'an answer without end',
      (response) => {
        const pump = (): void => {
          while (!response.destroyed && response.write(Buffer.alloc(256 * 1024)));
          if (!response.destroyed) response.once('drain', pump);
        };
        response.writeHead(200);
        pump();
      },
    ],
    ['compression', answering(200, 'xx', { 'content-encoding': 'gzip' })],
    ['what is not HTTP', (response) => void response.socket?.end('SSH-2.0-engine\r\n')],
  ])('%s is its failure, told in time and without its words', async (_what, script) => {
    ground.engine.answerWith(script);
    const begin = performance.now();
    const answer = await ground.report(game, 1);
    // It has failed already: the time that it would have had is not waited for.
    expect(performance.now() - begin).toBeLessThan(HOT_TIMEOUT_MS / 2);
    expect([answer.status, outcomeOf(answer)]).toEqual([502, 'engine_unreachable']);
    expect(answer.body).not.toContain('secret');
    ground.engine.reset();
    expect(await ground.report(game, 1)).toMatchObject({ status: 200 });
  });

  test.each<[string, Script]>([
    ['silence', () => undefined],
    ['an answer that never ends', (response) => void response.writeHead(200).write('{')],
  ])('%s is its failure when its time is over', async (_what, script) => {
    const impatient = await PlayersGround.open({ ...PATIENT, GAMEMASTER_ENGINE_HOT_TIMEOUT: '400ms' });
    const lost = await impatient.game();
    impatient.engine.answerWith(script);
    const begin = performance.now();
    const answer = await impatient.report(lost, 1);
    const tookMs = performance.now() - begin;
    expect([answer.status, outcomeOf(answer)]).toEqual([502, 'engine_unreachable']);
    expect(tookMs).toBeGreaterThanOrEqual(400);
    // No other limit is as near; the rest is for a busy machine.
    expect(tookMs).toBeLessThan(10_000);
    impatient.engine.reset();
    await waitFor(async () => (await impatient.report(lost, 1)).status === 200);
    await impatient.close();
  });

  test('it is called once, whatever it does', async () => {
    const before = ground.engine.calls.length;
    ground.engine.answerWith((response) => void response.destroy());
    await ground.commands(game);
    expect(ground.engine.calls.length).toBe(before + 1);
  });

  test('nobody listens, or the address is not one that an engine may have', async () => {
    for (const endpoint of [
      'http://127.0.0.1:1',
      'http://169.254.169.254',
      'http://[fe80::1]:80',
      'http://[64:ff9b::a9fe:a9fe]',
    ]) {
      const lost = await ground.game({ endpoint });
      expect(outcomeOf(await ground.commands(lost))).toBe('engine_unreachable');
    }
  });

  test('who asks more of an engine than it answers is told so, and other games do not notice', async () => {
    const patient = await PlayersGround.open({ ...PATIENT, GAMEMASTER_ENGINE_HOT_TIMEOUT: '10m' });
    const crowded = await patient.game();
    const other = await patient.game({ endpoint: patient.engine.endpoint.replace('127.0.0.1', 'localhost') });
    const held: ServerResponse[] = [];
    patient.engine.answerWith((response, { headers }) => {
      if (headers.host?.startsWith('localhost')) response.end();
      else held.push(response);
    });
    const refused: HttpAnswer[] = [];
    const crowd = Array.from({ length: 560 }, async () => {
      const answer = await patient.report(crowded, 1);
      if (answer.status !== 200) refused.push(answer);
    });
    await waitFor(() => refused.length === 560 - 512);
    expect(await patient.report(other, 1)).toMatchObject({ status: 200 });
    expect(new Set(refused.map(outcomeOf))).toEqual(new Set(['too_many_requests']));
    expect(refused[0]?.headers['retry-after']).toBe('1');
    patient.engine.reset();
    for (const response of held) response.end();
    await Promise.all(crowd);
    expect(refused.length).toBe(560 - 512);
    await patient.close();
  });
});

describe('limits of a body', () => {
  test('at the limit it passes, one byte over it is 413', async () => {
    const frame = '{"commands":[{"x":""}]}';
    const filled = (size: number): string => frame.replace('""', `"${'x'.repeat(size - frame.length)}"`);
    expect(await ground.commands(game, 'ann', filled(BODY_LIMIT))).toMatchObject({ status: 200 });
    expect(ground.engine.lastCall.body.length).toBeGreaterThan(BODY_LIMIT);
    const over = await ground.commands(game, 'ann', filled(BODY_LIMIT + 1));
    expect([over.status, outcomeOf(over)]).toEqual([413, 'invalid_request']);
  });

  test('a thousand commands pass, one more does not', async () => {
    const many = (count: number): string => `{"commands":[${Array(count).fill('{}').join()}]}`;
    expect(await ground.commands(game, 'ann', many(1_000))).toMatchObject({ status: 200 });
    expect(outcomeOf(await ground.commands(game, 'ann', many(1_001)))).toBe('invalid_request');
  });

  test.each([
    ['nothing', ''],
    ['no commands', '{}'],
    ['a list', '[]'],
    ['null', 'null'],
    ['commands that are no list', '{"commands":{}}'],
    ['a command that is no object', '{"commands":[{},1]}'],
    ['a command that is a list', '{"commands":[[]]}'],
    ['a command that is null', '{"commands":[null]}'],
    ['an actor', '{"commands":[],"actor":"Borg"}'],
    ['commands twice', '{"commands":[],"commands":[{}]}'],
    ['__proto__ beside the commands', '{"commands":[],"__proto__":{"actor":"Borg"}}'],
    ['__proto__ in a command', '{"commands":[{"__proto__":1}]}'],
    ['an escaped __proto__', '{"commands":[{"\\u005f_proto__":1}]}'],
    ['deep nesting', `{"commands":[{"a":${'['.repeat(100)}${']'.repeat(100)}}]}`],
    ['very deep nesting', `{"commands":${'['.repeat(2_000)}`],
    ['a comment', '{"commands":[]}//'],
    ['half a surrogate', '{"commands":[{"a":"\\ud800"}]}'],
  ])('%s is refused, and the engine hears nothing', async (_what, text) => {
    const before = ground.engine.calls.length;
    const answer = await ground.commands(game, 'ann', text);
    expect([answer.status, outcomeOf(answer)]).toEqual([400, 'invalid_request']);
    expect(ground.engine.calls.length).toBe(before);
  });

  test('another media type is 415', async () => {
    const url = `${API}/games/${game}/commands`;
    const headers = { 'content-type': 'text/plain', 'x-user-id': 'ann' };
    const answer = await ground.send({ method: 'POST', url, headers, payload: '{"commands":[]}' });
    expect([answer.status, outcomeOf(answer)]).toEqual([415, 'invalid_request']);
  });
});

test.each([[['ann', 'ann']], [['ann', 'eve']], [['', 'ann']], [['ann', '']], [['']], [[' ']]])(
  'X-User-ID %j is refused, and the engine hears nothing',
  async (names) => {
    const before = ground.engine.calls.length;
    const url = `${API}/games/${game}/reports/1`;
    expect(outcomeOf(await ground.send({ url, headers: { 'x-user-id': names } }))).toBe('invalid_request');
    expect(ground.engine.calls.length).toBe(before);
  },
);

test('when the caller leaves, the call to the engine is cut', async () => {
  const { abandoned } = ground.engine;
  let arrived = false;
  ground.engine.answerWith(() => (arrived = true));
  const payload = '{"commands":[]}';
  const socket = connect(Number(new URL(ground.door.baseUrl).port), '127.0.0.1');
  const begin = performance.now();
  socket.write(
    [
      `POST ${API}/games/${game}/commands HTTP/1.1`,
      'Host: gm',
      'X-User-ID: ann',
      'Content-Type: application/json',
      `Content-Length: ${payload.length}`,
      '',
      payload,
    ].join('\r\n'),
  );
  await waitFor(() => arrived, { interval: 5 });
  socket.destroy();
  await waitFor(() => ground.engine.abandoned > abandoned, { interval: 5 });
  expect(performance.now() - begin).toBeLessThan(HOT_TIMEOUT_MS);
  // Nobody is there to be told of an error, and it is none.
  expect(ground.door.lines.filter((line) => line['code'] === 'internal_error')).toEqual([]);
});

test('calls to engines and lookups of members are counted', async () => {
  await ground.commands(game);
  const text = await ground.door.metrics.registry.metrics();
  expect(text).toMatch(
    /gamemaster_engine_call_duration_seconds_count\{operation="command",outcome="ok"\} [1-9]/,
  );
  expect(text).toMatch(/gamemaster_membership_lookups_total\{result="hit"\} [1-9]/);
  expect(text).toMatch(/gamemaster_membership_lookups_total\{result="miss"\} [1-9]/);
});
