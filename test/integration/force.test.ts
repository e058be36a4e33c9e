import { GameMaster, NEVER_SOON } from '../support/game-master';
import { intentsOf, lobbyEventsOf, operationsOf } from '../support/story';
import { TestEngine } from '../support/test-engine';
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

const newYear = (years: number) => `${new Date().getUTCFullYear() + years}-01-01T00:00:00.000Z`;

test('a forced turn takes the place of the next tick; a second one takes that of no other', async () => {
  const gameId = await gm.running(engine, { turn_schedule: NEVER_SOON });
  expect((await gm.record(gameId))['next_generation_at']).toBe(newYear(1));

  const first = await gm.force(gameId, { 'X-Galaxy-Caller': 'admin', 'X-Actor': 'eve' });
  expect(first.status).toBe(200);
  expect(first.headers.get('idempotency-key')).toMatch(/^[!-~]{1,128}$/);
  expect(first.body).toMatchObject({
    status: 'running',
    current_turn: 1,
    skip_next_tick: true,
    next_generation_at: newYear(2),
  });
  expect(await gm.record(gameId)).toEqual(first.body);

  const second = await gm.force(gameId);
  expect(second.body).toMatchObject({
    current_turn: 2,
    skip_next_tick: true,
    next_generation_at: newYear(2),
  });
  expect(engine.turnLog).toEqual([1, 2]);
  expect(await operationsOf(gm, gameId)).toEqual([
    'register starting > running ok',
    'force generation_in_progress > running ok',
    'force generation_in_progress > running ok',
  ]);
  expect((await gm.operations(gameId))[1]).toMatchObject({ source: 'admin', actor: 'eve' });
  expect(await lobbyEventsOf(gm, gameId)).toEqual(
    [0, 1, 2].map((turn) => `runtime_snapshot_update ${turn} running`),
  );
  expect(await intentsOf(gm, gameId)).toEqual([1, 2].map((turn) => `game.turn.ready ${turn} to ann,bob`));
});

test('the skipped tick makes no turn, the one after it does', async () => {
  const gameId = await gm.running(engine, { turn_schedule: '*/10 * * * * *' });
  // The turn has to be over before the tick that it takes the place of.
  await waitFor(async () => {
    const { status, next_generation_at: next } = await gm.record(gameId);
    return status === 'running' && Date.parse(String(next)) - Date.now() > 6_000;
  });
  const { body: forced } = await gm.force(gameId);
  expect(forced).toMatchObject({ skip_next_tick: true });
  const [row] = (
    await gm.database.query<{ skipped_tick_at: Date; next_generation_at: Date }>(
      'SELECT skipped_tick_at, next_generation_at FROM gamemaster.runtime_records WHERE game_id = $1',
      [gameId],
    )
  ).rows;
  const skipped = row?.skipped_tick_at.getTime() ?? NaN;
  expect(row?.next_generation_at.getTime()).toBe(skipped + 10_000);
  expect(forced?.['next_generation_at']).toBe(row?.next_generation_at.toISOString());

  const passed = await gm.untilRecord(gameId, { skip_next_tick: false });
  expect(passed['current_turn']).toBe(forced?.['current_turn']);
  await waitFor(
    async () => ((await gm.record(gameId))['current_turn'] as number) > (forced?.['current_turn'] as number),
  );
  const turns = (await gm.operations(gameId)).filter(({ kind }) => kind === 'turn');
  const after = turns.map(({ started_at }) => (started_at as Date).getTime()).filter((at) => at >= skipped);
  expect(after[0]).toBeGreaterThanOrEqual(skipped + 10_000);
});

test('a forced turn that fails skips the tick all the same', async () => {
  const gameId = await gm.running(engine);
  engine.failNext('turn', { kind: 'answer', status: 400 });
  expect((await gm.force(gameId)).status).toBe(422);
  expect(await gm.record(gameId)).toMatchObject({
    status: 'generation_failed',
    skip_next_tick: true,
    next_generation_at: null,
  });
  expect((await gm.force(gameId)).body).toMatchObject({ current_turn: 1, next_generation_at: newYear(2) });
});

test('while a turn runs no other can be forced, and the refusal is forgotten with it', async () => {
  const gameId = await gm.running(engine);
  const release = engine.holdTurns();
  const first = gm.force(gameId);
  await waitFor(() => engine.callsOf('turn') === 1);
  const refused = await gm.force(gameId, { 'Idempotency-Key': 'k' });
  expect(refused.status).toBe(409);
  expect(refused.body).toMatchObject({ error: { code: 'conflict' } });
  expect(await gm.record(gameId)).toMatchObject({
    status: 'generation_in_progress',
    next_generation_at: newYear(2),
  });
  release();
  expect((await first).body).toMatchObject({ current_turn: 1 });
  expect((await gm.force(gameId, { 'Idempotency-Key': 'k' })).body).toMatchObject({ current_turn: 2 });
  expect(await operationsOf(gm, gameId)).toHaveLength(3);
});

test('an engine that is one turn ahead has made the turn', async () => {
  const gameId = await gm.running(engine);
  engine.turn = 1;
  expect((await gm.force(gameId)).body).toMatchObject({ status: 'running', current_turn: 1 });
  expect(engine.callsOf('turn')).toBe(0);
  expect(await intentsOf(gm, gameId)).toEqual(['game.turn.ready 1 to ann,bob']);
});

test('a game that is not registered has no turns', async () => {
  const reply = await gm.force('nobody');
  expect(reply.status).toBe(404);
  expect(reply.body).toMatchObject({ error: { code: 'runtime_not_found' } });
});

test('a turn that the record shows is no reason to refuse the next one', async () => {
  const gameId = await gm.running(engine);
  const forced: Promise<{ status: number }>[] = [];
  for (let turn = 1; turn <= 4; turn += 1) {
    forced.push(gm.force(gameId));
    // The record has the turn before its workflow has heard of it: a caller who looks there goes on at once.
    await waitFor(async () => (await gm.record(gameId))['current_turn'] === turn, { interval: 1 });
  }
  expect((await Promise.all(forced)).map(({ status }) => status)).toEqual([200, 200, 200, 200]);
});
