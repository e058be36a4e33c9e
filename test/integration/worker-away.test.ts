import { EVERY_SECOND, GameMaster } from '../support/game-master';
import { TestEngine } from '../support/test-engine';
import { waitFor } from '../support/wait-for';

const TICKS_AWAY = 10;

// On the real server: the one that skips time does not skip while a workflow has something to do and no worker is
// there to do it.
test('a worker that was away for ten ticks makes one turn for them all', async () => {
  const gm = await GameMaster.start();
  const engine = await TestEngine.start();
  try {
    const gameId = await gm.running(engine, { turn_schedule: EVERY_SECOND });
    await waitFor(() => engine.turn >= 2, { timeout: 30_000 });
    await Promise.all(gm.workers.map((worker) => worker.stop()));
    const turnsBefore = engine.turn;
    const lastTick = await lastTurnAt(gm, gameId);
    await waitFor(() => Date.now() > lastTick + (TICKS_AWAY + 1) * 1000, { timeout: 20_000 });
    expect(engine.turn).toBe(turnsBefore);

    const back = await gm.addWorker();
    await waitFor(() => engine.turn >= turnsBefore + 4, { timeout: 30_000 });
    // No turn more than there are, until what was made is compared with what is on record.
    engine.holdTurns();
    const turns = await waitFor(async () => {
      const rows = (await gm.operations(gameId)).filter(({ kind }) => kind === 'turn').map(startedAt);
      return rows.length === engine.turn && rows;
    });
    const gap = turns.slice(turnsBefore);
    expect(gap[0]).toBeGreaterThan(lastTick + TICKS_AWAY * 1000);
    // One turn on return, and from then on one at each tick.
    const seconds = gap.slice(1).map((instant) => Math.floor(instant / 1000));
    expect(seconds).toEqual([...new Set(seconds)]);
    expect(engine.turnLog).toEqual(turns.map((_, index) => index + 1));

    const metrics = await (await fetch(`${back.baseUrl}/metrics`)).text();
    const missed = Number(/^gamemaster_ticks_missed_total (\d+)$/m.exec(metrics)?.[1]);
    expect(missed).toBeGreaterThanOrEqual(TICKS_AWAY - 1);
  } finally {
    await gm.stop();
    await engine.stop();
  }
}, 240_000);

function startedAt(row: Record<string, unknown>): number {
  return (row['started_at'] as Date).getTime();
}

async function lastTurnAt(gm: GameMaster, gameId: string): Promise<number> {
  const turns = (await gm.operations(gameId)).filter(({ kind }) => kind === 'turn');
  return startedAt(turns.at(-1) ?? {});
}
