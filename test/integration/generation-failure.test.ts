import { EVERY_SECOND, GameMaster, type Reply } from '../support/game-master';
import { intentsOf, lobbyEventsOf, operationsOf } from '../support/story';
import { TestEngine, type Fault } from '../support/test-engine';
import { waitFor } from '../support/wait-for';

let gm: GameMaster;
let engine: TestEngine;

beforeAll(async () => {
  gm = await GameMaster.start();
});

afterAll(async () => {
  await gm.stop();
});

beforeEach(async () => {
  engine = await TestEngine.start();
});

afterEach(async () => {
  await engine.stop();
});

const unwell: Fault = { kind: 'answer', status: 500 };
const saying = (status: number, message: string): Fault => ({
  kind: 'answer',
  status,
  body: JSON.stringify({ error: { code: 'bad_orders', message } }),
});
const refusal = saying(400, 'the orders contradict each other');
/** Postgres refuses the NUL, and Temporal's worker ends itself over the lone surrogate. */
const UNFIT = 'orders\0of\ud800ann';

function outcome({ status, body }: Reply): string {
  const error = body?.['error'] as { code: string; message: string } | undefined;
  return error === undefined ? status.toString() : `${status} ${error.code}: ${error.message}`;
}

test('a turn that the engine fails three times ends the ticking, until a forced turn succeeds', async () => {
  engine.failNext('turn', unwell, unwell, unwell);
  const gameId = await gm.running(engine, { turn_schedule: EVERY_SECOND });
  const failed = await gm.untilRecord(gameId, { status: 'generation_failed' });
  expect(failed).toMatchObject({ current_turn: 0, next_generation_at: null, skip_next_tick: false });
  expect(engine.callsOf('turn')).toBe(3);
  expect(engine.turnLog).toEqual([]);
  expect(await operationsOf(gm, gameId)).toEqual([
    'register starting > running ok',
    'turn generation_in_progress > generation_failed engine_unreachable',
  ]);
  expect(await lobbyEventsOf(gm, gameId)).toEqual([
    'runtime_snapshot_update 0 running',
    'runtime_snapshot_update 0 generation_failed',
  ]);
  expect(await intentsOf(gm, gameId)).toEqual(['game.generation_failed 1 engine_unreachable to admin_email']);
  // It waits for no tick.
  expect(await gm.workflow(gameId).query('state')).toMatchObject({
    status: 'generation_failed',
    nextTickAt: null,
  });

  const reply = await gm.force(gameId);
  expect(reply.body).toMatchObject({ status: 'running', current_turn: 1 });
  await waitFor(async () => Number((await gm.record(gameId))['current_turn']) >= 2);
  expect((await operationsOf(gm, gameId)).slice(2, 4)).toEqual([
    'force generation_in_progress > running ok',
    'turn generation_in_progress > running ok',
  ]);
  expect(engine.turnLog.slice(0, 2)).toEqual([1, 2]);
});

test('failures of the engine that pass leave no trace', async () => {
  engine.failNext('turn', unwell, { kind: 'answer', status: 200, body: '{"turn":1}' });
  engine.failNext('status', {
    kind: 'answer',
    status: 409,
    body: '{"error":{"code":"not_initialised","message":""}}',
  });
  const gameId = await gm.running(engine);
  expect(outcome(await gm.force(gameId))).toBe('200');
  expect(engine.callsOf('turn')).toBe(3);
  expect(engine.turnLog).toEqual([1]);
  expect(await operationsOf(gm, gameId)).toEqual([
    'register starting > running ok',
    'force generation_in_progress > running ok',
  ]);
  expect(await intentsOf(gm, gameId)).toEqual(['game.turn.ready 1 to ann,bob']);
});

test.each<[string, (engine: TestEngine) => void, string, number]>([
  [
    'refuses it',
    (double) => double.failNext('turn', refusal),
    '422 engine_validation_error: the orders contradict each other',
    1,
  ],
  [
    'refuses it in words that cannot be kept',
    (double) => double.failNext('turn', saying(400, UNFIT)),
    '422 engine_validation_error: orders\ufffdof\ufffdann',
    1,
  ],
  [
    'refuses it with a flood of words',
    (double) => double.failNext('turn', saying(400, 'x'.repeat(500_000))),
    `422 engine_validation_error: ${'x'.repeat(500)}…`,
    1,
  ],
  [
    'fails with words that cannot be kept',
    (double) => double.failNext('turn', ...Array<Fault>(3).fill(saying(500, UNFIT))),
    '502 engine_unreachable: engine answered 500: orders\ufffdof\ufffdann',
    3,
  ],
  [
    'is two turns ahead',
    (double) => {
      double.turn = 2;
    },
    '502 turn_mismatch: the engine stands at turn 2, on record is 0',
    0,
  ],
  [
    'answers with a turn too many',
    (double) => {
      const player = double.players;
      const body = JSON.stringify({ id: 'x', turn: 2, finished: false, player });
      double.failNext('turn', ...Array<Fault>(3).fill({ kind: 'answer', status: 200, body }));
    },
    '502 engine_unreachable: engine answered turn 2 to the call for 1',
    3,
  ],
])(
  'a forced turn fails when the engine %s, and its caller is told why',
  async (_what, prepare, told, calls) => {
    const gameId = await gm.running(engine);
    prepare(engine);
    expect(outcome(await gm.force(gameId, { 'Idempotency-Key': 'k' }))).toBe(told);
    expect(engine.callsOf('turn')).toBe(calls);
    const code = told.split(/[ :]/)[1];
    const record = await gm.record(gameId);
    expect(record).toMatchObject({ status: 'generation_failed', current_turn: 0, skip_next_tick: true });
    expect(await operationsOf(gm, gameId)).toEqual([
      'register starting > running ok',
      `force generation_in_progress > generation_failed ${code}`,
    ]);
    expect(await intentsOf(gm, gameId)).toEqual([`game.generation_failed 1 ${code} to admin_email`]);
    // The failure is what its key is remembered for.
    expect(outcome(await gm.force(gameId, { 'Idempotency-Key': 'k' }))).toBe(told);
    expect(engine.callsOf('turn')).toBe(calls);
  },
);
