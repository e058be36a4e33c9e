import { EVERY_SECOND, GameMaster } from '../support/game-master';
import { ReferenceEngine } from '../support/reference-engine';
import { intentsOf, lobbyEventsOf, operationsOf } from '../support/story';
import { TestEngine } from '../support/test-engine';
import { TestRuntimeManager } from '../support/test-runtime-manager';

let gm: GameMaster;
let runtimeManager: TestRuntimeManager;

beforeAll(async () => {
  runtimeManager = await TestRuntimeManager.start();
  gm = await GameMaster.start({ env: { GAMEMASTER_RTM_BASE_URL: runtimeManager.baseUrl } });
});

afterAll(async () => {
  await gm.stop();
  await runtimeManager.stop();
});

test('a game that its engine finishes is over for good', async () => {
  const engine = await ReferenceEngine.start({ ENGINE_FINISH_TURN: '2' });
  const gameId = await gm.running(engine, { turn_schedule: EVERY_SECOND });
  // The workflow ends by itself once all is told: no tick can come any more.
  expect(await gm.workflow(gameId).result()).toBe('finished at turn 2');

  const record = await gm.record(gameId);
  expect(record).toMatchObject({
    status: 'finished',
    current_turn: 2,
    next_generation_at: null,
    skip_next_tick: false,
    stopped_at: null,
    finished_at: expect.any(String) as string,
  });
  expect(await operationsOf(gm, gameId)).toEqual([
    'register starting > running ok',
    'turn generation_in_progress > running ok',
    'turn generation_in_progress > finished ok',
    'finish generation_in_progress > finished ok',
  ]);
  expect(await lobbyEventsOf(gm, gameId)).toEqual([
    'runtime_snapshot_update 0 running',
    'runtime_snapshot_update 1 running',
    'game_finished 2 finished',
  ]);
  expect(await intentsOf(gm, gameId)).toEqual(['game.turn.ready 1 to ann,bob', 'game.finished 2 to ann,bob']);
  const last = (await gm.events('lobbyEvents', gameId)).at(-1);
  expect(last?.['payload']).toEqual({
    game_id: gameId,
    final_turn_number: 2,
    runtime_status: 'finished',
    player_turn_stats: [
      expect.objectContaining({ user_id: 'ann' }) as unknown,
      expect.objectContaining({ user_id: 'bob' }) as unknown,
    ],
    finished_at_ms: Date.parse(String(record['finished_at'])),
  });

  const refused = await Promise.all([gm.force(gameId), gm.stopGame(gameId)]);
  expect(refused.map(({ status, body }) => [status, body])).toEqual(
    refused.map(() => [409, { error: { code: 'conflict', message: `game ${gameId} is finished` } }]),
  );
  expect(await gm.record(gameId)).toEqual(record);
  expect(await engine.turnLog()).toEqual([1, 2]);
  expect(runtimeManager.requests).toEqual([]);
  await engine.stop();
});

test('a forced turn can be the last one, and its caller is told', async () => {
  const engine = await TestEngine.start({ finishTurn: 1 });
  const gameId = await gm.running(engine);
  const reply = await gm.force(gameId, { 'X-Galaxy-Caller': 'admin' });
  expect(reply.status).toBe(200);
  expect(reply.body).toMatchObject({ status: 'finished', current_turn: 1, next_generation_at: null });
  expect(await operationsOf(gm, gameId)).toEqual([
    'register starting > running ok',
    'force generation_in_progress > finished ok',
    'finish generation_in_progress > finished ok',
  ]);
  expect(await lobbyEventsOf(gm, gameId)).toEqual([
    'runtime_snapshot_update 0 running',
    'game_finished 1 finished',
  ]);
  expect(await gm.workflow(gameId).result()).toBe('finished at turn 1');
  await engine.stop();
});
