import { EVERY_SECOND, GameMaster } from '../support/game-master';
import { ReferenceEngine } from '../support/reference-engine';
import { intentsOf, lobbyEventsOf, operationsOf } from '../support/story';
import { TestEngine } from '../support/test-engine';
import { TestRuntimeManager } from '../support/test-runtime-manager';
import { waitFor } from '../support/wait-for';

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

const LAST_TURN = 8;

const upTo = (turns: number) => Array.from({ length: turns }, (_, index) => index + 1);

test('the reference engine makes each turn once, in order, and everybody is told of each', async () => {
  // It ends the game by itself: a stop could come in the middle of a turn.
  const engine = await ReferenceEngine.start({ ENGINE_FINISH_TURN: LAST_TURN.toString() });
  const gameId = await gm.running(engine, { turn_schedule: EVERY_SECOND });
  const shown: string[] = [];
  await waitFor(
    async () => {
      const { status, current_turn, next_generation_at } = await gm.record(gameId);
      if (status === 'running') shown[current_turn as number] = next_generation_at as string;
      return status === 'finished';
    },
    { timeout: 45_000, describe: 'the last turn' },
  );
  const turns = upTo(LAST_TURN - 1);

  expect(await engine.turnLog()).toEqual(upTo(LAST_TURN));
  expect(await operationsOf(gm, gameId)).toEqual([
    'register starting > running ok',
    ...turns.map(() => 'turn generation_in_progress > running ok'),
    'turn generation_in_progress > finished ok',
    'finish generation_in_progress > finished ok',
  ]);
  expect(await lobbyEventsOf(gm, gameId)).toEqual([
    'runtime_snapshot_update 0 running',
    ...turns.map((turn) => `runtime_snapshot_update ${turn} running`),
    `game_finished ${LAST_TURN} finished`,
  ]);
  expect(await intentsOf(gm, gameId)).toEqual([
    ...turns.map((turn) => `game.turn.ready ${turn} to ann,bob`),
    `game.finished ${LAST_TURN} to ann,bob`,
  ]);

  // The next turn was always told for a whole second, later than the one before it (not every look comes in time).
  const times = Object.values(shown).map((time) => Date.parse(time));
  expect(times.length).toBeGreaterThanOrEqual(3);
  expect(times.every((time, index) => time % 1000 === 0 && time > (times[index - 1] ?? 0))).toBe(true);

  const rows = (await gm.operations(gameId)).filter(({ kind }) => kind === 'turn');
  expect(rows.every(({ source, actor }) => source === 'scheduler' && actor === null)).toBe(true);

  // What the engine says of its players reaches Lobby under the users' names.
  const [, last] = (await gm.events('lobbyEvents', gameId)).slice(-2);
  expect(last?.['payload']).toMatchObject({
    player_turn_stats: [
      { user_id: 'ann', planets: expect.any(Number) as number, population: expect.any(Number) as number },
      { user_id: 'bob', planets: expect.any(Number) as number, population: expect.any(Number) as number },
    ],
  });
  await engine.stop();
});

test('ticks that pass while a turn runs make none, and the next turn is at the tick after it', async () => {
  const engine = await TestEngine.start({ turnDurationMs: 2_300 });
  const release = engine.holdTurns();
  const gameId = await gm.running(engine, { turn_schedule: EVERY_SECOND });
  const during = await gm.untilRecord(gameId, { status: 'generation_in_progress' });
  expect(during).toMatchObject({ current_turn: 0, skip_next_tick: false });
  expect(Date.parse(String(during['next_generation_at']))).toBeGreaterThan(
    Date.parse(String(during['started_at'])),
  );

  release();
  await waitFor(() => engine.turnLog.length >= 3, { timeout: 30_000 });
  await gm.stopGame(gameId);
  const turns = (await gm.operations(gameId)).filter(
    ({ kind, outcome }) => kind === 'turn' && outcome === 'success',
  );
  const spans = turns.map(({ started_at, finished_at }) => ({
    from: (started_at as Date).getTime(),
    to: (finished_at as Date).getTime(),
  }));
  expect(spans.length).toBeGreaterThanOrEqual(2);
  spans.slice(1).forEach(({ from }, index) => {
    const { to } = spans[index] as (typeof spans)[number];
    // Begun at the first whole second after the turn before was over, and not at once.
    expect(Math.floor(from / 1000)).toBeGreaterThan(Math.floor((to - 100) / 1000));
  });
  await engine.stop();
});
