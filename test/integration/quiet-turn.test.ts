import { GameMaster } from '../support/game-master';
import { EventType, indexesOfActivity, type HistoryEvent } from '../support/history';
import { TestEngine } from '../support/test-engine';
import { waitFor } from '../support/wait-for';

const MOST_EVENTS = 15;
const TURNS = 5;
/** Long enough for a turn to be over before the next tick on a machine that is slow. */
const EVERY_TWO_SECONDS = '*/2 * * * * *';

test('a turn that nothing disturbs costs at most 15 events of history', async () => {
  const gm = await GameMaster.start();
  const engine = await TestEngine.start();
  try {
    const gameId = await gm.running(engine, { turn_schedule: EVERY_TWO_SECONDS });
    const quiet = await waitFor(
      async () => {
        const { events } = await gm.workflow(gameId).fetchHistory();
        const found = turnsOf(events ?? []).filter((turn) => !turn.some(isDisturbance));
        return found.length >= TURNS && found;
      },
      { timeout: 60_000, interval: 500, describe: `${TURNS} turns that nothing disturbs` },
    );
    expect(Math.max(...quiet.map((turn) => turn.length))).toBeLessThanOrEqual(MOST_EVENTS);
  } finally {
    await gm.stop();
    await engine.stop();
  }
}, 180_000);

/** The events of each turn, up to the next one's. */
function turnsOf(history: readonly HistoryEvent[]): HistoryEvent[][] {
  const begins = indexesOfActivity(history, 'generateTurn');
  return begins.slice(1).map((end, turn) => history.slice(begins[turn], end));
}

/**
 * What a machine that stood still for a moment leaves behind: a worker that was too slow for a task, a store that had to
 * be asked again, a turn that was over after the next tick.
 */
function isDisturbance({ eventType, activityTaskScheduledEventAttributes: activity }: HistoryEvent): boolean {
  return (
    eventType === EventType.EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT ||
    eventType === EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED ||
    ['flushOutbox', 'reschedule'].includes(activity?.activityType?.name ?? '')
  );
}
