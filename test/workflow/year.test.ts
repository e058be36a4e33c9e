import type { History } from '@temporalio/common/lib/proto-utils';
import { continueAsNewSignal } from '../../workflows/messages';
import { DAILY, DAY_MS, SkippingGameMaster } from '../support/skipping-game-master';
import { TestEngine } from '../support/test-engine';
import { waitFor } from '../support/wait-for';

/** A tick is handled as soon as the server fires its timer: the clock runs on meanwhile, for as long as the machine needs. */
const SOON_MS = 60_000;

let gm: SkippingGameMaster;
let engine: TestEngine;

beforeAll(async () => {
  gm = await SkippingGameMaster.start();
  engine = await TestEngine.start();
});

afterAll(async () => {
  await gm.stop();
  await engine.stop();
});

test('a year of daily ticks gives 365 turns at their instants, over several runs of the workflow', async () => {
  const gameId = await gm.running(engine, { turn_schedule: DAILY });
  const { registrationId, nextTickAt: first } = await gm.state(gameId);
  if (first === null) throw new Error('no tick is planned');
  const tick = (turn: number): number => first + (turn - 1) * DAY_MS;
  expect(new Date(first).toISOString()).toMatch(/T00:00:00.000Z$/);

  // Runs of 100 turns each, and one that is ended by hand at turn 150.
  await gm.skipTo(tick(150) + DAY_MS / 2);
  expect(await gm.state(gameId)).toMatchObject({ currentTurn: 150, nextTickAt: tick(151) });
  await gm.workflow(gameId).signal(continueAsNewSignal);
  await gm.skipTo(tick(365) + DAY_MS / 2);

  const turns = await gm.operations(gameId, 'turn');
  expect(turns).toHaveLength(365);
  expect(turns.filter(({ outcome }) => outcome !== 'success')).toEqual([]);
  const lateness = turns.map(({ started_at }, index) => started_at.getTime() - tick(index + 1));
  expect(Math.min(...lateness)).toBeGreaterThanOrEqual(0);
  expect(Math.max(...lateness)).toBeLessThan(SOON_MS);
  expect(engine.turnLog).toEqual(Array.from({ length: 365 }, (_, index) => index + 1));

  expect(await gm.state(gameId)).toMatchObject({
    registrationId,
    status: 'running',
    currentTurn: 365,
    nextTickAt: tick(366),
  });
  // Where Redis was slow for a moment the last ones are sent a little later.
  await waitFor(async () => (await gm.count('outbox', gameId)) === 0, { describe: 'every event to be out' });
  const snapshots = await gm.events('lobbyEvents');
  expect(snapshots.map((snapshot) => snapshot['current_turn'])).toEqual(
    Array.from({ length: 366 }, (_, turn) => turn),
  );
  const intents = await gm.events('notificationIntents');
  expect(intents.map((intent) => intent['turn_number'])).toEqual(turns.map((_, index) => index + 1));

  const turnsOfRuns = await turnsByRun(gameId, registrationId);
  expect(turnsOfRuns).toEqual([100, 50, 100, 100, 15]);
}, 300_000);

/** How many turns each run of the game made, from its first run on. */
async function turnsByRun(gameId: string, firstRunId: string): Promise<number[]> {
  const counts: number[] = [];
  for (let runId: string | undefined = firstRunId; runId;) {
    const { events }: History = await gm.workflow(gameId, runId).fetchHistory();
    const scheduled = (events ?? []).flatMap((event) => event.activityTaskScheduledEventAttributes ?? []);
    counts.push(scheduled.filter(({ activityType }) => activityType?.name === 'generateTurn').length);
    runId = events?.at(-1)?.workflowExecutionContinuedAsNewEventAttributes?.newExecutionRunId ?? undefined;
  }
  return counts;
}
