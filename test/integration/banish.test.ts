import { GameMaster } from '../support/game-master';
import { RuntimeReports } from '../support/runtime-reports';
import { lobbyEventsOf, operationsOf } from '../support/story';
import { TestEngine, type Fault } from '../support/test-engine';
import { send, update, type Outcome } from '../support/updates';
import { waitFor } from '../support/wait-for';

const REGISTER_ROW = 'register starting > running ok';
const reports = new RuntimeReports();
let gm: GameMaster;
let engine: TestEngine;

beforeAll(async () => {
  gm = await GameMaster.start({ env: { ...reports.env, GAMEMASTER_ENGINE_ADMIN_TIMEOUT: '4s' } });
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

function outcome(result: Outcome): string {
  return result.ok ? 'ok' : result.code;
}

async function banish(gameId: string, race: string, key?: string): Promise<string> {
  return outcome(await update(gm, gameId, 'banish', { race_name: race }, key));
}

test('a race is banished by the engine, and the game stays as it is', async () => {
  const gameId = await gm.running(engine);
  const before = await gm.record(gameId);
  expect(await banish(gameId, 'Borg')).toBe('ok');
  expect(engine.callsOf('banish')).toBe(1);
  expect(await gm.record(gameId)).toEqual(before);
  expect(await operationsOf(gm, gameId)).toEqual([REGISTER_ROW, 'banish running > null ok']);
  expect(await lobbyEventsOf(gm, gameId)).toHaveLength(1);
});

test('a race that the game does not have is not banished', async () => {
  const gameId = await gm.running(engine);
  expect(await banish(gameId, 'Klingon')).toBe('race_not_found');
  expect(engine.callsOf('banish')).toBe(0);
  expect(await operationsOf(gm, gameId)).toEqual([REGISTER_ROW, 'banish running > null race_not_found']);
});

const REFUSAL: Fault = {
  kind: 'answer',
  status: 422,
  body: JSON.stringify({ error: { code: 'no', message: 'the race is the last one' } }),
};

test.each<[string, Fault[], number, string]>([
  ['refuses', [REFUSAL], 1, 'engine_validation_error'],
  ['fails', [{ kind: 'answer', status: 500 }], 1, 'engine_unreachable'],
  ['sends elsewhere', [{ kind: 'answer', status: 302, headers: { location: '/' } }], 1, 'engine_unreachable'],
  ['breaks off twice', [{ kind: 'cut' }, { kind: 'cut' }], 2, 'engine_unreachable'],
])('an engine that %s', async (_, faults, calls, code) => {
  const gameId = await gm.running(engine);
  engine.failNext('banish', ...faults);
  const result = await update(gm, gameId, 'banish', { race_name: 'Borg' });
  expect(outcome(result)).toBe(code);
  if (code === 'engine_validation_error') {
    expect(result).toMatchObject({ message: expect.stringContaining('the race is the last one') as string });
  }
  expect(engine.callsOf('banish')).toBe(calls);
  expect(await gm.record(gameId)).toMatchObject({ status: 'running', engine_health: 'healthy' });
  expect(await operationsOf(gm, gameId)).toEqual([REGISTER_ROW, `banish running > null ${code}`]);
});

test('an engine that is not there', async () => {
  const gameId = await gm.running(engine);
  const port = await engine.goAway();
  expect(await banish(gameId, 'Borg')).toBe('engine_unreachable');
  await engine.comeBack(port);
  expect(await banish(gameId, 'Borg')).toBe('ok');
});

test('a reply that was lost is asked for once more', async () => {
  const gameId = await gm.running(engine);
  engine.failNext('banish', { kind: 'apply_then_cut' });
  expect(await banish(gameId, 'Borg')).toBe('ok');
  expect(engine.callsOf('banish')).toBe(2);
  expect(await operationsOf(gm, gameId)).toEqual([REGISTER_ROW, 'banish running > null ok']);
});

test('a key has one effect and one outcome, in a later run too', async () => {
  const gameId = await gm.running(engine);
  expect(await Promise.all([1, 2, 3].map(() => banish(gameId, 'Borg', 'once')))).toEqual(['ok', 'ok', 'ok']);
  expect(await banish(gameId, 'Klingon', 'never')).toBe('race_not_found');
  const { runId } = await gm.workflow(gameId).describe();
  await gm.workflow(gameId).signal('continue-as-new');
  await waitFor(async () => (await gm.workflow(gameId).describe()).runId !== runId);
  expect(await banish(gameId, 'Borg', 'once')).toBe('ok');
  expect(await banish(gameId, 'Klingon', 'never')).toBe('race_not_found');
  expect(engine.callsOf('banish')).toBe(1);
  expect(await operationsOf(gm, gameId)).toEqual([
    REGISTER_ROW,
    'banish running > null ok',
    'banish running > null race_not_found',
  ]);
});

test('after a failed turn, and while the engine is thought to be away', async () => {
  const gameId = await gm.running(engine);
  await reports.report(gm, gameId, 'container_exited');
  await gm.untilRecord(gameId, { status: 'engine_unreachable' });
  expect(await banish(gameId, 'Borg')).toBe('ok');
  engine.failNext('turn', { kind: 'answer', status: 400 });
  expect((await gm.force(gameId)).status).toBe(422);
  expect(await banish(gameId, 'Aelinari')).toBe('ok');
  expect((await operationsOf(gm, gameId)).filter((line) => line.startsWith('banish'))).toEqual([
    'banish engine_unreachable > null ok',
    'banish generation_failed > null ok',
  ]);
});

test('while a turn runs it is a conflict, and the loss of the engine waits for it', async () => {
  const gameId = await gm.running(engine);
  const letGo = engine.holdTurns();
  const turn = gm.force(gameId);
  await waitFor(() => engine.callsOf('turn') === 1);
  expect(await banish(gameId, 'Borg')).toBe('conflict');
  letGo();
  expect((await turn).status).toBe(200);

  engine.failNext('banish', { kind: 'hang' });
  const banishing = await send(gm, gameId, 'banish', { race_name: 'Borg' });
  await waitFor(() => engine.callsOf('banish') >= 1);
  await reports.report(gm, gameId, 'container_exited');
  expect(outcome(await banishing.outcome)).toBe('engine_unreachable');
  // Silence is not asked twice: only a broken connection is.
  expect(engine.callsOf('banish')).toBe(1);
  await gm.untilRecord(gameId, { status: 'engine_unreachable' });
  expect((await operationsOf(gm, gameId)).slice(-2)).toEqual([
    'banish running > null engine_unreachable',
    'health running > engine_unreachable ok',
  ]);
});

test('an operator banishes by signal', async () => {
  const gameId = await gm.running(engine);
  await gm.workflow(gameId).signal('banish', { race_name: 'Borg' });
  await gm.workflow(gameId).signal('banish', { race_name: 'Klingon' });
  await waitFor(async () => (await operationsOf(gm, gameId)).length === 3);
  expect(await operationsOf(gm, gameId)).toEqual([
    REGISTER_ROW,
    'banish running > null ok',
    'banish running > null race_not_found',
  ]);
  expect(engine.callsOf('banish')).toBe(1);
});
