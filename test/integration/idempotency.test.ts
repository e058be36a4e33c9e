import { WorkflowUpdateStage } from '@temporalio/client';
import { GameMaster, untilTold, type Reply } from '../support/game-master';
import { freshGameId } from '../support/stack';
import { operationsOf } from '../support/story';
import { TestEngine } from '../support/test-engine';
import { TestRuntimeManager } from '../support/test-runtime-manager';
import { waitFor } from '../support/wait-for';

let gm: GameMaster;
let runtimeManager: TestRuntimeManager;
let engine: TestEngine;

beforeAll(async () => {
  runtimeManager = await TestRuntimeManager.start();
  gm = await GameMaster.start({ apis: 2, env: { GAMEMASTER_RTM_BASE_URL: runtimeManager.baseUrl } });
  await gm.createVersion();
});

afterAll(async () => {
  await gm.stop();
  await runtimeManager.stop();
});

beforeEach(async () => {
  runtimeManager.requests.length = 0;
  engine = await TestEngine.start();
});

afterEach(async () => {
  await engine.stop();
});

const K = { 'Idempotency-Key': 'k' };
/** Fifty callers at once, who repeat their call with the same key as long as they are told to. */
const fifty = (call: () => Promise<Reply>) => Promise.all(Array.from({ length: 50 }, () => untilTold(call)));
const told = ({ status, body }: Reply) => ({ status, body });
const KEY_REUSED = {
  status: 409,
  body: { error: { code: 'conflict', message: 'this Idempotency-Key was used with another body' } },
};

test('fifty calls at once with one key have one effect and one reply', async () => {
  const gameId = freshGameId();
  const registered = await fifty(() => gm.register(gameId, gm.registration(engine), K));
  const forced = await fifty(() => gm.force(gameId, K));
  const stopped = await fifty(() => gm.stopGame(gameId, K));
  for (const [replies, status] of [
    [registered, 201],
    [forced, 200],
    [stopped, 200],
  ] as const) {
    expect(replies[0]?.status).toBe(status);
    expect(replies.map(told)).toEqual(replies.map(() => told(replies[0] as Reply)));
    expect(replies.every(({ headers }) => headers.get('idempotency-key') === 'k')).toBe(true);
  }
  // The same key is another one for every kind of operation.
  expect(await operationsOf(gm, gameId)).toEqual([
    'register starting > running ok',
    'force generation_in_progress > running ok',
    'stop running > stopped ok',
  ]);
  expect([engine.callsOf('init'), engine.turnLog, runtimeManager.requests.length]).toEqual([1, [1], 1]);

  // It is remembered beyond the end of the game and of its workflow, before anything else is looked at.
  await gm.workflow(gameId).result();
  expect(told(await gm.register(gameId, gm.registration(engine), K))).toEqual(told(registered[0] as Reply));
  expect(told(await gm.force(gameId, K))).toEqual(told(forced[0] as Reply));
  expect(told(await gm.stopGame(gameId, K))).toEqual(told(stopped[0] as Reply));
  expect(told(await gm.stopGame(gameId, K, 'another'))).toEqual(KEY_REUSED);
  expect(told(await gm.register(gameId, gm.registration(engine, { turn_schedule: '0 0 * * *' }), K))).toEqual(
    KEY_REUSED,
  );
});

test('what the last turn answered is answered again when the game is finished', async () => {
  engine.options.finishTurn = 1;
  const gameId = await gm.running(engine);
  const forced = await gm.force(gameId, K);
  expect(forced.body).toMatchObject({ status: 'finished' });
  await gm.workflow(gameId).result();
  expect(told(await gm.force(gameId, K))).toEqual(told(forced));
  expect((await gm.force(gameId)).status).toBe(409);
});

test('of different bodies registered at once under one key one wins', async () => {
  const gameId = freshGameId();
  const schedules = Array.from({ length: 6 }, (_, hour) => `0 ${hour} * * *`);
  const replies = await Promise.all(
    schedules.map((turn_schedule) => gm.register(gameId, gm.registration(engine, { turn_schedule }), K)),
  );
  expect(replies.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409, 409, 409]);
  expect(engine.callsOf('init')).toBe(1);
  const won = replies.findIndex(({ status }) => status === 201);
  expect((await gm.record(gameId))['turn_schedule']).toBe(schedules[won]);
});

test('failures of operations that began are remembered; refusals and failed registrations are not', async () => {
  const gameId = freshGameId();
  engine.faultOf = (call) => (call === 'init' ? { kind: 'answer', status: 400 } : undefined);
  const register = () => gm.register(gameId, gm.registration(engine), K);
  expect((await gm.force(gameId, K)).status).toBe(404);
  expect((await register()).status).toBe(422);
  engine.faultOf = () => undefined;
  expect((await register()).status).toBe(201);

  engine.failNext('turn', { kind: 'answer', status: 400 });
  const failed = await gm.force(gameId, K);
  expect(failed.status).toBe(422);
  expect(told(await gm.force(gameId, K))).toEqual(told(failed));
  expect(engine.callsOf('turn')).toBe(1);
  expect((await gm.record(gameId))['status']).toBe('generation_failed');

  const release = engine.holdTurns();
  const turn = gm.force(gameId);
  await waitFor(() => engine.callsOf('turn') === 2);
  expect((await gm.force(gameId, { 'Idempotency-Key': 'refused' })).status).toBe(409);
  release();
  await turn;
  expect((await gm.force(gameId, { 'Idempotency-Key': 'refused' })).body).toMatchObject({ current_turn: 2 });

  runtimeManager.replyNext({ status: 500 });
  expect((await gm.stopGame(gameId, K)).status).toBe(503);
  expect((await gm.stopGame(gameId, K)).status).toBe(503);
  expect(runtimeManager.requests).toHaveLength(1);
  expect((await gm.stopGame(gameId, { 'Idempotency-Key': 'other' })).status).toBe(200);
});

test('keys are remembered by the next run of the workflow, also where the front door has not looked', async () => {
  const gameId = await gm.running(engine);
  const forced = await gm.force(gameId, K);
  const [, row] = await gm.operations(gameId);
  const before = await gm.workflow(gameId).describe();
  await gm.workflow(gameId).signal('continue-as-new');
  await waitFor(async () => (await gm.workflow(gameId).describe()).runId !== before.runId);
  expect(told(await gm.force(gameId, K))).toEqual(told(forced));

  // Sent past the front door: what two replicas do that look into the log at the same moment as it is written.
  const send = (name: string, body: object) =>
    gm.workflow(gameId).startUpdate(name, {
      updateId: 'force:k',
      waitForStage: WorkflowUpdateStage.ACCEPTED,
      args: [
        {
          key: 'k',
          hash: String(row?.['request_hash']),
          source: null,
          actor: null,
          body,
          accept_before: new Date(Date.now() + 60_000).toISOString(),
        },
      ],
    });
  expect(await (await send('force-next-turn', {})).result()).toEqual({ hash: row?.['request_hash'] });
  expect(engine.turnLog).toEqual([1]);
  expect(await gm.record(gameId)).toEqual(forced.body);
  expect(await operationsOf(gm, gameId)).toHaveLength(2);

  // The new run goes on with the old one's tick, turn and skip.
  expect((await gm.force(gameId)).body).toMatchObject({
    current_turn: 2,
    next_generation_at: forced.body?.['next_generation_at'],
  });
  expect(engine.turnLog).toEqual([1, 2]);
});
