import { GameMaster, NEVER_SOON, type Reply } from '../support/game-master';
import { lobbyEventsOf, mappingsOf, operationsOf } from '../support/story';
import { freePort, freshGameId } from '../support/stack';
import { TestEngine, type Fault } from '../support/test-engine';
import { TestRuntimeManager } from '../support/test-runtime-manager';
import { waitFor } from '../support/wait-for';

let gm: GameMaster;
let runtimeManager: TestRuntimeManager;
const engines: TestEngine[] = [];

beforeAll(async () => {
  runtimeManager = await TestRuntimeManager.start();
  gm = await GameMaster.start({
    env: { GAMEMASTER_RTM_BASE_URL: runtimeManager.baseUrl, GAMEMASTER_ENGINE_ADMIN_TIMEOUT: '4s' },
  });
  await gm.createVersion();
});

afterAll(async () => {
  await gm.stop();
  await runtimeManager.stop();
});

afterEach(async () => {
  await Promise.all(engines.splice(0).map((engine) => engine.stop()));
});

async function newEngine(...initFaults: Fault[]): Promise<TestEngine> {
  const engine = await TestEngine.start();
  engine.failNext('init', ...initFaults);
  engines.push(engine);
  return engine;
}

function outcome({ status, body }: Reply): string {
  const error = body?.['error'] as { code: string; message: string } | undefined;
  return error === undefined ? status.toString() : `${status} ${error.code}: ${error.message}`;
}

/** Everything that there is of a game. */
async function tracesOf(gameId: string) {
  const { status } = await gm.call('GET', `/api/v1/internal/runtimes/${gameId}`);
  return {
    record: status,
    mappings: (await mappingsOf(gm, gameId)).length,
    operations: await operationsOf(gm, gameId),
    events: (await lobbyEventsOf(gm, gameId)).length,
  };
}

const TRACES_OF_A_REGISTERED_GAME = {
  record: 200,
  mappings: 2,
  operations: ['register starting > running ok'],
  events: 1,
};

test('a registered game runs at turn 0, and everybody can see it', async () => {
  const engine = await newEngine();
  const gameId = freshGameId();
  const before = Date.now();
  const reply = await gm.register(gameId, gm.registration(engine), {
    'X-Galaxy-Caller': 'lobby',
    'X-Actor': 'matchmaker',
    'Idempotency-Key': 'first',
  });
  expect(outcome(reply)).toBe('201');
  expect(reply.headers.get('idempotency-key')).toBe('first');
  expect(reply.body).toEqual({
    game_id: gameId,
    status: 'running',
    engine_endpoint: engine.endpoint,
    current_image_ref: 'galaxy/game:1.0.0',
    current_engine_version: '1.0.0',
    turn_schedule: NEVER_SOON,
    current_turn: 0,
    next_generation_at: `${new Date().getUTCFullYear() + 1}-01-01T00:00:00.000Z`,
    skip_next_tick: false,
    engine_health: 'healthy',
    created_at: expect.any(String) as string,
    updated_at: expect.any(String) as string,
    started_at: expect.any(String) as string,
    stopped_at: null,
    finished_at: null,
  });
  expect(await gm.record(gameId)).toEqual(reply.body);
  expect(Date.parse(String(reply.body?.['started_at']))).toBeGreaterThanOrEqual(before);

  const [ann, bob] = engine.players ?? [];
  expect(engine.callsOf('init')).toBe(1);
  expect(await mappingsOf(gm, gameId)).toEqual([
    `ann plays Aelinari as ${ann?.id}`,
    `bob plays Borg as ${bob?.id}`,
  ]);

  await gm.untilOutboxEmpty(gameId);
  const [snapshot] = await gm.events('lobbyEvents', gameId);
  expect(snapshot).toEqual({
    event_type: 'runtime_snapshot_update',
    event_id: expect.stringContaining(gameId) as string,
    payload: {
      game_id: gameId,
      current_turn: 0,
      runtime_status: 'running',
      engine_health_summary: 'healthy',
      player_turn_stats: [
        { user_id: 'ann', planets: 1, population: 10 },
        { user_id: 'bob', planets: 1, population: 10 },
      ],
      occurred_at_ms: expect.any(Number) as number,
    },
  });
  expect(await lobbyEventsOf(gm, gameId)).toHaveLength(1);
  expect(await gm.events('intents', gameId)).toEqual([]);

  expect(await operationsOf(gm, gameId)).toEqual(['register starting > running ok']);
  expect(await gm.operations(gameId)).toEqual([
    expect.objectContaining({ source: 'lobby', actor: 'matchmaker', idempotency_key: 'first' }),
  ]);

  const { searchAttributes, status } = await waitFor(async () => {
    const description = await gm.workflow(gameId).describe();
    // eslint-disable-next-line @typescript-eslint/no-deprecated -- typed keys are the workflow's; the raw names are what operators type
    const { searchAttributes: attributes } = description;
    return attributes['GameStatus'] && { searchAttributes: attributes, status: description.status.name };
  });
  expect(status).toBe('RUNNING');
  expect(searchAttributes).toMatchObject({
    GameStatus: ['running'],
    CurrentTurn: [0],
    NextTurnAt: [new Date(String(reply.body?.['next_generation_at']))],
    EngineVersion: ['1.0.0'],
  });
});

