import { EVERY_SECOND, GameMaster } from '../support/game-master';
import { operationsOf } from '../support/story';
import { TestEngine } from '../support/test-engine';
import { TestRuntimeManager } from '../support/test-runtime-manager';
import { waitFor } from '../support/wait-for';

let gm: GameMaster;
let runtimeManager: TestRuntimeManager;
let engine: TestEngine;

beforeAll(async () => {
  runtimeManager = await TestRuntimeManager.start();
  gm = await GameMaster.start({ env: { GAMEMASTER_RTM_BASE_URL: runtimeManager.baseUrl } });
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

/** The game itself has to be done with the turn; its record shows the turn a moment earlier. */
function untilTurn(gameId: string, turn: number) {
  return waitFor(async () => {
    const state = await gm.workflow(gameId).query<{ status: string; currentTurn: number }>('state');
    return state.status === 'running' && state.currentTurn === turn;
  });
}

async function untilOperations(gameId: string, count: number): Promise<string[]> {
  return waitFor(async () => {
    const rows = await operationsOf(gm, gameId);
    return rows.length >= count && rows;
  });
}

test('an operator forces a turn and stops the game by signal', async () => {
  const gameId = await gm.running(engine);
  const workflow = gm.workflow(gameId);
  await workflow.signal('force-next-turn', {});
  await untilTurn(gameId, 1);
  expect(await gm.record(gameId)).toMatchObject({ current_turn: 1, skip_next_tick: true });
  await workflow.signal('force-next-turn');
  await untilTurn(gameId, 2);
  await workflow.signal('stop', { reason: 'asked for by mail' });
  expect(await workflow.result()).toBe('stopped at turn 2');
  expect(await operationsOf(gm, gameId)).toEqual([
    'register starting > running ok',
    'force generation_in_progress > running ok',
    'force generation_in_progress > running ok',
    'stop running > stopped ok',
  ]);
  const [, ...rows] = await gm.operations(gameId);
  expect(rows).toEqual(
    rows.map(
      () => expect.objectContaining({ source: 'operator', actor: null, idempotency_key: null }) as unknown,
    ),
  );
  expect(runtimeManager.requests).toEqual([`stop ${gameId}`]);
});

/** Anything that a person may type. */
const BAD: ['force-next-turn' | 'stop', unknown[]][] = [
  ['force-next-turn', ['now']],
  ['force-next-turn', [{ turns: 2 }]],
  ['force-next-turn', [[]]],
  ['stop', []],
  ['stop', [null]],
  ['stop', ['because']],
  ['stop', [{}]],
  ['stop', [{ reason: '' }]],
  ['stop', [{ reason: 7 }]],
  ['stop', [{ reason: 'x'.repeat(501) }]],
  ['stop', [{ reason: 'over', force: true }]],
  // Postgres refuses the one, and Temporal's worker ends itself over the other.
  ['force-next-turn', [{ 'turns\0': 2 }]],
  ['force-next-turn', [{ 'turns\ud800': 2 }]],
  ['stop', [{ reason: 'over\ud800' }, { key: 'k\0', hash: 'h' }]],
];

test('a signal with bad input is a failed operation, and the game goes on', async () => {
  const gameId = await gm.running(engine, { turn_schedule: EVERY_SECOND });
  const workflow = gm.workflow(gameId);
  for (const [name, args] of BAD) await workflow.signal(name, ...args);
  const failures = await waitFor(async () => {
    const rows = (await gm.operations(gameId)).filter(({ outcome }) => outcome === 'failure');
    return rows.length >= BAD.length && rows;
  });
  const kinds = BAD.map(([name]) => (name === 'stop' ? 'stop' : 'force'));
  expect(failures.map(({ kind }) => kind).sort()).toEqual(kinds.sort());
  expect(failures).toEqual(
    failures.map(
      () => expect.objectContaining({ error_code: 'invalid_request', source: 'operator' }) as unknown,
    ),
  );
  expect(failures.map(({ status_to }) => status_to)).toEqual(failures.map(() => null));
  const { current_turn } = await gm.record(gameId);
  await waitFor(async () => ((await gm.record(gameId))['current_turn'] as number) > (current_turn as number));
  expect((await workflow.describe()).status.name).toBe('RUNNING');
  expect((await gm.stopGame(gameId)).status).toBe(200);
});

test('a signal that cannot be followed is a failed operation that says why', async () => {
  const gameId = await gm.running(engine);
  const workflow = gm.workflow(gameId);
  const release = engine.holdTurns();
  const turn = gm.force(gameId);
  await waitFor(() => engine.callsOf('turn') === 1);
  await workflow.signal('force-next-turn', {});
  runtimeManager.replyNext({
    status: 409,
    body: { error: { code: 'conflict', message: 'an upgrade is under way' } },
  });
  await workflow.signal('stop', { reason: 'over' });
  await waitFor(async () => (await operationsOf(gm, gameId)).some((row) => row.startsWith('stop')));
  release();
  expect((await turn).body).toMatchObject({ current_turn: 1 });
  const rows = await untilOperations(gameId, 4);
  expect([...rows].sort()).toEqual([
    'force generation_in_progress > running ok',
    'force running > null conflict',
    'register starting > running ok',
    'stop generation_in_progress > null conflict',
  ]);
  expect(engine.turnLog).toEqual([1]);
});
