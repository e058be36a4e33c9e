/**
 * Plays every scenario on the real servers and stores its histories: see README.md. A scenario of several runs is
 * stored as `<name>-1`, `<name>-2` and so on.
 */
import { randomUUID } from 'node:crypto';
import { continueAsNewSignal, forceSignal, stateQuery, stopSignal } from '../../workflows/messages';
import { EVERY_SECOND, GameMaster, untilTold, type Reply } from '../support/game-master';
import { historiesOfRuns } from '../support/history';
import { freshGameId, ownStack } from '../support/stack';
import { TestEngine } from '../support/test-engine';
import { TestRuntimeManager } from '../support/test-runtime-manager';
import { waitFor } from '../support/wait-for';
import { storeHistory } from './histories';

let gm: GameMaster;
let runtimeManager: TestRuntimeManager;
let engine: TestEngine;

beforeAll(async () => {
  runtimeManager = await TestRuntimeManager.start();
  gm = await GameMaster.start({ env: { GAMEMASTER_RTM_BASE_URL: runtimeManager.baseUrl } });
  await gm.createVersion();
});

afterAll(async () => {
  await gm.stop();
  await runtimeManager.stop();
});

beforeEach(async () => {
  engine = await TestEngine.start();
});

afterEach(() => engine.stop());

async function store(name: string, gameId: string, of = gm): Promise<void> {
  const workflow = of.workflow(gameId);
  // The first run of the last execution of this id.
  const { raw } = await workflow.describe();
  const first = raw.workflowExecutionInfo?.firstRunId ?? '';
  const histories = await historiesOfRuns(of.temporal, workflow.workflowId, first);
  for (const [index, events] of histories.entries()) {
    await storeHistory(histories.length === 1 ? name : `${name}-${index + 1}`, events);
  }
}

function force(gameId: string, of = gm): Promise<Reply> {
  const key = { 'Idempotency-Key': randomUUID() };
  return untilTold(() => of.force(gameId, key));
}

function stop(gameId: string): Promise<Reply> {
  const key = { 'Idempotency-Key': randomUUID() };
  return untilTold(() => gm.stopGame(gameId, key));
}

async function closed(gameId: string): Promise<void> {
  await gm.workflow(gameId).result();
}

async function continueAsNew(gameId: string, of = gm): Promise<void> {
  const { runId } = await of.workflow(gameId).describe();
  await of.workflow(gameId).signal(continueAsNewSignal);
  await waitFor(async () => (await of.workflow(gameId).describe()).runId !== runId);
}

test('turns', async () => {
  const gameId = await gm.running(engine, { turn_schedule: EVERY_SECOND });
  await gm.untilRecord(gameId, { current_turn: 4 });
  await store('turns', gameId);
});

test('finish', async () => {
  engine.options.finishTurn = 2;
  const gameId = await gm.running(engine, { turn_schedule: EVERY_SECOND });
  await closed(gameId);
  await store('finish', gameId);
});

test('force', async () => {
  const gameId = await gm.running(engine);
  await force(gameId);
  await gm.workflow(gameId).signal(forceSignal, {});
  await gm.untilRecord(gameId, { current_turn: 2, status: 'running' });
  await gm.workflow(gameId).signal(forceSignal, 'not a body');
  await waitFor(async () =>
    (await gm.operations(gameId)).some((row) => row['error_code'] === 'invalid_request'),
  );
  await store('force', gameId);
});

test('failure', async () => {
  const unwell = { kind: 'answer', status: 500 } as const;
  const gameId = await gm.running(engine);
  engine.failNext('turn', unwell, { kind: 'apply_then_cut' });
  await force(gameId);
  engine.failNext('turn', unwell, unwell, unwell);
  await force(gameId);
  await gm.untilRecord(gameId, { status: 'generation_failed' });
  engine.failNext('turn', { kind: 'answer', status: 400 });
  await force(gameId);
  await force(gameId);
  await gm.untilRecord(gameId, { status: 'running', current_turn: 2 });
  await store('failure', gameId);
});

test('stop', async () => {
  const gameId = await gm.running(engine);
  await force(gameId);
  await stop(gameId);
  await closed(gameId);
  await store('stop', gameId);
});

test('stop by signal', async () => {
  const gameId = await gm.running(engine);
  await gm.workflow(gameId).signal(stopSignal, { reason: 'test' });
  await closed(gameId);
  await store('stop-signal', gameId);
});

test('stop in a turn', async () => {
  const gameId = await gm.running(engine);
  const release = engine.holdTurns();
  const forced = force(gameId);
  await waitFor(() => engine.callsOf('turn') === 1);
  await stop(gameId);
  await forced;
  await closed(gameId);
  release();
  await store('stop-in-turn', gameId);
});

test('stop in a turn, refused', async () => {
  const gameId = await gm.running(engine);
  const release = engine.holdTurns();
  const forced = force(gameId);
  await waitFor(() => engine.callsOf('turn') === 1);
  runtimeManager.replyNext({ status: 409, body: { error: { code: 'conflict', message: 'not now' } } });
  await stop(gameId);
  release();
  await forced;
  await store('stop-in-turn-refused', gameId);
});

test('continue as new', async () => {
  const gameId = await gm.running(engine);
  await force(gameId);
  await continueAsNew(gameId);
  await force(gameId);
  await continueAsNew(gameId);
  await stop(gameId);
  await closed(gameId);
  await store('continue-as-new', gameId);
});

test('failed registration', async () => {
  const gameId = freshGameId();
  engine.failNext('init', { kind: 'answer', status: 400 });
  await gm.register(gameId, gm.registration(engine));
  await closed(gameId);
  await store('failed-registration', gameId);
});

test('outbox', async () => {
  const { redis, ...stack } = await ownStack(['redis']);
  const own = await GameMaster.start({ addresses: { redisUrl: redis.url } });
  try {
    const gameId = await own.running(engine);
    await redis.server?.pause();
    await force(gameId, own);
    await continueAsNew(gameId, own);
    await force(gameId, own);
    await redis.server?.resume();
    await waitFor(async () => (await own.workflow(gameId).query(stateQuery))?.outboxPending === false);
    await store('outbox', gameId, own);
  } finally {
    await redis.server?.resume();
    await own.stop();
    await stack.stop();
  }
});
