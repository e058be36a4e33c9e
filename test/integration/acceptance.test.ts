import { GameMaster, untilTold } from '../support/game-master';
import { freshGameId } from '../support/stack';
import { operationsOf } from '../support/story';
import { TestEngine } from '../support/test-engine';
import { waitFor } from '../support/wait-for';

/** How long after it was sent a call may still begin (ARCHITECTURE.md), and a little more. */
const PAST_ACCEPTANCE_MS = 5_500;

let gm: GameMaster;
let engine: TestEngine;

beforeEach(async () => {
  engine = await TestEngine.start();
});

afterEach(async () => {
  await gm.stop();
  await engine.stop();
});

function clockPast(time: number): Promise<true> {
  return waitFor(() => Date.now() > time, { timeout: 20_000, describe: 'the clock' });
}

test('without a worker calls answer 503 soon, and nothing comes of them once they are too late; signals wait', async () => {
  gm = await GameMaster.start({ workers: 1 });
  const running = await gm.running(engine);
  const signalled = await TestEngine.start();
  const operated = await gm.running(signalled);
  await gm.workers[0]?.crash();
  await gm.workflow(operated).signal('force-next-turn');

  const newcomer = freshGameId();
  const other = await TestEngine.start();
  const register = () => gm.register(newcomer, gm.registration(other), { 'Idempotency-Key': 'k' });
  const force = () => gm.force(running, { 'Idempotency-Key': 'k' });
  const sent = Date.now();
  const replies = await Promise.all([register(), force(), gm.stopGame(running)]);
  expect(Date.now() - sent).toBeLessThan(5_000);
  const tooLate = Date.now() + PAST_ACCEPTANCE_MS;
  for (const { status, headers, body } of replies) {
    expect(status).toBe(503);
    expect(headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
    expect(body).toMatchObject({ error: { code: 'service_unavailable' } });
  }

  await clockPast(tooLate);
  await gm.addWorker();
  // A worker that answers a query has done all that lay before it.
  expect(await gm.workflow(newcomer).query('state')).toBeNull();
  expect(await gm.workflow(running).query('state')).toMatchObject({ status: 'running', currentTurn: 0 });
  expect(await gm.operations(newcomer)).toEqual([]);
  expect(await operationsOf(gm, running)).toEqual(['register starting > running ok']);
  expect([...engine.turnLog, ...other.calls]).toEqual([]);
  await gm.untilRecord(operated, { current_turn: 1 });

  const repeated = await Promise.all([register, force].map((call) => untilTold(call)));
  expect(repeated.map(({ status }) => status)).toEqual([201, 200]);
  expect([engine.turnLog, signalled.turnLog]).toEqual([[1], [1]]);
  await Promise.all([other.stop(), signalled.stop()]);
});

test.each([
  ['in time', 201],
  ['too late', 404],
])('a worker that is frozen under calls and goes on %s: their keys have one effect', async (when, found) => {
  gm = await GameMaster.start();
  const running = await gm.running(engine);
  const newcomer = freshGameId();
  const other = await TestEngine.start();
  const worker = gm.workers[0];
  worker?.kill('SIGSTOP');
  const calls = [
    () => gm.register(newcomer, gm.registration(other), { 'Idempotency-Key': 'k' }),
    () => gm.force(running, { 'Idempotency-Key': 'k' }),
  ];
  const refused = await Promise.all(calls.map((call) => call()));
  expect(refused.map(({ status }) => status)).toEqual([503, 503]);

  if (when === 'too late') await clockPast(Date.now() + PAST_ACCEPTANCE_MS);
  worker?.kill('SIGCONT');
  if (found === 201) {
    await gm.untilRecord(newcomer, { status: 'running' });
    await gm.untilRecord(running, { current_turn: 1 });
  } else {
    expect(
      await waitFor(() =>
        gm
          .workflow(newcomer)
          .query('state')
          .then((state) => [state]),
      ),
    ).toEqual([null]);
    expect(await gm.workflow(running).query('state')).toMatchObject({ status: 'running', currentTurn: 0 });
    expect(other.calls).toEqual([]);
    expect(engine.turnLog).toEqual([]);
  }

  const repeated = await Promise.all(calls.map((call) => untilTold(call)));
  expect(repeated.map(({ status, body }) => [status, body?.['current_turn']])).toEqual([
    [201, 0],
    [200, 1],
  ]);
  expect(other.callsOf('init')).toBe(1);
  expect(engine.turnLog).toEqual([1]);
  expect(await operationsOf(gm, newcomer)).toEqual(['register starting > running ok']);
  expect(await operationsOf(gm, running)).toEqual([
    'register starting > running ok',
    'force generation_in_progress > running ok',
  ]);
  await other.stop();
});
