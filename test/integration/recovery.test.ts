import { EVERY_SECOND, GameMaster, type Reply } from '../support/game-master';
import { RuntimeReports } from '../support/runtime-reports';
import { intentsOf, lobbyEventsOf, operationsOf } from '../support/story';
import { TestEngine } from '../support/test-engine';
import { TestRuntimeManager } from '../support/test-runtime-manager';
import { waitFor } from '../support/wait-for';

const reports = new RuntimeReports();
let gm: GameMaster;
let runtimeManager: TestRuntimeManager;
let engine: TestEngine;

beforeAll(async () => {
  runtimeManager = await TestRuntimeManager.start();
  gm = await GameMaster.start({
    env: {
      ...reports.env,
      GAMEMASTER_RTM_BASE_URL: runtimeManager.baseUrl,
      // It is held for as long as a test needs.
      GAMEMASTER_RTM_TIMEOUT: '50s',
    },
  });
});

afterAll(async () => {
  await gm.stop();
  await runtimeManager.stop();
});

beforeEach(async () => {
  engine = await TestEngine.start();
});

afterEach(async () => {
  await engine.stop();
});

interface State {
  status: string;
  currentTurn: number;
  nextTickAt: number | null;
  unsettledTurn: number | null;
  recovering: boolean;
}

function stateOf(gameId: string): Promise<State> {
  return gm.workflow(gameId).query<State>('state');
}

/** Waits until the game has these fields: it learns of a write a moment after the record shows it. */
function untilState(gameId: string, fields: Partial<State>): Promise<State> {
  return waitFor(
    async () => {
      const state = await stateOf(gameId);
      return Object.entries(fields).every(([name, value]) => state[name as keyof State] === value) && state;
    },
    { describe: `the state of ${gameId} to have ${JSON.stringify(fields)}` },
  );
}

function outcome({ status, body }: Reply): string {
  const error = body?.['error'] as { code: string } | undefined;
  return `${status} ${error?.code ?? String(body?.['status'])}`;
}

/** A game whose turn 1 was forced and stands in the engine. */
async function inTurn(fault: 'held' | 'never_applied') {
  const gameId = await gm.running(engine);
  const letGo = fault === 'held' ? engine.holdTurns() : () => undefined;
  if (fault === 'never_applied') engine.failNext('turn', { kind: 'hang' });
  const turn = gm.force(gameId);
  await waitFor(() => engine.callsOf('turn') === 1);
  return { gameId, letGo, turn };
}

/** The record, the game and the engine agree. */
async function expectAgreement(gameId: string): Promise<void> {
  const record = await gm.record(gameId);
  const {
    status,
    current_turn: currentTurn,
    next_generation_at: next,
  } = record as {
    status: string;
    current_turn: number;
    next_generation_at: string | null;
  };
  await untilState(gameId, { status, currentTurn, nextTickAt: next === null ? null : Date.parse(next) });
  expect(engine.turn).toBe(currentTurn);
  expect(engine.turnLog).toEqual(Array.from({ length: engine.turn }, (_, i) => i + 1));
}

test.each([
  ['container_exited', 'exited'],
  ['container_oom', 'oom'],
  ['container_disappeared', 'disappeared'],
] as const)('%s makes a running game unreachable until its engine is back', async (type, summary) => {
  const gameId = await gm.running(engine);
  await reports.report(gm, gameId, type);
  await gm.untilRecord(gameId, { status: 'engine_unreachable', engine_health: summary });
  expect((await gm.record(gameId))['next_generation_at']).toBeNull();

  const before = Date.now();
  await reports.report(gm, gameId, 'container_started');
  const record = await gm.untilRecord(gameId, { status: 'running', engine_health: 'healthy' });
  expect(Date.parse(String(record['next_generation_at']))).toBeGreaterThan(before);
  expect(await operationsOf(gm, gameId)).toEqual([
    'register starting > running ok',
    'health running > engine_unreachable ok',
    'health engine_unreachable > running ok',
  ]);
  expect(await lobbyEventsOf(gm, gameId)).toEqual([
    'runtime_snapshot_update 0 running',
    'runtime_snapshot_update 0 engine_unreachable',
    'runtime_snapshot_update 0 engine_unreachable',
    'runtime_snapshot_update 0 running',
  ]);
  await expectAgreement(gameId);
});

