import { EVERY_SECOND, GameMaster } from '../support/game-master';
import { indexesOfActivity } from '../support/history';
import { TestEngine } from '../support/test-engine';
import { waitFor } from '../support/wait-for';

const MOST_EVENTS = 15;
const TURNS = 5;

test('a turn that nothing disturbs costs at most 15 events of history', async () => {
  const gm = await GameMaster.start();
  const engine = await TestEngine.start();
  try {
    const gameId = await gm.running(engine, { turn_schedule: EVERY_SECOND });
    await waitFor(() => engine.turn > TURNS, { timeout: 30_000 });
    const { events = [] } = await gm.workflow(gameId).fetchHistory();
    const turns = indexesOfActivity(events ?? [], 'generateTurn');
    const costs = turns.slice(1).map((index, turn) => index - (turns[turn] ?? 0));
    expect(costs.length).toBeGreaterThanOrEqual(TURNS);
    expect(Math.max(...costs)).toBeLessThanOrEqual(MOST_EVENTS);
  } finally {
    await gm.stop();
    await engine.stop();
  }
}, 120_000);
