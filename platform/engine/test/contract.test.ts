import { setImmediate } from 'node:timers/promises';
import { BODY_LIMIT } from '../requests';
import {
  call,
  codeOf,
  endEngines,
  init,
  loggedTurns,
  RACES,
  startEngine,
  status,
  turn,
} from './running-engine';

afterEach(endEngines);

/** A turn that lasts longer than this process, which has the engine in it, may stand still. */
const LONG_TURN_MS = 3_000;

const NAMES = RACES.map((race_name) => ({ race_name }));

test('the process is alive before there is a game', async () => {
  const { url } = await startEngine();
  const reply = await call(url, 'GET', '/healthz');
  expect(reply).toMatchObject({ status: 200, body: { status: 'ok' } });
});

test.each([
  ['GET', '/api/v1/admin/status', undefined],
  ['POST', '/api/v1/admin/turn', undefined],
  ['POST', '/api/v1/admin/race/banish', { race_name: 'Zerg' }],
  ['POST', '/api/v1/command', { actor: 'Zerg', cmd: [] }],
  ['PUT', '/api/v1/order', { actor: 'Zerg', cmd: [] }],
  ['GET', '/api/v1/report?player=Zerg&turn=0', undefined],
])('%s %s needs a game', async (method, path, body) => {
  const { url } = await startEngine();
  const reply = await call(url, method, path, { body });
  expect([reply.status, codeOf(reply)]).toEqual([409, 'not_initialised']);
});

describe('init', () => {
  test('sets up a game at turn 0, in the order of the races', async () => {
    const { url } = await startEngine();
    const state = await init(url);
    expect(state).toMatchObject({ turn: 0, finished: false });
    expect(state.player.map((player) => player.race_name)).toEqual(RACES);
    expect(new Set(state.player.map((player) => player.id)).size).toBe(2);
    expect(await status(url)).toEqual(state);
  });

  test('gives the same game again for the same races in another order', async () => {
    const { url } = await startEngine();
    const state = await init(url);
    expect(await init(url, [...RACES].reverse())).toEqual(state);
  });

  test('sets up one game when asked many times at once', async () => {
    const { url } = await startEngine();
    const states = await Promise.all(Array.from({ length: 10 }, () => init(url)));
    expect(new Set(states.map((state) => state.id)).size).toBe(1);
  });

  test.each([[['Zerg']], [['Zerg', 'Terran']], [['Zerg', 'Protoss', 'Terran']]])(
    'refuses other races: %j',
    async (races) => {
      const { url } = await startEngine();
      const state = await init(url);
      const reply = await call(url, 'POST', '/api/v1/admin/init', {
        body: { races: races.map((race_name) => ({ race_name })) },
      });
      expect([reply.status, codeOf(reply)]).toEqual([409, 'already_initialised']);
      expect(await status(url)).toEqual(state);
    },
  );

  test('refuses the same races once a turn was made', async () => {
    const { url } = await startEngine();
    await init(url);
    await turn(url);
    const reply = await call(url, 'POST', '/api/v1/admin/init', { body: { races: NAMES } });
    expect([reply.status, codeOf(reply)]).toEqual([409, 'already_initialised']);
  });

  test('takes 200 races, and names of 64 code points', async () => {
    const { url } = await startEngine();
    const races = Array.from({ length: 200 }, (_, i) => `${'🚀'.repeat(61)}${String(i).padStart(3, '0')}`);
    expect((await init(url, races)).player).toHaveLength(200);
  });

  test.each<[string, unknown]>([
    ['no object', []],
    ['null', null],
    ['no races', {}],
    ['races that are no list', { races: { race_name: 'Zerg' } }],
    ['an empty list', { races: [] }],
    ['201 races', { races: Array.from({ length: 201 }, (_, i) => ({ race_name: `r${i}` })) }],
    ['a name that is no text', { races: [{ race_name: 7 }] }],
    ['an empty name', { races: [{ race_name: '' }] }],
    ['a name of 65 characters', { races: [{ race_name: 'x'.repeat(65) }] }],
    ['a control character', { races: [{ race_name: 'Ze\nrg' }] }],
    ['a NUL', { races: [{ race_name: 'Ze\0rg' }] }],
    ['an invisible character', { races: [{ race_name: 'Ze\u200brg' }] }],
    ['half a surrogate pair', { races: [{ race_name: 'Ze\ud83drg' }] }],
    ['a name twice', { races: [...NAMES, { race_name: 'Zerg' }] }],
    ['an unknown field', { races: NAMES, turn: 5 }],
    ['an unknown field of a race', { races: [{ race_name: 'Zerg', planets: 5 }] }],
    ['a race that is no object', { races: ['Zerg'] }],
  ])('refuses %s', async (_what, body) => {
    const { url } = await startEngine();
    const reply = await call(url, 'POST', '/api/v1/admin/init', { body });
    expect([reply.status, codeOf(reply)]).toEqual([400, 'invalid_request']);
    expect((await call(url, 'GET', '/api/v1/admin/status')).status).toBe(409);
  });
});