test('an engine lost in the middle of a turn that it had made: the turn is adopted', async () => {
  const { gameId, letGo, turn } = await inTurn('held');
  await reports.report(gm, gameId, 'container_oom');
  expect(outcome(await turn)).toBe('502 engine_unreachable');
  await gm.untilRecord(gameId, { status: 'engine_unreachable', engine_health: 'oom', current_turn: 0 });
  await untilState(gameId, { unsettledTurn: 1, recovering: false });

  letGo();
  await waitFor(() => engine.turn === 1);
  const before = Date.now();
  await reports.report(gm, gameId, 'container_started');
  const record = await gm.untilRecord(gameId, {
    status: 'running',
    current_turn: 1,
    engine_health: 'healthy',
  });
  expect(Date.parse(String(record['next_generation_at']))).toBeGreaterThan(before);
  expect(await operationsOf(gm, gameId)).toEqual([
    'register starting > running ok',
    'force generation_in_progress > null engine_unreachable',
    'health generation_in_progress > engine_unreachable ok',
    'turn generation_in_progress > running ok',
  ]);
  expect(await lobbyEventsOf(gm, gameId)).toEqual([
    'runtime_snapshot_update 0 running',
    'runtime_snapshot_update 0 engine_unreachable',
    'runtime_snapshot_update 0 engine_unreachable',
    'runtime_snapshot_update 1 running',
  ]);
  expect(await intentsOf(gm, gameId)).toEqual(['game.turn.ready 1 to ann,bob']);
  await untilState(gameId, { unsettledTurn: null, recovering: false });
  await expectAgreement(gameId);
});

test('an engine lost in the middle of a turn that it had not made: the game goes on without', async () => {
  const { gameId, turn } = await inTurn('never_applied');
  await reports.report(gm, gameId, 'container_oom');
  expect(outcome(await turn)).toBe('502 engine_unreachable');
  await reports.report(gm, gameId, 'healthy');
  await gm.untilRecord(gameId, { status: 'running', current_turn: 0, engine_health: 'healthy' });
  expect(await intentsOf(gm, gameId)).toEqual([]);
  await untilState(gameId, { unsettledTurn: null });

  expect(outcome(await gm.force(gameId))).toBe('200 running');
  await expectAgreement(gameId);
});

test('a scheduled turn that was cut short is made once, and ticks go on', async () => {
  engine.failNext('turn', { kind: 'apply_then_hang' });
  const gameId = await gm.running(engine, { turn_schedule: EVERY_SECOND });
  await waitFor(() => engine.turn === 1);
  await reports.report(gm, gameId, 'container_oom');
  await gm.untilRecord(gameId, { status: 'engine_unreachable' });
  await reports.report(gm, gameId, 'container_started');
  await waitFor(async () => Number((await gm.record(gameId))['current_turn']) >= 3, { timeout: 30_000 });
  expect((await gm.stopGame(gameId)).status).toBe(200);
  const { current_turn: turn } = await gm.record(gameId);
  expect(engine.turnLog).toEqual(Array.from({ length: engine.turn }, (_, i) => i + 1));
  expect([turn, Number(turn) + 1]).toContain(engine.turn);
  const ready = await intentsOf(gm, gameId);
  expect(ready).toEqual(
    Array.from({ length: Number(turn) }, (_, i) => `game.turn.ready ${i + 1} to ann,bob`),
  );
});

test('a keyed force that was cut short is answered the same again', async () => {
  const gameId = await gm.running(engine);
  engine.failNext('turn', { kind: 'hang' });
  const headers = { 'Idempotency-Key': 'lost-turn' };
  const first = gm.force(gameId, headers);
  await waitFor(() => engine.callsOf('turn') === 1);
  await reports.report(gm, gameId, 'container_exited');
  const { body } = await first;
  await reports.report(gm, gameId, 'container_started');
  await gm.untilRecord(gameId, { status: 'running' });
  const again = await gm.force(gameId, headers);
  expect(outcome(again)).toBe('502 engine_unreachable');
  expect(again.body).toEqual(body);
  expect(engine.callsOf('turn')).toBe(1);
});

test('a game that was made to finish by a lost turn finishes', async () => {
  engine.options.finishTurn = 1;
  const { gameId, letGo, turn } = await inTurn('held');
  await reports.report(gm, gameId, 'container_exited');
  expect(outcome(await turn)).toBe('502 engine_unreachable');
  letGo();
  await waitFor(() => engine.turn === 1);
  await reports.report(gm, gameId, 'container_started');
  await gm.untilRecord(gameId, { status: 'finished', current_turn: 1 });
  expect((await lobbyEventsOf(gm, gameId)).at(-1)).toBe('game_finished 1 finished');
  expect(await intentsOf(gm, gameId)).toEqual(['game.finished 1 to ann,bob']);
});

test('an engine that is asked until it answers', async () => {
  const gameId = await gm.running(engine);
  const port = await engine.goAway();
  await reports.report(gm, gameId, 'container_exited');
  await reports.report(gm, gameId, 'container_started');
  await gm.untilRecord(gameId, { status: 'engine_unreachable', engine_health: 'healthy' });
  await untilState(gameId, { recovering: true });
  await engine.comeBack(port);
  await gm.untilRecord(gameId, { status: 'running' });
  await expectAgreement(gameId);
});

