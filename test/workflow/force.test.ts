import { DAY_MS, SkippingGameMaster } from '../support/skipping-game-master';
import { TestEngine } from '../support/test-engine';

const HOUR_MS = 3_600_000;

let gm: SkippingGameMaster;
let engine: TestEngine;
let gameId: string;
/** The tick that was next when the game was registered. */
let tick: number;

beforeAll(async () => {
  gm = await SkippingGameMaster.start();
});

afterAll(() => gm.stop());

beforeEach(async () => {
  engine = await TestEngine.start();
  // Well clear of midnight, whatever the time of day is.
  const now = await gm.now();
  await gm.skipTo(Math.ceil(now / DAY_MS) * DAY_MS + 6 * HOUR_MS);
  gameId = await gm.running(engine);
  tick = (await gm.state(gameId)).nextTickAt ?? 0;
});

afterEach(async () => {
  // It would go on ticking beside the next test's game.
  await gm.workflow(gameId).terminate();
  await engine.stop();
});

/** The instants of the ticks that made turns so far. */
async function ticksWithTurns(): Promise<number[]> {
  const turns = await gm.operations(gameId, 'turn');
  return turns.map(({ started_at }) => Math.floor(started_at.getTime() / DAY_MS) * DAY_MS);
}

test('a forced turn takes the place of exactly the next tick', async () => {
  expect(await gm.force(gameId)).toMatchObject({ outcome: 'success' });
  expect(await gm.state(gameId)).toMatchObject({
    currentTurn: 1,
    skippedTickAt: tick,
    nextTickAt: tick + DAY_MS,
  });

  await gm.skipTo(tick + HOUR_MS);
  expect(engine.turnLog).toEqual([1]);
  await gm.skipTo(tick + 3 * DAY_MS + HOUR_MS);
  expect(engine.turnLog).toEqual([1, 2, 3, 4]);
  expect(await ticksWithTurns()).toEqual([tick + DAY_MS, tick + 2 * DAY_MS, tick + 3 * DAY_MS]);
});

test('a second forced turn before that tick takes the place of nothing more', async () => {
  await gm.force(gameId);
  await gm.skipTo(tick - HOUR_MS);
  expect(await gm.force(gameId)).toMatchObject({ outcome: 'success' });
  expect(await gm.state(gameId)).toMatchObject({
    currentTurn: 2,
    skippedTickAt: tick,
    nextTickAt: tick + DAY_MS,
  });

  await gm.skipTo(tick + 2 * DAY_MS + HOUR_MS);
  expect(await ticksWithTurns()).toEqual([tick + DAY_MS, tick + 2 * DAY_MS]);
});

test('a turn forced after the skipped tick has passed takes the place of another one', async () => {
  await gm.force(gameId);
  await gm.skipTo(tick + HOUR_MS);
  await gm.force(gameId);
  expect(await gm.state(gameId)).toMatchObject({
    skippedTickAt: tick + DAY_MS,
    nextTickAt: tick + 2 * DAY_MS,
  });

  await gm.skipTo(tick + 3 * DAY_MS + HOUR_MS);
  expect(await ticksWithTurns()).toEqual([tick + 2 * DAY_MS, tick + 3 * DAY_MS]);
});

test('a forced turn that fails has taken the place of its tick all the same', async () => {
  engine.failNext('turn', { kind: 'answer', status: 400 });
  expect(await gm.force(gameId)).toMatchObject({ outcome: 'failure' });
  expect(await gm.state(gameId)).toMatchObject({
    status: 'generation_failed',
    skippedTickAt: tick,
    nextTickAt: null,
  });

  // The turn that mends the game comes before the skipped tick: that one stays the only one.
  expect(await gm.force(gameId)).toMatchObject({ outcome: 'success' });
  expect(await gm.state(gameId)).toMatchObject({
    status: 'running',
    skippedTickAt: tick,
    nextTickAt: tick + DAY_MS,
  });
  await gm.skipTo(tick + DAY_MS + HOUR_MS);
  expect(await ticksWithTurns()).toEqual([tick + DAY_MS]);
});

test('a failed game makes up no ticks when a forced turn has mended it', async () => {
  engine.failNext('turn', { kind: 'answer', status: 400 });
  await gm.skipTo(tick + 5 * DAY_MS + HOUR_MS);
  expect(await gm.state(gameId)).toMatchObject({ status: 'generation_failed', currentTurn: 0 });
  expect(engine.turnLog).toEqual([]);

  await gm.force(gameId);
  expect(await gm.state(gameId)).toMatchObject({
    status: 'running',
    currentTurn: 1,
    nextTickAt: tick + 7 * DAY_MS,
  });
  await gm.skipTo(tick + 7 * DAY_MS + HOUR_MS);
  expect(engine.turnLog).toEqual([1, 2]);
});

test('a skipped tick is no missed one', async () => {
  const missedBefore = await missed();
  await gm.skipTo(tick + HOUR_MS);
  await gm.force(gameId);
  await gm.skipTo(tick + 2 * DAY_MS + HOUR_MS);
  expect(await ticksWithTurns()).toEqual([tick, tick + 2 * DAY_MS]);
  expect(await missed()).toBe(missedBefore);
});

async function missed(): Promise<number> {
  const { values } = await gm.metrics.ticksMissed.get();
  return values[0]?.value ?? 0;
}
