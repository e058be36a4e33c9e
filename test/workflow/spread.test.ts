import { spreadOf } from '../../domain/turn-schedule';
import { DAY_MS, SkippingGameMaster } from '../support/skipping-game-master';
import { freshGameId } from '../support/stack';
import { TestEngine } from '../support/test-engine';

const SPREAD_MS = 3_600_000;
/** A tick is handled as soon as the server fires its timer: the clock runs on meanwhile, for as long as the machine needs. */
const SOON_MS = 60_000;

let gm: SkippingGameMaster;

beforeAll(async () => {
  gm = await SkippingGameMaster.start({ GAMEMASTER_TICK_SPREAD: '1h' });
});

afterAll(() => gm.stop());

test('games of the same minute are spread, and each has its place every day', async () => {
  const begun = Math.ceil((await gm.now()) / DAY_MS) * DAY_MS + SPREAD_MS;
  await gm.skipTo(begun);
  const games = await Promise.all(
    [freshGameId(), freshGameId(), freshGameId()].map(async (gameId) => {
      const engine = await TestEngine.start();
      await gm.running(engine, {}, gameId);
      return { gameId, engine, place: spreadOf(gameId, SPREAD_MS) };
    }),
  );
  expect(new Set(games.map(({ place }) => place)).size).toBe(3);
  const midnight = begun - SPREAD_MS + DAY_MS;
  await gm.skipTo(midnight + DAY_MS + SPREAD_MS);

  for (const { gameId, engine, place } of games) {
    const turns = await gm.operations(gameId, 'turn');
    expect(turns).toHaveLength(2);
    const lateness = turns.map(
      ({ started_at }, day) => started_at.getTime() - (midnight + day * DAY_MS + place),
    );
    expect(Math.min(...lateness)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...lateness)).toBeLessThan(SOON_MS);
    expect(await gm.state(gameId)).toMatchObject({ nextTickAt: midnight + 2 * DAY_MS + place });
    await engine.stop();
  }
});
