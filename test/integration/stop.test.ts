import { GameMaster, type Reply } from '../support/game-master';
import { closeGate, installGates } from '../support/gates';
import { intentsOf, lobbyEventsOf, operationsOf } from '../support/story';
import { TestEngine } from '../support/test-engine';
import { TestRuntimeManager, type Reply as ManagerReply } from '../support/test-runtime-manager';
import { waitFor } from '../support/wait-for';

let gm: GameMaster;
let runtimeManager: TestRuntimeManager;
let engine: TestEngine;

beforeAll(async () => {
  runtimeManager = await TestRuntimeManager.start();
  gm = await GameMaster.start({
    // Longer than a busy machine takes for what has to happen while Runtime Manager is waited for.
    env: { GAMEMASTER_RTM_BASE_URL: runtimeManager.baseUrl, GAMEMASTER_RTM_TIMEOUT: '10s' },
  });
  await installGates(gm.database);
});

afterAll(async () => {
  await gm.stop();
  await runtimeManager.stop();
});

beforeEach(async () => {
  runtimeManager.requests.length = 0;
  engine = await TestEngine.start();
});

afterEach(async () => {
  await engine.stop();
});

function outcome({ status, body }: Reply): string {
  const error = body?.['error'] as { code: string; message: string } | undefined;
  return error === undefined
    ? `${status} ${String(body?.['status'])}`
    : `${status} ${error.code}: ${error.message}`;
}

/** A game whose turn 1, forced, stands in the engine until it is let go. */
async function gameInTurn() {
  const gameId = await gm.running(engine);
  const letGo = engine.holdTurns();
  const turn = gm.force(gameId);
  await waitFor(() => engine.callsOf('turn') === 1);
  return { gameId, letGo, turn };
}

test('a stopped game stays so', async () => {
  const gameId = await gm.running(engine);
  const reply = await gm.stopGame(
    gameId,
    { 'X-Galaxy-Caller': 'admin', 'X-Actor': 'eve' },
    'no players left',
  );
  expect(outcome(reply)).toBe('200 stopped');
  expect(reply.body).toMatchObject({
    next_generation_at: null,
    skip_next_tick: false,
    stopped_at: expect.any(String) as string,
    finished_at: null,
  });
  expect(runtimeManager.requests).toEqual([`stop ${gameId}`]);
  expect(await operationsOf(gm, gameId)).toEqual([
    'register starting > running ok',
    'stop running > stopped ok',
  ]);
  expect((await gm.operations(gameId))[1]).toMatchObject({ source: 'admin', actor: 'eve' });
  expect(await lobbyEventsOf(gm, gameId)).toEqual([
    'runtime_snapshot_update 0 running',
    'runtime_snapshot_update 0 stopped',
  ]);
  expect(await intentsOf(gm, gameId)).toEqual([]);
  expect(await gm.workflow(gameId).result()).toBe('stopped at turn 0');

  const refused = await Promise.all([gm.force(gameId), gm.stopGame(gameId)]);
  expect(refused.map(outcome)).toEqual(refused.map(() => `409 conflict: game ${gameId} is stopped`));
  expect(await gm.record(gameId)).toEqual(reply.body);
});

/** What Runtime Manager answers, and what the caller is told. */
const ANSWERS: [string, ManagerReply[], string][] = [
  [
    'does not know the game',
    [{ status: 404, body: { error: { code: 'runtime_not_found', message: '' } } }],
    '200 stopped',
  ],
  ['breaks the connection once', ['cut'], '200 stopped'],
  [
    'refuses',
    [{ status: 409, body: { error: { code: 'conflict', message: 'an upgrade is under way' } } }],
    '409 conflict: an upgrade is under way',
  ],
  [
    'refuses in words that cannot be kept',
    [{ status: 422, body: { error: { code: 'x', message: 'no\0stop\ud800' } } }],
    '409 conflict: no\ufffdstop\ufffd',
  ],
  [
    'has no such path',
    [{ status: 404, body: { error: { code: 'not_found', message: 'no such path' } } }],
    '409 conflict: no such path',
  ],
  [
    'fails',
    [{ status: 500, body: { error: { code: 'x', message: 'disk full' } } }],
    '503 service_unavailable: Runtime Manager answered 500: disk full',
  ],
  [
    'is silent',
    ['hang'],
    expect.stringMatching(/^503 service_unavailable: Runtime Manager is not there/) as string,
  ],
  [
    'breaks the connection twice',
    ['cut', 'cut'],
    expect.stringMatching(/^503 service_unavailable: Runtime Manager is not there/) as string,
  ],
];