test('a game is registered once, also after it was stopped or finished', async () => {
  const engine = await newEngine();
  engine.options.finishTurn = 1;
  const [running, stopped, finished] = await Promise.all([
    gm.running(await newEngine()),
    gm.running(await newEngine()),
    gm.running(engine),
  ]);
  await Promise.all([gm.stopGame(stopped), gm.force(finished)]);
  const again = await Promise.all(
    [running, stopped, finished].map((gameId) => gm.register(gameId, gm.registration(engine))),
  );
  expect(again.map(({ status, body }) => [status, body])).toEqual(
    again.map(() => [409, { error: { code: 'conflict', message: expect.any(String) as string } }]),
  );
  expect(engine.callsOf('init')).toBe(1);
});

const player = (race_name: string) => ({
  id: '2c1b4a52-8a3b-4c0e-9d35-0f6d4f9f1a11',
  race_name,
  planets: 1,
  population: 1,
});
const state = (changes: object): Fault => ({
  kind: 'answer',
  status: 200,
  body: JSON.stringify({
    id: 'x',
    turn: 0,
    finished: false,
    player: [player('Aelinari'), player('Borg')],
    ...changes,
  }),
});
const refusal = (status: number): Fault => ({
  kind: 'answer',
  status,
  body: JSON.stringify({ error: { code: 'bad', message: 'no such race' } }),
});

const WRONG_GAME =
  '422 engine_validation_error: the engine is not at turn 0 with exactly the races of the members';
const NONSENSE = '502 engine_unreachable: engine answered 200 with what is not its state';

