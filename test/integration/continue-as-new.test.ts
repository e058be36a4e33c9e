import { randomUUID } from 'node:crypto';
import { continueAsNewSignal, forceSignal, stateQuery } from '../../workflows/messages';
import { EVERY_SECOND, GameMaster, untilTold, type Reply } from '../support/game-master';
import { EventType, historiesOfRuns, indexesOfActivity, type HistoryEvent } from '../support/history';
import { ownStack } from '../support/stack';
import { TestEngine } from '../support/test-engine';
import { waitFor } from '../support/wait-for';

// On the real server: on the one that skips time a run's end and the next one's begin are not one step.
let gm: GameMaster;
let engine: TestEngine;

beforeAll(async () => {
  gm = await GameMaster.start();
});

afterAll(() => gm.stop());

beforeEach(async () => {
  engine = await TestEngine.start();
});

afterEach(() => engine.stop());

async function currentRun(gameId: string, of = gm): Promise<string> {
  return (await of.workflow(gameId).describe()).runId;
}

/** Asks for a new run and waits until it has begun. */
async function continueAsNew(gameId: string, of = gm): Promise<void> {
  const before = await currentRun(gameId, of);
  await of.workflow(gameId).signal(continueAsNewSignal);
  await waitFor(async () => (await currentRun(gameId, of)) !== before, { describe: 'a new run' });
}

function force(gameId: string, key: string = randomUUID()): Promise<Reply> {
  return untilTold(() => gm.force(gameId, { 'Idempotency-Key': key }));
}

async function histories(gameId: string): Promise<HistoryEvent[][]> {
  const { registrationId } = await state(gameId);
  return historiesOfRuns(gm.temporal, gm.workflow(gameId).workflowId, registrationId);
}

async function state(gameId: string, of = gm) {
  const found = await of.workflow(gameId).query(stateQuery);
  if (found === null) throw new Error(`${gameId} is not registered`);
  return found;
}

/** The state once every event is out: nothing in it changes any more by itself. */
function stateAtRest(gameId: string) {
  return waitFor(
    async () => {
      const found = await state(gameId);
      return !found.outboxPending && found;
    },
    { describe: 'every event to be out' },
  );
}

function upTo(turn: number): number[] {
  return Array.from({ length: turn }, (_, index) => index + 1);
}

test('a new run begins with the state of the old one, and goes on', async () => {
  const gameId = await gm.running(engine);
  await force(gameId);
  const before = await stateAtRest(gameId);
  expect(before).toMatchObject({ currentTurn: 1, skippedTickAt: expect.any(Number) as number });

  await continueAsNew(gameId);
  expect(await stateAtRest(gameId)).toEqual(before);
  expect(await gm.record(gameId)).toMatchObject({ status: 'running', current_turn: 1, skip_next_tick: true });

  expect((await force(gameId)).body).toMatchObject({ current_turn: 2 });
  expect(await state(gameId)).toMatchObject({
    registrationId: before.registrationId,
    skippedTickAt: before.skippedTickAt,
    nextTickAt: before.nextTickAt,
  });
  await continueAsNew(gameId);
  expect((await histories(gameId)).map((run) => indexesOfActivity(run, 'generateTurn').length)).toEqual([
    1, 1, 0,
  ]);
});

test('a call that meets the very first task of a new run finds the game as it was', async () => {
  const gameId = await gm.running(engine);
  for (const turn of [1, 2, 3]) {
    await continueAsNew(gameId);
    // A run that forgot its game at the start would take the registration, and refuse the turn.
    const [registered, forced] = await Promise.all([
      untilTold(() => gm.register(gameId, gm.registration(engine), { 'Idempotency-Key': `other-${turn}` })),
      force(gameId),
    ]);
    expect(registered).toMatchObject({ status: 409, body: { error: { code: 'conflict' } } });
    expect(forced).toMatchObject({ status: 200, body: { current_turn: turn } });
  }
});

test('a failed game is continued as a failed game', async () => {
  const gameId = await gm.running(engine);
  engine.failNext('turn', { kind: 'answer', status: 400 });
  expect((await force(gameId)).status).toBe(422);
  const before = await stateAtRest(gameId);
  expect(before.status).toBe('generation_failed');

  await continueAsNew(gameId);
  expect(await stateAtRest(gameId)).toEqual(before);
  expect((await force(gameId)).body).toMatchObject({ status: 'running', current_turn: 1 });
});

test('a run ends after 100 turns, and not in the task that answers the last one', async () => {
  const gameId = await gm.running(engine);
  const firstRun = await currentRun(gameId);
  for (const turn of upTo(100)) {
    expect((await force(gameId)).body).toMatchObject({ current_turn: turn });
  }
  await waitFor(async () => (await currentRun(gameId)) !== firstRun, { describe: 'a new run' });
  for (const turn of [101, 102, 103]) {
    expect((await force(gameId)).body).toMatchObject({ current_turn: turn });
  }
  expect(engine.turnLog).toEqual(upTo(103));
  const [first = [], second = [], ...more] = await histories(gameId);
  expect(more).toEqual([]);
  expect(indexesOfActivity(first, 'generateTurn')).toHaveLength(100);
  expect(indexesOfActivity(second, 'generateTurn')).toHaveLength(3);

  const end = first.at(-1);
  expect(end?.eventType).toBe(EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW);
  const answers = first.filter(
    ({ eventType }) => eventType === EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_COMPLETED,
  );
  expect(answers).toHaveLength(101);
  expect(
    indexOfTask(first, end?.workflowExecutionContinuedAsNewEventAttributes?.workflowTaskCompletedEventId),
  ).toBeGreaterThan(first.indexOf(answers.at(-1) as HistoryEvent));
}, 300_000);