test('an engine that is lost again while it is asked is asked again when it is back', async () => {
  const gameId = await gm.running(engine);
  const port = await engine.goAway();
  await reports.report(gm, gameId, 'container_exited');
  await reports.report(gm, gameId, 'container_started');
  await untilState(gameId, { recovering: true });
  await reports.report(gm, gameId, 'container_oom');
  await gm.untilRecord(gameId, { status: 'engine_unreachable', engine_health: 'oom' });
  await untilState(gameId, { recovering: false });
  await engine.comeBack(port);
  await reports.report(gm, gameId, 'healthy');
  await gm.untilRecord(gameId, { status: 'running', engine_health: 'healthy' });
});

test('an engine that stands elsewhere keeps its game waiting, and is no news twice', async () => {
  const gameId = await gm.running(engine);
  engine.turn = 5;
  await reports.report(gm, gameId, 'container_exited');
  await reports.report(gm, gameId, 'container_started');
  await gm.untilRecord(gameId, { status: 'engine_unreachable', engine_health: 'turn_mismatch' });
  const told = await lobbyEventsOf(gm, gameId);

  const asked = engine.callsOf('status');
  await reports.report(gm, gameId, 'healthy');
  await waitFor(() => engine.callsOf('status') > asked);
  await reports.untilSettled(gm);
  await untilState(gameId, { recovering: false });
  expect(await gm.record(gameId)).toMatchObject({
    status: 'engine_unreachable',
    engine_health: 'turn_mismatch',
  });
  expect(await lobbyEventsOf(gm, gameId)).toEqual(told);

  // Its state was restored.
  engine.turn = 0;
  await reports.report(gm, gameId, 'healthy');
  await gm.untilRecord(gameId, { status: 'running', engine_health: 'healthy' });
  await expectAgreement(gameId);
});

test('an engine that has lost its game stands elsewhere too', async () => {
  const gameId = await gm.running(engine);
  engine.failNext('status', {
    kind: 'answer',
    status: 409,
    body: JSON.stringify({ error: { code: 'not_initialised', message: 'the game has not begun' } }),
  });
  await reports.report(gm, gameId, 'container_disappeared');
  await reports.report(gm, gameId, 'container_started');
  await gm.untilRecord(gameId, { status: 'engine_unreachable', engine_health: 'turn_mismatch' });
});

test('an engine that is one ahead with nothing unsettled goes on: the next turn finds it', async () => {
  const gameId = await gm.running(engine);
  engine.turn = 1;
  engine.turnLog.push(1);
  await reports.report(gm, gameId, 'container_exited');
  await gm.untilRecord(gameId, { status: 'engine_unreachable' });
  await reports.report(gm, gameId, 'container_started');
  await gm.untilRecord(gameId, { status: 'running', current_turn: 0, engine_health: 'healthy' });
  expect(outcome(await gm.force(gameId))).toBe('200 running');
  expect(engine.callsOf('turn')).toBe(0);
  await expectAgreement(gameId);
});

test('after a failed turn health changes only the summary', async () => {
  const gameId = await gm.running(engine);
  engine.failNext('turn', { kind: 'answer', status: 400 });
  expect(outcome(await gm.force(gameId))).toBe('422 engine_validation_error');
  await reports.report(gm, gameId, 'container_exited');
  await gm.untilRecord(gameId, { status: 'generation_failed', engine_health: 'exited' });
  await reports.report(gm, gameId, 'container_started');
  await gm.untilRecord(gameId, { status: 'generation_failed', engine_health: 'healthy' });
  expect(await operationsOf(gm, gameId)).toEqual([
    'register starting > running ok',
    'force generation_in_progress > generation_failed engine_validation_error',
  ]);
});

test('a turn can be forced while the engine is thought to be away', async () => {
  const gameId = await gm.running(engine);
  await reports.report(gm, gameId, 'container_exited');
  await gm.untilRecord(gameId, { status: 'engine_unreachable' });
  const reply = await gm.force(gameId);
  expect(reply.body).toMatchObject({
    status: 'running',
    current_turn: 1,
    engine_health: 'healthy',
    skip_next_tick: true,
  });
  expect(await operationsOf(gm, gameId)).toEqual([
    'register starting > running ok',
    'health running > engine_unreachable ok',
    'force generation_in_progress > running ok',
  ]);
  await expectAgreement(gameId);
});

test('a forced turn settles the one that was cut short', async () => {
  const { gameId, letGo, turn } = await inTurn('held');
  await reports.report(gm, gameId, 'container_exited');
  expect(outcome(await turn)).toBe('502 engine_unreachable');
  letGo();
  await waitFor(() => engine.turn === 1);
  expect((await gm.force(gameId)).body).toMatchObject({ status: 'running', current_turn: 1 });
  await untilState(gameId, { unsettledTurn: null });
  await expectAgreement(gameId);
});