/** What init answers, as often as it is called; what the caller is told; how often it is called. */
const FAILING_INITS: Record<string, [Fault, string, number]> = {
  'a 4xx': [refusal(400), '422 engine_validation_error: no such race', 1],
  'a 409': [refusal(409), '422 engine_validation_error: no such race', 1],
  'a 500': [refusal(500), '502 engine_unreachable: engine answered 500: no such race', 3],
  'a 503': [refusal(503), '502 engine_unreachable: engine answered 503: no such race', 3],
  'a 429': [refusal(429), '502 engine_unreachable: engine answered 429: no such race', 3],
  'a redirect': [
    { kind: 'answer', status: 307, body: '', headers: { location: '/api/v1/admin/status' } },
    '502 engine_unreachable: engine answered 307: HTTP 307',
    3,
  ],
  'other races': [state({ player: [player('Aelinari'), player('Zerg')] }), WRONG_GAME, 1],
  'a race too few': [state({ player: [player('Aelinari')] }), WRONG_GAME, 1],
  'a race too many': [state({ player: ['Aelinari', 'Borg', 'Zerg'].map(player) }), WRONG_GAME, 1],
  'a race twice': [state({ player: [player('Borg'), player('Borg')] }), WRONG_GAME, 1],
  'turn 3': [state({ turn: 3 }), WRONG_GAME, 1],
  'a finished game': [state({ finished: true }), WRONG_GAME, 1],
  'a negative turn': [state({ turn: -1 }), NONSENSE, 3],
  'players without a UUID': [state({ player: [{ ...player('Borg'), id: '1' }] }), NONSENSE, 3],
  'nothing of a state': [{ kind: 'answer', status: 200, body: '<html>' }, NONSENSE, 3],
  'an answer without end': [
    { kind: 'endless' },
    '502 engine_unreachable: engine sent an answer that is too long',
    3,
  ],
  silence: [{ kind: 'hang' }, '502 engine_unreachable: engine did not answer within 4000 ms', 3],
};

const names = Object.keys(FAILING_INITS);
// Few at a time: each is a game of its own, and they have two seconds to be accepted.
const groups = [0, 1, 2, 3].map((group) => names.filter((_name, at) => at % 4 === group));

test.each(groups.map((group) => [group.join(', '), group] as const))(
  'a registration is taken back that the engine answers with %s, and can be made again with the same key',
  async (_names, group) => {
    const cases = await Promise.all(
      group.map(async (what) => {
        const [fault, told, calls] = FAILING_INITS[what] as [Fault, string, number];
        const engine = await newEngine();
        engine.faultOf = (call) => (call === 'init' ? fault : undefined);
        return { what, told, calls, engine, gameId: freshGameId() };
      }),
    );
    const register = ({ gameId, engine }: (typeof cases)[number]) =>
      gm.register(gameId, gm.registration(engine), { 'Idempotency-Key': 'again' });

    const failed = await Promise.all(cases.map(register));
    const traces = await Promise.all(cases.map(({ gameId }) => tracesOf(gameId)));
    // One, and one more for every repetition that a busy machine makes necessary: none of them is remembered.
    const registrations = traces.map(({ operations }) => operations.length);
    expect(
      cases.map(({ what, engine }, at) => [what, outcome(failed[at] as Reply), engine.callsOf('init')]),
    ).toEqual(
      cases.map(({ what, told, calls }, at) => [what, told, Math.max(1, registrations[at] ?? 0) * calls]),
    );
    expect(traces).toEqual(
      cases.map(({ told }, at) => ({
        record: 404,
        mappings: 0,
        operations: Array.from(
          { length: Math.max(1, registrations[at] ?? 0) },
          () => `register starting > null ${told.split(/[ :]/)[1]}`,
        ),
        events: 0,
      })),
    );

    for (const { engine } of cases) engine.faultOf = () => undefined;
    const again = await Promise.all(cases.map(register));
    expect(cases.map(({ what }, at) => [what, outcome(again[at] as Reply)])).toEqual(
      cases.map(({ what }) => [what, '201']),
    );
    const operations = await Promise.all(cases.map(({ gameId }) => operationsOf(gm, gameId)));
    expect(operations.map((rows) => rows.at(-1))).toEqual(cases.map(() => 'register starting > running ok'));
    expect(operations.map((rows) => rows.length - 1)).toEqual(registrations);
  },
);

test('an engine that has a game going already is not taken, and one that is not there is not reached', async () => {
  const played = await newEngine();
  const other = await newEngine();
  const twin = await newEngine();
  // Set up before: with our races but a turn ahead, with other races, and just as we would.
  await Promise.all([
    initDirectly(played, ['Aelinari', 'Borg']),
    initDirectly(other, ['Aelinari', 'Zerg']),
    initDirectly(twin, ['Borg', 'Aelinari']),
  ]);
  played.turn = 1;
  const absent = { endpoint: `http://127.0.0.1:${await freePort()}` };
  const replies = await Promise.all(
    [played, other, absent, twin].map((engine) => gm.register(freshGameId(), gm.registration(engine))),
  );
  expect(replies.map(outcome)).toEqual([
    WRONG_GAME,
    WRONG_GAME,
    expect.stringMatching(/^502 engine_unreachable: engine cannot be reached/),
    '201',
  ]);
  expect([played, other, twin].map((engine) => engine.callsOf('init'))).toEqual([1, 1, 1]);
});

