import { GameMaster } from '../support/game-master';
import { freshGameId } from '../support/stack';
import { operationsOf } from '../support/story';
import { TestEngine } from '../support/test-engine';
import { waitFor } from '../support/wait-for';

/** How long after it was sent a call may still begin (ARCHITECTURE.md). */
const ACCEPTABLE_MS = 5_000;
/** A little more. */
const PAST_ACCEPTANCE_MS = ACCEPTABLE_MS + 500;
/** The front door waits two seconds; the rest is a busy machine's. Without its deadline it would be twenty and more. */
const SOON_MS = 10_000;

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
  return waitFor(() => Date.now() > time, { describe: 'the clock' });
}

/** A worker that answers this has done all that lay before it. */
async function stateOf(gameId: string): Promise<unknown> {
  const [state] = await waitFor(async () => [await gm.workflow(gameId).query<unknown>('state')], {
    timeout: 60_000,
    describe: `the state of ${gameId}`,
  });
  return state;
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
  const sent = Date.now();
  const replies = await Promise.all([
    gm.once.register(newcomer, gm.registration(other), { 'Idempotency-Key': 'k' }),
    gm.once.force(running, { 'Idempotency-Key': 'k' }),
    gm.once.stopGame(running),
  ]);
  expect(Date.now() - sent).toBeLessThan(SOON_MS);
  const tooLate = Date.now() + PAST_ACCEPTANCE_MS;
  for (const { status, headers, body } of replies) {
    expect(status).toBe(503);
    expect(headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
    expect(body).toMatchObject({ error: { code: 'service_unavailable' } });
  }

  await clockPast(tooLate);
  await gm.addWorker();
  expect(await stateOf(newcomer)).toBeNull();
  expect(await stateOf(running)).toMatchObject({ status: 'running', currentTurn: 0 });
  expect(await gm.operations(newcomer)).toEqual([]);
  expect(await operationsOf(gm, running)).toEqual(['register starting > running ok']);
  expect([...engine.turnLog, ...other.calls]).toEqual([]);
  await gm.untilRecord(operated, { current_turn: 1 });

  const repeated = await Promise.all([
    gm.register(newcomer, gm.registration(other), { 'Idempotency-Key': 'k' }),
    gm.force(running, { 'Idempotency-Key': 'k' }),
  ]);
  expect(repeated.map(({ status }) => status)).toEqual([201, 200]);
  expect([engine.turnLog, signalled.turnLog]).toEqual([[1], [1]]);
  await Promise.all([other.stop(), signalled.stop()]);
});

test.each(['in time', 'too late'])(
  'a worker that is frozen under calls and goes on %s: their keys have one effect',
  async (when) => {
    gm = await GameMaster.start();
    const running = await gm.running(engine);
    const newcomer = freshGameId();
    const other = await TestEngine.start();
    const worker = gm.workers[0];
    worker?.kill('SIGSTOP');
    const sent = Date.now();
    const refused = await Promise.all([
      gm.once.register(newcomer, gm.registration(other), { 'Idempotency-Key': 'k' }),
      gm.once.force(running, { 'Idempotency-Key': 'k' }),
    ]);
    expect(refused.map(({ status }) => status)).toEqual([503, 503]);

    if (when === 'too late') await clockPast(Date.now() + PAST_ACCEPTANCE_MS);
    worker?.kill('SIGCONT');
    const states = [await stateOf(newcomer), await stateOf(running)];
    if (when === 'too late') {
      expect(states).toMatchObject([null, { status: 'running', currentTurn: 0 }]);
      expect(other.calls).toEqual([]);
      expect(engine.turnLog).toEqual([]);
    } else if (Date.now() < sent + ACCEPTABLE_MS) {
      // A machine that is slower than that leaves open which of them came too late.
      await gm.untilRecord(newcomer, { status: 'running' });
      await gm.untilRecord(running, { current_turn: 1 });
    }

    const repeated = await Promise.all([
      gm.register(newcomer, gm.registration(other), { 'Idempotency-Key': 'k' }),
      gm.force(running, { 'Idempotency-Key': 'k' }),
    ]);
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
  },
);