test.each(ANSWERS)('a stop of an idle game when Runtime Manager %s', async (_what, replies, told) => {
  const gameId = await gm.running(engine);
  const before = await gm.record(gameId);
  runtimeManager.replyNext(...replies);
  const reply = await gm.stopGame(gameId, { 'Idempotency-Key': 'k' });
  expect(outcome(reply)).toEqual(told);
  expect(outcome(await gm.stopGame(gameId, { 'Idempotency-Key': 'k' }))).toEqual(told);
  expect(runtimeManager.requests).toHaveLength(
    replies.filter((answer) => answer === 'cut').length === 1 ? 2 : replies.length,
  );
  if (reply.status === 200) return;
  // It failed and changed nothing: the game goes on, and can be stopped with another key.
  expect(await gm.record(gameId)).toEqual(before);
  expect((await gm.force(gameId)).body).toMatchObject({ current_turn: 1 });
  expect(outcome(await gm.stopGame(gameId))).toBe('200 stopped');
  expect(await operationsOf(gm, gameId)).toEqual([
    'register starting > running ok',
    `stop running > null ${reply.status === 409 ? 'conflict' : 'service_unavailable'}`,
    'force generation_in_progress > running ok',
    'stop running > stopped ok',
  ]);
});

test('a stop cuts a turn short that Runtime Manager agrees to; what the engine made of it has no effect', async () => {
  const { gameId, letGo, turn } = await gameInTurn();
  expect(outcome(await gm.stopGame(gameId))).toBe('200 stopped');
  expect(outcome(await turn)).toBe('409 conflict: the game was stopped meanwhile');
  letGo();
  await waitFor(() => engine.turnLog.length === 1);
  expect(await gm.workflow(gameId).result()).toBe('stopped at turn 0');
  expect(await gm.record(gameId)).toMatchObject({ status: 'stopped', current_turn: 0 });
  expect(await operationsOf(gm, gameId)).toEqual([
    'register starting > running ok',
    'force generation_in_progress > null conflict',
    'stop generation_in_progress > stopped ok',
  ]);
  expect(await lobbyEventsOf(gm, gameId)).toEqual([
    'runtime_snapshot_update 0 running',
    'runtime_snapshot_update 0 stopped',
  ]);
  expect(await intentsOf(gm, gameId)).toEqual([]);
});

test.each<[string, ManagerReply, string]>([
  ['fails', { status: 502 }, '503 service_unavailable: Runtime Manager answered 502: HTTP 502'],
  ['refuses', { status: 400 }, '409 conflict: HTTP 400'],
])(
  'a stop during a turn changes nothing when Runtime Manager %s: the turn counts',
  async (_what, answer, told) => {
    const { gameId, letGo, turn } = await gameInTurn();
    runtimeManager.replyNext(answer);
    expect(outcome(await gm.stopGame(gameId))).toBe(told);
    expect(await gm.record(gameId)).toMatchObject({ status: 'generation_in_progress' });
    letGo();
    expect((await turn).body).toMatchObject({ status: 'running', current_turn: 1 });
    expect(engine.turnLog).toEqual([1]);
    expect(await operationsOf(gm, gameId)).toEqual([
      'register starting > running ok',
      `stop generation_in_progress > null ${told.split(/[ :]/)[1]}`,
      'force generation_in_progress > running ok',
    ]);
  },
);

test.each<[string, ManagerReply, string[]]>([
  [
    'agrees: it was cut short',
    { status: 200 },
    ['200 stopped', '409 conflict: the game was stopped meanwhile', 'stopped'],
  ],
  [
    'fails: it counts',
    { status: 503 },
    [
      '503 service_unavailable: Runtime Manager answered 503: HTTP 503',
      '502 turn_mismatch: the engine stands at turn 5, on record is 0',
      'generation_failed',
    ],
  ],
])("a turn's failure is kept back until Runtime Manager %s", async (_what, answer, told) => {
  const { gameId, letGo, turn } = await gameInTurn();
  const answerManager = runtimeManager.hold();
  runtimeManager.replyNext(answer);
  const stop = gm.stopGame(gameId);
  await waitFor(() => runtimeManager.requests.length === 1);
  // The call meets an engine that is elsewhere, and the look after it tells where.
  engine.turn = 5;
  letGo();
  await waitFor(async () => (await failedActivities(gameId)) === 1);
  expect(await gm.record(gameId)).toMatchObject({ status: 'generation_in_progress' });
  answerManager();
  expect([outcome(await stop), outcome(await turn)]).toEqual(told.slice(0, 2));
  expect(await gm.record(gameId)).toMatchObject({ status: told[2], current_turn: 0 });
  expect(await lobbyEventsOf(gm, gameId)).toEqual([
    'runtime_snapshot_update 0 running',
    `runtime_snapshot_update 0 ${told[2]}`,
  ]);
});