async function initDirectly(engine: TestEngine, races: string[]): Promise<void> {
  const { ok } = await fetch(`${engine.endpoint}/api/v1/admin/init`, {
    method: 'POST',
    body: JSON.stringify({ races: races.map((race_name) => ({ race_name })) }),
  });
  if (!ok) throw new Error('the engine refused');
}

test('an init whose answer is lost, or that fails at first, sets the engine up once', async () => {
  const cases: Fault[][] = [
    [{ kind: 'apply_then_cut' }],
    [{ kind: 'apply_then_hang' }],
    [{ kind: 'cut' }, refusal(500)],
    [state({ turn: -1 }), { kind: 'apply_then_cut' }],
  ];
  const games = await Promise.all(
    cases.map(async (faults) => ({ gameId: freshGameId(), engine: await newEngine(...faults) })),
  );
  const replies = await Promise.all(
    games.map(({ gameId, engine }) => gm.register(gameId, gm.registration(engine))),
  );
  expect(replies.map(outcome)).toEqual(games.map(() => '201'));
  // A lost answer is found by looking, not by asking for it again.
  expect(games.map(({ engine }) => engine.callsOf('init'))).toEqual([1, 1, 3, 2]);
  for (const { gameId, engine } of games) {
    expect(await tracesOf(gameId)).toEqual(TRACES_OF_A_REGISTERED_GAME);
    expect((await mappingsOf(gm, gameId))[0]).toBe(`ann plays Aelinari as ${engine.players?.[0]?.id}`);
  }
});

test('a version that is deprecated while the registration begins is not taken', async () => {
  await gm.createVersion('1.0.1');
  const gameId = freshGameId();
  const engine = await newEngine();
  const deprecating = await gm.database.connect();
  try {
    await deprecating.query('BEGIN');
    await deprecating.query(
      `UPDATE gamemaster.engine_versions SET status = 'deprecated' WHERE version = '1.0.1'`,
    );
    const registration = gm.register(gameId, gm.registration(engine, { target_engine_version: '1.0.1' }));
    await waitFor(
      async () => {
        const { rows } = await gm.database.query(
          'SELECT 1 FROM pg_locks WHERE NOT granted AND pid IN ' +
            '(SELECT pid FROM pg_stat_activity WHERE datname = current_database())',
        );
        return rows.length > 0;
      },
      { describe: 'the registration to ask for the version' },
    );
    await deprecating.query('COMMIT');
    expect(outcome(await registration)).toMatch(/^409 engine_version_deprecated/);
  } finally {
    deprecating.release();
  }
  expect(await tracesOf(gameId)).toEqual({
    record: 404,
    mappings: 0,
    operations: ['register starting > null engine_version_deprecated'],
    events: 0,
  });
  expect(engine.calls).toEqual([]);
});

test('a record that disappears under its registration ends it, and the game can be registered', async () => {
  const gameId = freshGameId();
  const engine = await newEngine({ kind: 'hang' });
  const registration = gm.register(gameId, gm.registration(engine));
  await waitFor(() => engine.callsOf('init') >= 1);
  await gm.database.query('DELETE FROM gamemaster.runtime_records WHERE game_id = $1', [gameId]);
  expect(outcome(await registration)).toMatch(/^500 internal_error/);
  expect(await operationsOf(gm, gameId)).toEqual(['register starting > null internal_error']);
  expect(outcome(await gm.register(gameId, gm.registration(engine)))).toBe('201');
});