/** Where the workflow task ended that made an event. */
function indexOfTask(history: readonly HistoryEvent[], completedEventId: unknown): number {
  return history.findIndex(({ eventId }) => String(eventId) === String(completedEventId));
}

test('a run that is asked to end during a turn ends after it, and loses nothing that arrived meanwhile', async () => {
  const gameId = await gm.running(engine);
  const release = engine.holdTurns();
  const key = randomUUID();
  const updated = force(gameId, key);
  await waitFor(() => engine.callsOf('turn') === 1);
  const before = await currentRun(gameId);
  const workflow = gm.workflow(gameId);
  await workflow.signal(continueAsNewSignal);
  await workflow.signal(forceSignal, {});
  await workflow.signal(forceSignal, {});
  expect(await currentRun(gameId)).toBe(before);
  release();

  expect(await updated).toMatchObject({ status: 200, body: { current_turn: 1 } });
  // A turn was under way: the signals are refused as updates are, and the log says so, once for each.
  const outcomes = await waitFor(
    async () => {
      const rows = (await gm.operations(gameId)).filter(({ kind }) => kind === 'force');
      return rows.length >= 3 && rows.map((row) => row['error_code'] ?? row['outcome']).sort();
    },
    { describe: 'the outcome of every call' },
  );
  expect(outcomes).toEqual(['conflict', 'conflict', 'success']);
  await waitFor(async () => (await currentRun(gameId)) !== before, { describe: 'a new run' });
  expect(engine.turnLog).toEqual([1]);
  // The same call again, in the run after: its answer is remembered and nothing is done.
  expect(await force(gameId, key)).toMatchObject({ body: { current_turn: 1 } });
  expect(engine.turnLog).toEqual([1]);
});

const ROUNDS = 12;

test('no call is lost and none is done twice while runs end under updates and signals', async () => {
  const gameId = await gm.running(engine);
  const workflow = gm.workflow(gameId);
  const replies: { key: string; reply: Promise<Reply> }[] = [];
  let signals = 0;
  // Every round begins with a game that has nothing to do: its run would end at once, but calls arrive together with
  // the wish for it.
  for (let round = 0; round < ROUNDS; round += 1) {
    const before = await currentRun(gameId);
    const key = `round-${round}`;
    const asked = workflow.signal(continueAsNewSignal);
    const reply = force(gameId, key);
    replies.push({ key, reply });
    const signalled = workflow.signal(forceSignal, {});
    signals += 1;
    await Promise.all([asked, signalled, reply]);
    await waitFor(async () => (await currentRun(gameId)) !== before, {
      timeout: 30_000,
      describe: 'a new run',
    });
  }

  const answered = await Promise.all(
    replies.map(async ({ key, reply }) => ({ key, status: (await reply).status })),
  );
  // A call that meets another's turn is refused, and does nothing.
  expect(answered.filter(({ status }) => status !== 200 && status !== 409)).toEqual([]);
  const done = answered.filter(({ status }) => status === 200).map(({ key }) => key);
  expect(done.length).toBeGreaterThan(0);

  const forced = await waitFor(
    async () => {
      const rows = (await gm.operations(gameId)).filter(({ kind }) => kind === 'force');
      return rows.filter((row) => row['idempotency_key'] === null).length === signals && rows;
    },
    { describe: `${signals} signals to be in the log` },
  );
  const keys = forced.map((row) => row['idempotency_key']).filter((key) => key !== null);
  expect(keys.sort()).toEqual(done.sort());
  const made = forced.filter((row) => row['outcome'] === 'success').length;
  await gm.untilRecord(gameId, { current_turn: made, status: 'running' });
  expect(engine.turnLog).toEqual(upTo(made));
  expect((await histories(gameId)).length).toBeGreaterThan(ROUNDS);
}, 300_000);

test('ticks go on from run to run, each handled once', async () => {
  const gameId = await gm.running(engine, { turn_schedule: EVERY_SECOND });
  for (const turn of upTo(6)) {
    await gm.workflow(gameId).signal(continueAsNewSignal);
    await waitFor(() => engine.turn >= turn, { timeout: 30_000 });
  }
  await gm.stopGame(gameId);
  const turns = (await gm.operations(gameId)).filter(({ kind }) => kind === 'turn');
  expect(engine.turnLog).toEqual(upTo(engine.turn));
  const seconds = turns.map((row) => Math.floor((row['started_at'] as Date).getTime() / 1000));
  expect(seconds).toEqual([...new Set(seconds)]);
});

test('events that wait for Redis are carried into the new run and leave from there', async () => {
  const { redis, ...stack } = await ownStack(['redis']);
  const own = await GameMaster.start({ addresses: { redisUrl: redis.url } });
  try {
    const gameId = await own.running(engine);
    await redis.server?.pause();
    expect((await own.force(gameId)).body).toMatchObject({ current_turn: 1 });
    await waitFor(async () => (await state(gameId, own)).outboxPending);
    await continueAsNew(gameId, own);
    expect((await state(gameId, own)).outboxPending).toBe(true);
    expect((await own.force(gameId)).body).toMatchObject({ current_turn: 2 });

    await redis.server?.resume();
    await own.untilOutboxEmpty(gameId);
    await waitFor(async () => !(await state(gameId, own)).outboxPending);
    const told = (await own.events('lobbyEvents', gameId)).map(
      ({ payload }) => (payload as { current_turn: number }).current_turn,
    );
    expect(told).toEqual([0, 1, 2]);
    expect(await own.events('intents', gameId)).toHaveLength(2);
  } finally {
    await redis.server?.resume();
    await own.stop();
    await stack.stop();
  }
}, 180_000);
