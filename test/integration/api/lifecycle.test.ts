import { once } from 'node:events';
import { GameMaster, untilTold, type Reply } from '../../support/game-master';
import { freshGameId } from '../../support/stack';
import { TestEngine } from '../../support/test-engine';
import { TestRuntimeManager } from '../../support/test-runtime-manager';
import { waitFor } from '../../support/wait-for';

/** Two to four seconds, and what a busy machine adds; without its limits the process would take a minute. */
const SOON_MS = 10_000;

let gm: GameMaster;
let runtimeManager: TestRuntimeManager;
let engine: TestEngine;

beforeAll(async () => {
  runtimeManager = await TestRuntimeManager.start();
  gm = await GameMaster.start({
    apis: 2,
    // It is made to keep games waiting here, however long a busy machine takes.
    env: { GAMEMASTER_RTM_BASE_URL: runtimeManager.baseUrl, GAMEMASTER_RTM_TIMEOUT: '60s' },
  });
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

const codeOf = ({ body }: Reply) => (body?.['error'] as { code: string } | undefined)?.code;
const key = (text: string) => ({ 'idempotency-key': text });
const times = <T>(count: number, make: (index: number) => T) =>
  Array.from({ length: count }, (_, i) => make(i));

test('of twenty registrations at once exactly one is taken', async () => {
  const game = freshGameId();
  const replies = await Promise.all(
    times(20, (index) => untilTold(() => gm.register(game, gm.registration(engine), key(`k${index}`)))),
  );
  expect(replies.map(({ status }) => status).sort()).toEqual([201, ...times(19, () => 409)]);
  expect(new Set(replies.map(codeOf))).toEqual(new Set([undefined, 'conflict']));
  expect(await gm.record(game)).toMatchObject({ status: 'running' });
});

test('fifty calls with one key, on two replicas, are one operation with one reply', async () => {
  const game = freshGameId();
  const body = gm.registration(engine);
  const fifty = (call: () => Promise<Reply>) => Promise.all(times(50, () => untilTold(call)));
  const registered = await fifty(() => gm.register(game, body, key('one')));
  expect(new Set(registered.map(({ status }) => status))).toEqual(new Set([201]));
  expect(new Set(registered.map((reply) => JSON.stringify(reply.body))).size).toBe(1);

  const forced = await fifty(() => gm.force(game, key('one')));
  expect(new Set(forced.map(({ status }) => status))).toEqual(new Set([200]));
  expect(new Set(forced.map((reply) => JSON.stringify(reply.body))).size).toBe(1);
  expect(engine.turnLog).toEqual([1]);

  const stopped = await fifty(() => gm.stopGame(game, key('one')));
  expect(new Set(stopped.map(({ status }) => status))).toEqual(new Set([200]));
  expect(runtimeManager.requests.filter((request) => request === `stop ${game}`)).toHaveLength(1);

  const repeated = await gm.register(game, body, key('one'));
  expect([repeated.status, repeated.body]).toEqual([201, registered[0]?.body]);
});

test('a key that is in use with another body is a conflict, before and after its operation', async () => {
  const game = await gm.running(engine);
  const release = runtimeManager.hold();
  const first = gm.stopGame(game, key('k'), 'one reason');
  await waitFor(() => runtimeManager.requests.includes(`stop ${game}`));
  const second = gm.stopGame(game, key('k'), 'another reason');
  // Attached to the first, it is answered when that is over.
  release();
  expect((await first).status).toBe(200);
  expect([(await second).status, codeOf(await second)]).toEqual([409, 'conflict']);
  expect(codeOf(await gm.stopGame(game, key('k'), 'another reason'))).toBe('conflict');
  expect((await gm.stopGame(game, key('k'), 'one reason')).status).toBe(200);
});

test('a stop that finds no free slot goes round, and is answered from the log', async () => {
  const game = await gm.running(engine);
  const release = runtimeManager.hold();
  runtimeManager.replyNext(...times(10, () => ({ status: 503 })));
  const waiting = times(10, (index) => gm.stopGame(game, key(`slot-${index}`)));
  await waitFor(() => runtimeManager.requests.includes(`stop ${game}`));
  await waitFor(async () => (await updatesInFlight(game)) === 10, { describe: 'ten updates in flight' });

  const last = gm.stopGame(game, key('last'), 'the eleventh');
  await waitFor(async () => (await signalsOf(game)).includes('stop'), { describe: 'the stop as a signal' });
  release();
  expect(new Set((await Promise.all(waiting)).map(codeOf))).toEqual(new Set(['service_unavailable']));
  const reply = await last;
  expect([reply.status, reply.body]).toMatchObject([200, { game_id: game, status: 'stopped' }]);
  expect((await gm.stopGame(game, key('last'), 'the eleventh')).body).toEqual(reply.body);
});

test('a call other than stop that finds no free slot is too_many_requests', async () => {
  const game = await gm.running(engine);
  const release = runtimeManager.hold();
  runtimeManager.replyNext(...times(10, () => ({ status: 503 })));
  const waiting = times(10, (index) => gm.stopGame(game, key(`slot-${index}`)));
  await waitFor(async () => (await updatesInFlight(game)) === 10, { describe: 'ten updates in flight' });
  let begin = 0;
  const once = () => {
    begin = performance.now();
    return gm.once.force(game);
  };
  const reply = await untilTold(once, [503]);
  const ms = performance.now() - begin;
  expect([reply.status, codeOf(reply)]).toEqual([429, 'too_many_requests']);
  expect(Number(reply.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
  expect(ms).toBeLessThan(SOON_MS);
  release();
  await Promise.all(waiting);
});

test('of ten calls that come while the game is busy eight wait, and a stop goes before them', async () => {
  const game = await gm.running(engine);
  const release = runtimeManager.hold();
  runtimeManager.replyNext({ status: 503 });
  const refused = gm.stopGame(game, key('refused'));
  await waitFor(() => runtimeManager.requests.includes(`stop ${game}`));
  const banish = (index: number) =>
    gm.call('POST', `/api/v1/internal/runtimes/${game}/banish`, {
      body: { race_name: 'Borg' },
      headers: key(`banish-${index}`),
    });
  let answered = 0;
  const waiting = times(10, async (index) => {
    const reply = await untilTold(() => banish(index), [503]);
    answered += 1;
    return reply;
  });
  await waitFor(async () => (await updatesInFlight(game)) === 9, { describe: 'eight calls to wait' });
  // They must have met the full queue: one that came after the stop would be a conflict too.
  await waitFor(() => answered === 2, { describe: 'two calls to be refused' });
  const stop = gm.stopGame(game, key('first'));
  // As the tenth update, or as a signal where the calls that are refused have the slot for a moment.
  await waitFor(
    async () => (await updatesInFlight(game)) === 10 || (await signalsOf(game)).includes('stop'),
    { describe: 'the stop to arrive' },
  );
  release();
  expect((await refused).status).toBe(503);
  expect([(await stop).status, (await stop).body]).toMatchObject([200, { status: 'stopped' }]);
  expect((await Promise.all(waiting)).map(codeOf).sort()).toEqual([
    ...times(8, () => 'conflict'),
    'too_many_requests',
    'too_many_requests',
  ]);
  expect(engine.callsOf('banish')).toBe(0);
});

test('a registration that failed can be repeated at once, under the same key', async () => {
  const game = freshGameId();
  const body = gm.registration(engine);
  const refusal = { kind: 'answer', status: 400, body: '{"error":{"code":"bad","message":"no"}}' } as const;
  engine.faultOf = (call) => (call === 'init' ? refusal : undefined);
  for (let attempt = 0; attempt < 3; attempt += 1) {
    const reply = await gm.register(game, body, key('again'));
    expect([reply.status, codeOf(reply)]).toEqual([422, 'engine_validation_error']);
  }
  engine.faultOf = () => undefined;
  expect((await gm.register(game, body, key('again'))).status).toBe(201);
});

test('a caller who leaves cancels nothing', async () => {
  const game = await gm.running(engine);
  const letGo = engine.holdTurns();
  const leaving = new AbortController();
  const call = gm.ask('POST', `/api/v1/internal/runtimes/${game}/force-next-turn`, {
    headers: key('left'),
    signal: leaving.signal,
  });
  await waitFor(() => engine.calls.includes('turn'));
  leaving.abort();
  await expect(call).rejects.toThrow('abort');
  letGo();
  await gm.untilRecord(game, { status: 'running', current_turn: 1 });
  expect((await gm.force(game, key('left'))).body).toMatchObject({ current_turn: 1 });
  expect(engine.turnLog).toEqual([1]);
});

test('who has waited long enough is told to repeat, and the same key gives the outcome', async () => {
  const impatient = await gm.addApi({ GAMEMASTER_LIFECYCLE_WAIT: '500ms' });
  const game = await gm.running(engine);
  const letGo = engine.holdTurns();
  const force = async () => {
    const response = await fetch(`${impatient.baseUrl}/api/v1/internal/runtimes/${game}/force-next-turn`, {
      method: 'POST',
      headers: key('slow'),
    });
    return [response.status, await response.json()] as const;
  };
  await force();
  await waitFor(() => engine.calls.includes('turn'));
  expect(await force()).toEqual([
    503,
    {
      error: { code: 'service_unavailable', message: 'still running, repeat with the same Idempotency-Key' },
    },
  ]);
  letGo();
  const last = await waitFor(async () => {
    const told = await force();
    return told[0] !== 503 && told;
  });
  expect(last).toMatchObject([200, { current_turn: 1 }]);
  expect(engine.turnLog).toEqual([1]);
  await impatient.stop();
  gm.apis.splice(gm.apis.indexOf(impatient), 1);
});

test('SIGTERM lets waiting callers go in time, and their operation goes on', async () => {
  const leaving = await gm.addApi({ GAMEMASTER_SHUTDOWN_TIMEOUT: '4s' });
  gm.apis.splice(gm.apis.indexOf(leaving), 1);
  const game = await gm.running(engine);
  const letGo = engine.holdTurns();
  const force = () =>
    fetch(`${leaving.baseUrl}/api/v1/internal/runtimes/${game}/force-next-turn`, {
      method: 'POST',
      headers: key('drained'),
    });
  // Where the game takes longer to take the call than the process waits, a repetition finds it taken.
  let waiting = force();
  let isAnswered = false as boolean;
  void waiting.then(() => (isAnswered = true));
  await waitFor(() => engine.calls.includes('turn'));
  if (isAnswered) {
    waiting = force();
    await fetch(`${leaving.baseUrl}/healthz`);
  }
  const begin = performance.now();
  const ended = once(leaving.child, 'exit');
  leaving.kill('SIGTERM');
  const response = await waiting;
  expect([response.status, await response.json()]).toMatchObject([
    503,
    { error: { code: 'service_unavailable' } },
  ]);
  // Once its four seconds were over it would end with 1.
  expect(await ended).toEqual([0, null]);
  expect(performance.now() - begin).toBeLessThan(SOON_MS);
  letGo();
  expect((await gm.force(game, key('drained'))).body).toMatchObject({ current_turn: 1 });
});

async function historyOf(game: string) {
  const { events } = await gm.workflow(game).fetchHistory();
  return events ?? [];
}

async function updatesInFlight(game: string): Promise<number> {
  const events = await historyOf(game);
  const accepted = events.filter((event) => event.workflowExecutionUpdateAcceptedEventAttributes).length;
  const completed = events.filter((event) => event.workflowExecutionUpdateCompletedEventAttributes).length;
  return accepted - completed;
}

async function signalsOf(game: string): Promise<unknown[]> {
  const events = await historyOf(game);
  return events.map((event) => event.workflowExecutionSignaledEventAttributes?.signalName).filter(Boolean);
}