async function failedActivities(gameId: string): Promise<number> {
  const { events } = await gm.workflow(gameId).fetchHistory();
  return (events ?? []).filter((event) => event.activityTaskFailedEventAttributes).length;
}

test.each([
  [0, '200 stopped', '200 running', 'stopped', 1],
  [1, '409 conflict: the game is finished', '200 finished', 'finished', 1],
])(
  'a stop waits for a turn that is being written down (engine finishes at turn %i)',
  async (finishTurn, stopped, forced, status, turn) => {
    engine.options.finishTurn = finishTurn;
    const gameId = await gm.running(engine);
    const gate = await closeGate(gm.database, 'outbox', gameId);
    const force = gm.force(gameId);
    await gate.reached();
    const stop = gm.stopGame(gameId);
    await waitFor(() => runtimeManager.requests.length === 1);
    await gate.open();
    expect([outcome(await stop), outcome(await force)]).toEqual([stopped, forced]);
    expect(await gm.workflow(gameId).result()).toBe(`${status} at turn ${turn}`);
    expect(await gm.record(gameId)).toMatchObject({ status, current_turn: turn });
    expect((await operationsOf(gm, gameId)).slice(1)).toEqual(
      finishTurn === 0
        ? ['force generation_in_progress > running ok', 'stop running > stopped ok']
        : [
            'force generation_in_progress > finished ok',
            'finish generation_in_progress > finished ok',
            'stop finished > null conflict',
          ],
    );
    expect(engine.turnLog).toEqual([1]);
  },
);

test('of many stops at once one is made; calls that wait for the game get a conflict', async () => {
  const { gameId, turn } = await gameInTurn();
  const answerManager = runtimeManager.hold();
  const stops = Array.from({ length: 12 }, (_, index) => gm.stopGame(gameId, {}, `reason ${index}`));
  await waitFor(() => runtimeManager.requests.length === 1);
  answerManager();
  const replies = (await Promise.all(stops)).map(outcome);
  expect(replies.filter((reply) => reply === '200 stopped')).toHaveLength(1);
  expect(replies.filter((reply) => reply.startsWith('409 conflict'))).toHaveLength(11);
  expect((await turn).status).toBe(409);
  expect(runtimeManager.requests).toEqual([`stop ${gameId}`]);
  const rows = await operationsOf(gm, gameId);
  expect(rows.filter((row) => row.endsWith('stopped ok'))).toEqual([
    'stop generation_in_progress > stopped ok',
  ]);
});

test('a stop goes before the turns that wait, which go on when Runtime Manager says no', async () => {
  const gameId = await gm.running(engine);
  const answerManager = runtimeManager.hold();
  runtimeManager.replyNext({ status: 500 });
  const refusedStop = gm.stopGame(gameId);
  await waitFor(() => runtimeManager.requests.length === 1);
  // The game is idle but for the stop, so these are accepted and wait.
  const goOn = [gm.force(gameId), gm.force(gameId)];
  await waitFor(async () => (await acceptedUpdates(gameId)) === 4);
  answerManager();
  expect((await refusedStop).status).toBe(503);
  expect((await Promise.all(goOn)).map(({ body }) => body?.['current_turn']).sort()).toEqual([1, 2]);

  const answerAgain = runtimeManager.hold();
  const stop = gm.stopGame(gameId);
  await waitFor(() => runtimeManager.requests.length === 2);
  const cut = [gm.force(gameId), gm.force(gameId)];
  await waitFor(async () => (await acceptedUpdates(gameId)) === 7);
  answerAgain();
  expect(outcome(await stop)).toBe('200 stopped');
  expect((await Promise.all(cut)).map(outcome)).toEqual(cut.map(() => '409 conflict: the game is stopped'));
  expect(engine.turnLog).toEqual([1, 2]);
});

async function acceptedUpdates(gameId: string): Promise<number> {
  const { events } = await gm.workflow(gameId).fetchHistory();
  return (events ?? []).filter((event) => event.workflowExecutionUpdateAcceptedEventAttributes).length;
}