test('a stop ends the asking', async () => {
  const gameId = await gm.running(engine);
  await engine.goAway();
  await reports.report(gm, gameId, 'container_exited');
  await reports.report(gm, gameId, 'container_started');
  await untilState(gameId, { recovering: true });
  expect(outcome(await gm.stopGame(gameId))).toBe('200 stopped');
  await waitFor(async () => (await gm.workflow(gameId).describe()).status.name === 'COMPLETED');
});

test('a stop that is being asked for holds the loss of the engine back', async () => {
  const { gameId, turn } = await inTurn('never_applied');
  const release = runtimeManager.hold();
  const stop = gm.stopGame(gameId);
  await waitFor(() => runtimeManager.requests.includes(`stop ${gameId}`));
  await reports.report(gm, gameId, 'container_exited');
  await reports.untilSettled(gm);
  expect(await gm.record(gameId)).toMatchObject({ status: 'generation_in_progress' });
  release();
  expect(outcome(await stop)).toBe('200 stopped');
  expect(outcome(await turn)).toBe('409 conflict');
  expect(await operationsOf(gm, gameId)).toEqual([
    'register starting > running ok',
    'force generation_in_progress > null conflict',
    'stop generation_in_progress > stopped ok',
  ]);
});

test('a stop that Runtime Manager will not do lets the loss of the engine through', async () => {
  const { gameId, turn } = await inTurn('never_applied');
  const release = runtimeManager.hold();
  runtimeManager.replyNext({ status: 409, body: { error: { code: 'conflict', message: 'not now' } } });
  const stop = gm.stopGame(gameId);
  await waitFor(() => runtimeManager.requests.includes(`stop ${gameId}`));
  await reports.report(gm, gameId, 'container_exited');
  await reports.untilSettled(gm);
  release();
  expect(outcome(await stop)).toBe('409 conflict');
  expect(outcome(await turn)).toBe('502 engine_unreachable');
  await gm.untilRecord(gameId, { status: 'engine_unreachable', engine_health: 'exited' });
});

test('a game that waits for its engine goes on waiting in a new run', async () => {
  const { gameId, letGo, turn } = await inTurn('held');
  await reports.report(gm, gameId, 'container_exited');
  expect(outcome(await turn)).toBe('502 engine_unreachable');
  letGo();
  await waitFor(() => engine.turn === 1);
  const port = await engine.goAway();
  await reports.report(gm, gameId, 'container_started');
  await untilState(gameId, { recovering: true });

  const { runId } = await gm.workflow(gameId).describe();
  await gm.workflow(gameId).signal('continue-as-new');
  await waitFor(async () => (await gm.workflow(gameId).describe()).runId !== runId);
  await untilState(gameId, { unsettledTurn: 1, recovering: true });
  await engine.comeBack(port);
  await gm.untilRecord(gameId, { status: 'running', current_turn: 1, engine_health: 'healthy' });
  expect(await intentsOf(gm, gameId)).toEqual(['game.turn.ready 1 to ann,bob']);
  await expectAgreement(gameId);

  // What the run before had heard of is still known.
  await reports.report(gm, gameId, 'container_exited', { at: Date.now() - 3_600_000 });
  await reports.untilSettled(gm);
  expect(await gm.record(gameId)).toMatchObject({ status: 'running' });
});

test('a game whose worker dies over a lost turn still goes the same way', async () => {
  const { gameId, letGo, turn } = await inTurn('held');
  await Promise.all(gm.workers.map((worker) => worker.crash()));
  await reports.report(gm, gameId, 'container_oom');
  await gm.addWorker();
  expect(outcome(await turn)).toBe('502 engine_unreachable');
  await gm.untilRecord(gameId, { status: 'engine_unreachable', engine_health: 'oom' });
  letGo();
  await waitFor(() => engine.turn >= 1);
  await reports.report(gm, gameId, 'container_started');
  await gm.untilRecord(gameId, { status: 'running', current_turn: 1 });
  expect(await intentsOf(gm, gameId)).toEqual(['game.turn.ready 1 to ann,bob']);
  await expectAgreement(gameId);
});

test('a game whose worker dies while it asks the engine has another ask, within seconds', async () => {
  const gameId = await gm.running(engine);
  await reports.report(gm, gameId, 'container_exited');
  await gm.untilRecord(gameId, { status: 'engine_unreachable' });
  const asked = engine.callsOf('status');
  const letGo = engine.hold('status');
  await reports.report(gm, gameId, 'container_started');
  await waitFor(() => engine.callsOf('status') > asked);
  await Promise.all(gm.workers.map((worker) => worker.crash()));
  letGo();
  await gm.addWorker();
  // Else it would be noticed after the minute that the asking may take.
  await gm.untilRecord(gameId, { status: 'running' }, 25_000);
  await expectAgreement(gameId);
});
