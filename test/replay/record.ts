/**
 * Plays every scenario on the real servers and stores its histories: see README.md. A scenario of several runs is
 * stored as `<name>-1`, `<name>-2` and so on.
 */
import { randomUUID } from 'node:crypto';
import {
  banishSignal,
  continueAsNewSignal,
  forceSignal,
  patchSignal,
  stateQuery,
  stopSignal,
} from '../../workflows/messages';
import type { GameState } from '../../workflows/state';
import { EVERY_SECOND, GameMaster, untilTold, type Reply } from '../support/game-master';
import { historiesOfRuns } from '../support/history';
import { RuntimeReports } from '../support/runtime-reports';
import { freshGameId, ownStack } from '../support/stack';
import { TestEngine } from '../support/test-engine';
import { TestRuntimeManager } from '../support/test-runtime-manager';
import { waitFor } from '../support/wait-for';
import { storeHistory } from './histories';

const reports = new RuntimeReports();
let gm: GameMaster;
let runtimeManager: TestRuntimeManager;
let engine: TestEngine;

beforeAll(async () => {
  runtimeManager = await TestRuntimeManager.start();
  gm = await GameMaster.start({
    env: { ...reports.env, GAMEMASTER_RTM_BASE_URL: runtimeManager.baseUrl },
  });
  for (const version of ['1.0.0', '1.0.1', '1.0.2', '1.1.0']) await gm.createVersion(version);
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

function patch(gameId: string, version: string): Promise<Reply> {
  return call(gameId, 'patch', { version });
}

function banish(gameId: string, race: string): Promise<Reply> {
  return call(gameId, 'banish', { race_name: race });
}

function call(gameId: string, operation: string, body: object): Promise<Reply> {
  const headers = { 'Idempotency-Key': randomUUID() };
  return untilTold(() =>
    gm.call('POST', `/api/v1/internal/runtimes/${gameId}/${operation}`, { body, headers }),
  );
}

function untilState(gameId: string, fields: Partial<GameState>): Promise<unknown> {
  return waitFor(async () => {
    const state = await gm.workflow(gameId).query(stateQuery);
    return Object.entries(fields).every(([name, value]) => state?.[name as keyof GameState] === value);
  });
}

/** Has the engine's container end, and waits until the game knows. */
async function lose(gameId: string): Promise<void> {
  await reports.report(gm, gameId, 'container_oom');
  await untilState(gameId, { status: 'engine_unreachable' });
}

/** A game whose turn 1 was cut short by the loss of its engine, which had made it, or never will. */
async function lostInTurn(turn: 'made' | 'not made'): Promise<string> {
  const gameId = await gm.running(engine);
  engine.failNext('turn', { kind: turn === 'made' ? 'apply_then_hang' : 'hang' });
  const forced = force(gameId);
  await waitFor(() => engine.callsOf('turn') === 1);
  await lose(gameId);
  await forced;
  return gameId;
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

test('patch', async () => {
  const gameId = await gm.running(engine);
  await force(gameId);
  const release = runtimeManager.hold();
  const patched = patch(gameId, '1.0.1');
  await waitFor(() => runtimeManager.requests.includes(`patch ${gameId}`));
  await reports.report(gm, gameId, 'container_exited');
  await reports.report(gm, gameId, 'container_started', { container: 'c2' });
  await reports.untilSettled(gm);
  release();
  await patched;
  await patch(gameId, '1.1.0');
  runtimeManager.replyNext({ status: 409, body: { error: { code: 'conflict', message: 'not now' } } });
  await patch(gameId, '1.0.2');
  await gm.workflow(gameId).signal(patchSignal, { version: '1.0.2' });
  await untilState(gameId, { engineVersion: '1.0.2' });
  await force(gameId);
  await store('patch', gameId);
});

test('patch to an engine that stands elsewhere', async () => {
  const gameId = await gm.running(engine);
  engine.turn = 7;
  await patch(gameId, '1.0.1');
  await gm.untilRecord(gameId, { status: 'engine_unreachable', engine_health: 'turn_mismatch' });
  engine.turn = 0;
  await patch(gameId, '1.0.2');
  await untilState(gameId, { status: 'running' });
  await store('patch-elsewhere', gameId);
});

test('banish', async () => {
  const gameId = await gm.running(engine);
  await banish(gameId, 'Borg');
  await banish(gameId, 'Klingon');
  engine.failNext('banish', { kind: 'answer', status: 500 });
  await banish(gameId, 'Borg');
  await gm.workflow(gameId).signal(banishSignal, { race_name: 'Aelinari' });
  await gm.workflow(gameId).signal(banishSignal, { race: 'Aelinari' });
  await waitFor(async () => (await gm.operations(gameId)).length === 6);
  await force(gameId);
  await store('banish', gameId);
});

test('health', async () => {
  const gameId = await gm.running(engine);
  await reports.report(gm, gameId, 'inspect_unhealthy');
  await gm.untilRecord(gameId, { engine_health: 'inspect_unhealthy' });
  await lose(gameId);
  await reports.report(gm, gameId, 'container_started');
  await untilState(gameId, { status: 'running' });
  engine.failNext('turn', { kind: 'answer', status: 400 });
  await force(gameId);
  await reports.report(gm, gameId, 'container_exited');
  await gm.untilRecord(gameId, { status: 'generation_failed', engine_health: 'exited' });
  await force(gameId);
  await untilState(gameId, { status: 'running', currentTurn: 1 });
  await store('health', gameId);
});

test('engine lost in a turn that it had made', async () => {
  const gameId = await lostInTurn('made');
  await reports.report(gm, gameId, 'container_started');
  await untilState(gameId, { status: 'running', currentTurn: 1 });
  await force(gameId);
  await store('lost-turn-made', gameId);
});

test('engine lost in a turn that it had not made', async () => {
  const gameId = await lostInTurn('not made');
  await reports.report(gm, gameId, 'healthy');
  await untilState(gameId, { status: 'running', currentTurn: 0 });
  await force(gameId);
  await store('lost-turn-not-made', gameId);
});

test('engine lost in its last turn', async () => {
  engine.options.finishTurn = 1;
  const gameId = await lostInTurn('made');
  await reports.report(gm, gameId, 'container_started');
  await closed(gameId);
  await store('lost-turn-finish', gameId);
});

test('engine back at another turn, then restored', async () => {
  const gameId = await gm.running(engine);
  engine.turn = 5;
  await lose(gameId);
  await reports.report(gm, gameId, 'container_started');
  await gm.untilRecord(gameId, { engine_health: 'turn_mismatch' });
  await untilState(gameId, { recovering: false });
  engine.turn = 0;
  await reports.report(gm, gameId, 'healthy');
  await untilState(gameId, { status: 'running' });
  await store('recovery-elsewhere', gameId);
});

test('engine asked in two runs, lost again, and at last stopped', async () => {
  const gameId = await gm.running(engine);
  const port = await engine.goAway();
  await lose(gameId);
  await reports.report(gm, gameId, 'container_started');
  await untilState(gameId, { recovering: true });
  await continueAsNew(gameId);
  await untilState(gameId, { recovering: true });
  await reports.report(gm, gameId, 'container_oom');
  await untilState(gameId, { recovering: false });
  await engine.comeBack(port);
  await reports.report(gm, gameId, 'container_started');
  await untilState(gameId, { status: 'running' });
  await engine.goAway();
  await lose(gameId);
  await reports.report(gm, gameId, 'container_started');
  await untilState(gameId, { recovering: true });
  await stop(gameId);
  await closed(gameId);
  await engine.comeBack(port);
  await store('recovery', gameId);
});

test('engine lost while a stop is asked for', async () => {
  const gameId = await gm.running(engine);
  engine.failNext('turn', { kind: 'hang' });
  const forced = force(gameId);
  await waitFor(() => engine.callsOf('turn') === 1);
  const release = runtimeManager.hold();
  const stopped = stop(gameId);
  await waitFor(() => runtimeManager.requests.includes(`stop ${gameId}`));
  await reports.report(gm, gameId, 'container_exited');
  await reports.untilSettled(gm);
  release();
  await Promise.all([stopped, forced]);
  await closed(gameId);
  await store('stop-and-loss', gameId);
});