describe('bodies', () => {
  const json = { 'content-type': 'application/json' };
  const send = async (raw: string | Uint8Array, headers: Record<string, string>) => {
    const { url } = await startEngine();
    const reply = await call(url, 'POST', '/api/v1/admin/init', { raw, headers });
    return [reply.status, codeOf(reply)];
  };

  test('are JSON', async () => expect(await send('{"races":', json)).toEqual([400, 'invalid_request']));

  test('do not reach into prototypes', async () =>
    expect(await send('{"__proto__":{"races":[{"race_name":"Zerg"}]}}', json)).toEqual([
      400,
      'invalid_request',
    ]));

  test('are UTF-8', async () =>
    expect(await send(Buffer.from('{"races":[{"race_name":"\xe9"}]}', 'latin1'), json)).toEqual([
      400,
      'invalid_request',
    ]));

  test('are declared as JSON', async () =>
    expect(await send(JSON.stringify({ races: NAMES }), { 'content-type': 'text/plain' })).toEqual([
      415,
      'invalid_request',
    ]));

  test('may name their character set', async () =>
    expect(
      await send(JSON.stringify({ races: NAMES }), { 'content-type': 'Application/JSON; charset=utf-8' }),
    ).toEqual([200, undefined]));

  test('may be as long as the limit, and no longer', async () => {
    const { url } = await startEngine();
    await init(url);
    const frame = JSON.stringify({ actor: 'Zerg', cmd: [{ x: '' }] });
    const filled = (length: number) => frame.replace('""', `"${'y'.repeat(length - frame.length)}"`);
    const atLimit = await call(url, 'POST', '/api/v1/command', { raw: filled(BODY_LIMIT), headers: json });
    expect(atLimit.status).toBe(200);
    const over = await call(url, 'POST', '/api/v1/command', { raw: filled(BODY_LIMIT + 1), headers: json });
    expect([over.status, codeOf(over)]).toEqual([413, 'invalid_request']);
  });
});

describe('turn', () => {
  test('is made without If-Match, and told by ETag', async () => {
    const { url } = await startEngine();
    const { id, player } = await init(url);
    const reply = await turn(url);
    expect(reply).toMatchObject({ status: 200, body: { id, turn: 1, finished: false } });
    expect(reply.headers.get('etag')).toBe('"1"');
    const after = await status(url);
    expect(after).toEqual(reply.body);
    expect(after.player.map((p) => p.id)).toEqual(player.map((p) => p.id));
  });

  test('is made from the turn that If-Match names, and from no other', async () => {
    const { url } = await startEngine();
    await init(url);
    expect((await turn(url, 0)).body).toMatchObject({ turn: 1 });
    for (const elsewhere of [0, 2]) {
      const reply = await turn(url, elsewhere);
      expect([reply.status, codeOf(reply)]).toEqual([412, 'turn_mismatch']);
    }
    expect(await status(url)).toMatchObject({ turn: 1 });
    expect((await turn(url, 1)).body).toMatchObject({ turn: 2 });
  });

  test.each(['0', '""', '"-1"', '"01"', '"1.0"', '*', 'W/"0"', '"0", "1"', '"zero"'])(
    'refuses If-Match %s',
    async (header) => {
      const { url } = await startEngine();
      await init(url);
      const reply = await call(url, 'POST', '/api/v1/admin/turn', { headers: { 'if-match': header } });
      expect([reply.status, codeOf(reply)]).toEqual([400, 'invalid_request']);
      expect(await status(url)).toMatchObject({ turn: 0 });
    },
  );

  test('compares If-Match when it applies: of two calls at once one makes the turn', async () => {
    const { url, directory } = await startEngine({ turnDuration: 100 });
    await init(url);
    const replies = await Promise.all([turn(url, 0), turn(url, 0)]);
    expect(replies.map((reply) => reply.status).sort()).toEqual([200, 412]);
    expect(await status(url)).toMatchObject({ turn: 1 });
    expect(await loggedTurns(directory)).toEqual([1]);
  });

  test('is made once for each call without If-Match, one after the other', async () => {
    const { url } = await startEngine({ turnDuration: 5 });
    await init(url);
    const replies = await Promise.all(Array.from({ length: 8 }, () => turn(url)));
    const turns = replies.map((reply) => (reply.body as { turn: number }).turn);
    expect(turns.sort()).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  test('is not seen before it is made', async () => {
    const { url } = await startEngine({ turnDuration: LONG_TURN_MS });
    await init(url);
    const made = turn(url, 0);
    expect(await status(url)).toMatchObject({ turn: 0 });
    expect((await made).body).toMatchObject({ turn: 1 });
    expect(await status(url)).toMatchObject({ turn: 1 });
  });

  test('is made although the caller has gone', async () => {
    const { url, logged } = await startEngine({ turnDuration: LONG_TURN_MS });
    await init(url);
    const caller = new AbortController();
    const made = turn(url, 0, caller.signal);
    while (!logged.some(({ msg }) => msg === 'turn asked for')) await setImmediate();
    caller.abort();
    await expect(made).rejects.toThrow();
    expect(await status(url)).toMatchObject({ turn: 0 });
    // Waits in line behind the turn that nobody waits for.
    expect((await turn(url, 0)).status).toBe(412);
    expect(await status(url)).toMatchObject({ turn: 1 });
  });

  test('finishes the game at the turn that is set, and none follows', async () => {
    const { url } = await startEngine({ finishTurn: 2 });
    await init(url);
    expect((await turn(url)).body).toMatchObject({ turn: 1, finished: false });
    expect((await turn(url)).body).toMatchObject({ turn: 2, finished: true });
    const further = await turn(url, 2);
    expect([further.status, codeOf(further)]).toEqual([409, 'game_finished']);
    expect((await turn(url, 1)).status).toBe(412);
    expect(await status(url)).toMatchObject({ turn: 2, finished: true });
  });
});

test('planets and population grow alike in every engine, and reports remember them', async () => {
  const [one, other] = [await startEngine(), await startEngine()];
  const states = [await init(one.url)];
  await init(other.url);
  for (let n = 0; n < 12; n++) {
    await turn(one.url);
    await turn(other.url);
    states.push(await status(one.url));
  }
  const figures = (state: { player: { planets: number; population: number }[] }) =>
    state.player.map(({ planets, population }) => ({ planets, population }));
  expect(figures(await status(other.url))).toEqual(figures(states[12] as (typeof states)[number]));
  for (const [index, race_name] of RACES.entries()) {
    const [first, last] = [states[0]?.player[index], states[12]?.player[index]];
    expect(last?.planets).toBeGreaterThan(first?.planets ?? Infinity);
    expect(last?.population).toBeGreaterThan(first?.population ?? Infinity);
    for (const state of states) {
      const reply = await call(one.url, 'GET', `/api/v1/report?player=${race_name}&turn=${state.turn}`);
      const { planets, population } = state.player[index] as (typeof state.player)[number];
      expect(reply.body).toEqual({ turn: state.turn, race_name, planets, population });
    }
  }
});

test('a report of a race or turn that is not there is refused', async () => {
  const { url } = await startEngine();
  await init(url);
  const of = async (query: string) => {
    const reply = await call(url, 'GET', `/api/v1/report?${query}`);
    return [reply.status, codeOf(reply)];
  };
  expect(await of('player=Terran&turn=0')).toEqual([404, 'race_not_found']);
  expect(await of('player=Zerg&turn=1')).toEqual([404, 'turn_not_found']);
  for (const query of [
    '',
    'player=Zerg',
    'turn=0',
    'player=Zerg&turn=',
    'player=Zerg&turn=-1',
    'player=Zerg&turn=00',
    'player=Zerg&turn=2147483648',
    'player=Zerg&turn=0&turn=0',
    'player=Zerg&turn=0&colour=red',
  ]) {
    expect([query, ...(await of(query))]).toEqual([query, 400, 'invalid_request']);
  }
});

test('banish is noted in the log, repeated or not, known race or not', async () => {
  const { url, logged } = await startEngine();
  await init(url);
  for (const race_name of ['Zerg', 'Zerg', 'Terran']) {
    expect((await call(url, 'POST', '/api/v1/admin/race/banish', { body: { race_name } })).status).toBe(204);
  }
  expect(logged.filter((entry) => entry['msg'] === 'race banished')).toMatchObject([
    { race: 'Zerg', turn: 0 },
    { race: 'Zerg', turn: 0 },
    { race: 'Terran', turn: 0 },
  ]);
  for (const body of [{}, { race_name: '' }, { race_name: 'Zerg', forever: true }]) {
    expect((await call(url, 'POST', '/api/v1/admin/race/banish', { body })).status).toBe(400);
  }
});

describe.each([
  ['POST', '/api/v1/command'],
  ['PUT', '/api/v1/order'],
])('%s %s', (method, path) => {
  test('takes any commands of a race of the game', async () => {
    const { url } = await startEngine();
    await init(url);
    await turn(url);
    const reply = await call(url, method, path, {
      body: { actor: 'Zerg', cmd: [{}, { a: [null, { b: 1 }] }] },
    });
    expect(reply).toMatchObject({ status: 200, body: { accepted: 2, turn: 1 } });
    const none = await call(url, method, path, { body: { actor: 'Zerg', cmd: [] } });
    expect(none.body).toEqual({ accepted: 0, turn: 1 });
  });

  test('refuses a race that does not play', async () => {
    const { url } = await startEngine();
    await init(url);
    const reply = await call(url, method, path, { body: { actor: 'Terran', cmd: [] } });
    expect([reply.status, codeOf(reply)]).toEqual([404, 'race_not_found']);
  });

  test.each<[string, unknown]>([
    ['no actor', { cmd: [] }],
    ['no commands', { actor: 'Zerg' }],
    ['commands that are no list', { actor: 'Zerg', cmd: {} }],
    ['a command that is no object', { actor: 'Zerg', cmd: ['move'] }],
    ['a command that is a list', { actor: 'Zerg', cmd: [[]] }],
    ['1001 commands', { actor: 'Zerg', cmd: Array.from({ length: 1001 }, () => ({})) }],
    ['an unknown field', { actor: 'Zerg', cmd: [], turn: 3 }],
  ])('refuses %s', async (_what, body) => {
    const { url } = await startEngine();
    await init(url);
    const reply = await call(url, method, path, { body });
    expect([reply.status, codeOf(reply)]).toEqual([400, 'invalid_request']);
  });
});

test('other paths are not found, other methods not allowed', async () => {
  const { url } = await startEngine();
  for (const path of ['/', '/api/v1/turn', '/api/v1/admin/status/', '/constructor']) {
    const reply = await call(url, 'GET', path);
    expect([path, reply.status, codeOf(reply)]).toEqual([path, 404, 'not_found']);
  }
  const reply = await call(url, 'DELETE', '/api/v1/admin/turn');
  expect([reply.status, codeOf(reply), reply.headers.get('allow')]).toEqual([
    405,
    'method_not_allowed',
    'POST',
  ]);
});
