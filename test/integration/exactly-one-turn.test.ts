/**
 * The engine's turn call is not idempotent, so whatever happens between the call and its record must neither repeat
 * nor lose a turn. The engine's own log is the witness; `faultsOf` compares everything else with it.
 */
import { randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { tsToMs } from '@temporalio/common/lib/time';
import type { GameState } from '../../workflows/state';
import { chaosSeeds, mulberry32 } from '../support/chaos-seeds';
import { faultsOf } from '../support/checker';
import { GameMaster, untilTold, type GameMasterProcess, type Reply } from '../support/game-master';
import type { HistoryEvent } from '../support/history';
import { stackAddresses, waitFor } from '../support/stack';
import { TcpProxy, type ProxyMode } from '../support/tcp-proxy';
import { TestEngine, type Fault, type TestEngineOptions } from '../support/test-engine';

let engine: TestEngine;
let gm: GameMaster;

beforeEach(async () => {
  engine = await TestEngine.start();
});

afterEach(async () => {
  await engine.stop();
});

function force(gameId: string): Promise<Reply> {
  const headers = { 'Idempotency-Key': randomUUID() };
  return untilTold(() => gm.force(gameId, headers));
}

/** Every check of the checker, on the game of this test. */
async function expectNoFaults(gameId: string, ...replies: Reply[]): Promise<void> {
  expect(await faultsOf(gm, { gameId, engine, replies })).toEqual([]);
}

/** Of two workers, the one that has the game's activity now. */
async function workerAtWork(gameId: string): Promise<GameMasterProcess> {
  return waitFor(
    async () => {
      const { raw } = await gm.workflow(gameId).describe();
      const [activity] = raw.pendingActivities ?? [];
      const pid = Number.parseInt(activity?.lastWorkerIdentity ?? '', 10);
      return gm.workers.find(({ child }) => child.pid === pid);
    },
    { describe: 'a worker to have taken the turn' },
  );
}

describe('an engine whose answers go astray', () => {
  beforeAll(async () => {
    gm = await GameMaster.start({
      workers: 2,
      env: { GAMEMASTER_ENGINE_TURN_TIMEOUT: '1s' },
    });
  });

  afterAll(async () => {
    await gm.stop();
  });

  const FAULTS: Record<string, Fault> = {
    'the reply is cut off after the turn was applied': { kind: 'apply_then_cut' },
    'the reply never comes after the turn was applied': { kind: 'apply_then_hang' },
    'the connection is cut before': { kind: 'cut' },
    'the call is swallowed': { kind: 'hang' },
    '500': { kind: 'answer', status: 500 },
    '502 with HTML': { kind: 'answer', status: 502, body: '<html>Bad Gateway</html>' },
    '503': { kind: 'answer', status: 503 },
    '429': { kind: 'answer', status: 429 },
    'HTML with 200': { kind: 'answer', status: 200, body: '<html>Welcome</html>' },
    'JSON of another kind': { kind: 'answer', status: 200, body: '{"turn":"1"}' },
    'no body': { kind: 'answer', status: 204, body: '' },
    garbage: { kind: 'answer', status: 200, body: '\u0000\u0001{"turn":1' },
    'a body without end': { kind: 'endless' },
    'a body that drips': { kind: 'drip' },
    'a turn that jumps by two': { kind: 'answer', status: 200, body: stateAt(2) },
    'a turn that is the old one': { kind: 'answer', status: 200, body: stateAt(0) },
  };

  test('each fault once: the turn is made, and once', async () => {
    // 412 is no failure of the engine: it says to look again.
    const faults = { ...FAULTS, '412 for no reason': { kind: 'answer', status: 412 } as Fault };
    const results = await eachOn(faults, async (own, fault) => {
      const gameId = await gm.running(own);
      own.failNext('turn', fault);
      const forced = await force(gameId);
      return [forced.status, own.turnLog, await faultsOf(gm, { gameId, engine: own, replies: [forced] })];
    });
    expect(results).toEqual(mapValues(faults, () => [200, [1], []]));
  });

  test('each fault again and again: a typed failure, no turn that is not on record, and a way on', async () => {
    const results = await eachOn(FAULTS, async (own, fault) => {
      const gameId = await gm.running(own);
      own.failNext('turn', fault, fault, fault);
      const failed = await force(gameId);
      const calls = own.callsOf('turn');
      // What was applied and not reported is found by the next one, who makes no second turn of it.
      const forced = await force(gameId);
      const witness = { gameId, engine: own, replies: [failed, forced] };
      return [
        failed.status,
        errorCode(failed),
        calls,
        forced.status,
        own.turnLog,
        await faultsOf(gm, witness),
      ];
    });
    expect(results).toEqual(
      mapValues(FAULTS, (fault) =>
        fault.kind.startsWith('apply')
          ? // The second look finds the turn: nothing was wrong with it.
            [200, undefined, 1, 200, [1, 2], []]
          : [502, 'engine_unreachable', 3, 200, [1], []],
      ),
    );
  });

  test('an answer without end is not read to its end', async () => {
    const gameId = await gm.running(engine);
    engine.failNext('turn', { kind: 'endless' });
    expect((await force(gameId)).status).toBe(200);
    // We take 1 MiB; what the sockets' buffers hold is sent as well.
    expect(engine.endlessBytes).toBeLessThan(16 * 2 ** 20);
  });

  test('a redirect is not followed', async () => {
    const [elsewhere, visits] = await listenElsewhere();
    const gameId = await gm.running(engine);
    const headers = { location: `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}/` };
    engine.failNext('turn', { kind: 'answer', status: 307, headers });
    const forced = await force(gameId);
    elsewhere.close();
    expect(forced.status).toBe(200);
    expect(visits).toEqual([]);
    await expectNoFaults(gameId, forced);
  });

  test('another 4xx is final, with the message of the engine', async () => {
    const gameId = await gm.running(engine);
    const body = JSON.stringify({ error: { code: 'no_turn', message: 'not on a Sunday' } });
    engine.failNext('turn', { kind: 'answer', status: 422, body });
    const failed = await force(gameId);
    expect(failed).toMatchObject({ status: 422, body: { error: { code: 'engine_validation_error' } } });
    expect(JSON.stringify(failed.body)).toContain('not on a Sunday');
    expect(engine.callsOf('turn')).toBe(1);
    const forced = await force(gameId);
    await expectNoFaults(gameId, forced);
  });

  test('an engine that is one turn ahead is believed, and not called', async () => {
    const gameId = await gm.running(engine);
    engine.advance();
    const forced = await force(gameId);
    expect(forced).toMatchObject({ status: 200, body: { current_turn: 1 } });
    expect(engine.callsOf('turn')).toBe(0);
    await expectNoFaults(gameId, forced);
  });

  test.each([
    ['two turns ahead', 3],
    ['one turn behind', 0],
  ])('an engine that is %s is a mismatch, and is not called', async (_name, turn) => {
    const gameId = await gm.running(engine);
    expect((await force(gameId)).status).toBe(200);
    engine.turn = turn;
    const failed = await force(gameId);
    expect(failed).toMatchObject({ status: 502, body: { error: { code: 'turn_mismatch' } } });
    expect(engine.callsOf('turn')).toBe(1);
    expect(await gm.record(gameId)).toMatchObject({ status: 'generation_failed', current_turn: 1 });
    // The operator restores the engine's state, and the game goes on.
    engine.turn = 1;
    const forced = await force(gameId);
    expect(forced).toMatchObject({ status: 200, body: { current_turn: 2 } });
    await expectNoFaults(gameId, forced);
  });

  test('slower than the timeout, comparing If-Match when it applies: one turn', async () => {
    const gameId = await gm.running(engine);
    const release = engine.holdTurns();
    const reply = force(gameId);
    await waitFor(() => engine.callsOf('turn') > 1, { describe: 'a second call while the first goes on' });
    release();
    const forced = await reply;
    expect(forced).toMatchObject({ status: 200, body: { current_turn: 1 } });
    await engine.turnsAreOver();
    expect(engine.turnLog).toEqual([1]);
    await expectNoFaults(gameId, forced);
  });

  test('slower than all attempts together: the turn fails, is found later, and was made once', async () => {
    const gameId = await gm.running(engine);
    const release = engine.holdTurns();
    const failed = await force(gameId);
    expect(failed).toMatchObject({ status: 502, body: { error: { code: 'engine_unreachable' } } });
    expect(engine.callsOf('turn')).toBe(3);
    release();
    await waitFor(() => engine.turnLog.length > 0, { describe: 'the engine to be done after all' });
    const forced = await force(gameId);
    expect(forced).toMatchObject({ status: 200, body: { current_turn: 1 } });
    await engine.turnsAreOver();
    expect(engine.turnLog).toEqual([1]);
    await expectNoFaults(gameId, forced);
  });

  /**
   * The contract has the engine compare when it applies. One that compares on arrival lets a second call in while the
   * first is still being made, and no caller can prevent that but by not calling again: for such an engine
   * GAMEMASTER_ENGINE_IF_MATCH is false (tested below). What is promised without it is that the extra turn is noticed.
   */
  test('slower than the timeout, If-Match not compared when it applies although that is relied on', async () => {
    const slow = { on_arrival: 'on_arrival', ignored: 'ignored' } as const;
    const results = await eachOn(slow, async (own, ifMatch) => {
      const gameId = await gm.running(own);
      own.options = { ...own.options, ifMatch };
      const releaseFirst = own.holdTurns();
      const reply = force(gameId);
      await waitFor(() => own.callsOf('turn') > 1, { describe: 'a second call while the first goes on' });
      releaseFirst();
      const releaseOthers = own.holdTurns();
      const forced = await reply;
      releaseOthers();
      await own.turnsAreOver();
      const calls = own.callsOf('turn');
      // One turn too many looks like the next one whose reply was lost, and is adopted; two are a mismatch.
      const next = await force(gameId);
      const noticed = own.turnLog.length === 2 ? next.status === 200 : errorCode(next) === 'turn_mismatch';
      return [forced.status, own.turnLog.length > 1, noticed, own.callsOf('turn') - calls];
    });
    expect(results).toEqual(mapValues(slow, () => [200, true, true, 0]));
  });

  describe('chaos', () => {
    const GAMES = 3;
    const TURNS = 4;

    test.each(chaosSeeds(2))(
      'seed %i: engines that fail at random, workers killed at random',
      async (seed) => {
        const random = mulberry32(seed);
        const games = await Promise.all(
          Array.from({ length: GAMES }, async (_, index) => {
            const own = await TestEngine.start({ turnDurationMs: Math.floor(random() * 300) });
            // One game in three is hit hard: half of its turns are applied and not reported.
            const rate = index === 0 ? 0.5 : 0.05;
            const gameId = await gm.running(own);
            own.faultOf = (call) => randomFault(random, call, rate);
            return { engine: own, gameId, replies: [] as Reply[] };
          }),
        );
        let played = false;
        const monkey = killWorkers(random, () => played);
        try {
          await Promise.all(games.map((game) => play(game)));
        } finally {
          played = true;
          await monkey;
        }
        for (const game of games) game.engine.faultOf = () => undefined;
        // A last turn of each game without faults: nothing that went before may stand in its way.
        for (const { gameId, replies } of games) {
          const reply = await force(gameId);
          expect(reply.status).toBe(200);
          replies.push(reply);
        }
        const faults = await Promise.all(games.map((game) => faultsOf(gm, game)));
        await Promise.all(games.map((game) => game.engine.stop()));
        expect(faults).toEqual(games.map(() => []));
      },
      180_000,
    );

    /** Forces turns one after the other, each until there is an answer to it. */
    async function play({ gameId, replies }: { gameId: string; replies: Reply[] }): Promise<void> {
      for (let turn = 1; turn <= TURNS; turn += 1) {
        const headers = { 'Idempotency-Key': `turn-${turn}` };
        const reply = await untilTold(() => gm.force(gameId, headers));
        expect([200, 502]).toContain(reply.status);
        replies.push(reply);
      }
    }

    async function killWorkers(random: () => number, over: () => boolean): Promise<void> {
      for (let kills = 0; kills < 2 && !over(); kills += 1) {
        await delay(500 + random() * 3_000);
        const [victim] = gm.workers.splice(Math.floor(random() * gm.workers.length), 1);
        await victim?.crash();
        await gm.addWorker();
      }
    }
  });
});

describe('an engine that is not known to honour If-Match', () => {
  beforeAll(async () => {
    gm = await GameMaster.start({
      workers: 2,
      env: {
        GAMEMASTER_ENGINE_IF_MATCH: 'false',
        GAMEMASTER_ENGINE_TURN_TIMEOUT: '1s',
        // Longer than it takes another worker to notice that one is gone.
        GAMEMASTER_ENGINE_TURN_DEADLINE: '20s',
      },
    });
  });

  afterAll(async () => {
    await gm.stop();
  });

  test('slower than the timeout, or its reply lost: called once, one turn', async () => {
    const trials: Record<string, { ifMatch: Required<TestEngineOptions>['ifMatch']; fault?: Fault }> = {
      'slow, If-Match ignored': { ifMatch: 'ignored' },
      'slow, If-Match compared on arrival': { ifMatch: 'on_arrival' },
      'slow, If-Match compared when applying': { ifMatch: 'when_applying' },
      'reply cut off': { ifMatch: 'ignored', fault: { kind: 'apply_then_cut' } },
      'reply lost': { ifMatch: 'ignored', fault: { kind: 'apply_then_hang' } },
    };
    const results = await eachOn(trials, async (own, { ifMatch, fault }) => {
      const gameId = await gm.running(own);
      own.options = { ...own.options, ifMatch, turnDurationMs: fault ? 0 : 3_000 };
      if (fault) own.failNext('turn', fault);
      const forced = await force(gameId);
      await own.turnsAreOver();
      const faults = await faultsOf(gm, { gameId, engine: own, replies: [forced] });
      return [forced.status, own.callsOf('turn'), own.turnLog, faults];
    });
    expect(results).toEqual(mapValues(trials, () => [200, 1, [1], []]));
  });

  test('a call that never arrives fails the turn at its deadline, and the next force makes it', async () => {
    engine.options.ifMatch = 'ignored';
    const gameId = await gm.running(engine);
    engine.failNext('turn', { kind: 'hang' });
    const failed = await force(gameId);
    expect(failed).toMatchObject({ status: 502, body: { error: { code: 'engine_unreachable' } } });
    expect(engine.callsOf('turn')).toBe(1);
    const forced = await force(gameId);
    expect(forced).toMatchObject({ status: 200, body: { current_turn: 1 } });
    await expectNoFaults(gameId, forced);
  });

  test('a worker killed during the call: another finds the turn and does not call', async () => {
    engine.options.ifMatch = 'ignored';
    const gameId = await gm.running(engine);
    const release = engine.holdTurns();
    const reply = force(gameId);
    await waitFor(() => engine.callsOf('turn') === 1);
    await (await workerAtWork(gameId)).crash();
    const asked = engine.callsOf('status');
    await waitFor(() => engine.callsOf('status') > asked, { describe: 'another worker to ask' });
    release();
    expect(await reply).toMatchObject({ status: 200, body: { current_turn: 1 } });
    expect(engine.turnLog).toEqual([1]);
    expect(engine.callsOf('turn')).toBe(1);
    await expectNoFaults(gameId, await reply);
  });
});

describe('workers that die', () => {
  /** The lines of each worker, which a test may break. */
  const lines = new Map<GameMasterProcess, { temporal: TcpProxy; redis: TcpProxy }>();
  /** The only worker at the beginning of a test: it has all its games in hand. */
  let victim: GameMasterProcess;

  beforeAll(async () => {
    gm = await GameMaster.start({ workers: 0 });
  });

  beforeEach(async () => {
    const [survivor, ...others] = gm.workers.filter((worker) => !worker.ended);
    await Promise.all(others.map((worker) => worker.crash()));
    await forgetEndedWorkers();
    victim = survivor ?? (await addWorker());
  });

  afterAll(async () => {
    await gm.stop();
    await forgetEndedWorkers();
  });

  async function addWorker(): Promise<GameMasterProcess> {
    const { temporalAddress, redisUrl } = stackAddresses();
    const temporal = await TcpProxy.before(`tcp://${temporalAddress}`);
    const redis = await TcpProxy.before(redisUrl);
    const worker = await gm.addWorker({
      GAMEMASTER_TEMPORAL_ADDRESS: `127.0.0.1:${temporal.proxy.port}`,
      GAMEMASTER_REDIS_URL: redis.url,
    });
    lines.set(worker, { temporal: temporal.proxy, redis: redis.proxy });
    return worker;
  }

  async function forgetEndedWorkers(): Promise<void> {
    for (const worker of gm.workers.splice(0)) {
      if (worker.ended) {
        await lines.get(worker)?.temporal.close();
        await lines.get(worker)?.redis.close();
        lines.delete(worker);
      } else {
        gm.workers.push(worker);
      }
    }
  }

  async function setLine(which: 'temporal' | 'redis', mode: ProxyMode): Promise<void> {
    await lines.get(victim)?.[which].setMode(mode);
  }

  /** Another worker must have gone on after the heartbeat timeout (5 s) and 5 s more. */
  const BACK_WITHIN = 10_000;

  test('at every point of a turn: another goes on, and each turn is made once', async () => {
    const [asking, calling, applied, committed, published] = await Promise.all(
      Array.from({ length: 5 }, async () => {
        const own = await TestEngine.start();
        return { engine: own, gameId: await gm.running(own) };
      }),
    );
    if (!asking || !calling || !applied || !committed || !published) throw new Error('five games are needed');
    const games = { asking, calling, applied, committed, published };

    // Each game is brought to its point of death and held there.
    const asked = asking.engine.callsOf('status');
    asking.engine.failNext('status', { kind: 'hang' });
    const held = mapValues(games, ({ engine: own }) => own.holdTurns());
    const replies = mapValues(games, ({ gameId }) => force(gameId));
    await waitFor(() => asking.engine.callsOf('status') > asked);
    const called = [calling, applied, committed, published];
    await waitFor(() => called.every(({ engine: own }) => own.callsOf('turn') === 1));
    const unlock = await lockRecord(applied.gameId, () => held['applied']?.());
    await addWorker();
    await setLine('temporal', 'blackhole');
    held['published']?.();
    await waitFor(async () => (await gm.events('lobbyEvents', published.gameId)).length === 2);
    await setLine('redis', 'blackhole');
    held['committed']?.();
    await gm.untilRecord(committed.gameId, { current_turn: 1 });
    await victim.crash();
    const killedAt = Date.now();

    expect(await gm.events('lobbyEvents', committed.gameId)).toHaveLength(1);
    await unlock();
    held['asking']?.();
    // The dead worker's call is still in the engine when the next one comes, and is applied first.
    await waitFor(() => calling.engine.callsOf('turn') === 2);
    held['calling']?.();
    const results = await Promise.all(
      Object.entries(games).map(async ([point, game]) => {
        await gm.untilRecord(game.gameId, { current_turn: 1, status: 'running' });
        await waitFor(async () => (await gm.events('lobbyEvents', game.gameId)).length === 2);
        const reply = await (replies[point] as Promise<Reply>);
        const back = (await lastBegin(game.gameId)) - killedAt;
        await game.engine.stop();
        return {
          point,
          inTime: back < BACK_WITHIN || `after ${back} ms`,
          answered: reply.status,
          calls: game.engine.callsOf('turn'),
          turns: game.engine.turnLog,
          faults: await faultsOf(gm, { ...game, replies: [reply] }),
        };
      }),
    );
    const good = { inTime: true, answered: 200, calls: 1, turns: [1], faults: [] };
    expect(results).toEqual([
      { point: 'asking', ...good },
      { point: 'calling', ...good, calls: 2 },
      { point: 'applied', ...good },
      { point: 'committed', ...good },
      { point: 'published', ...good },
    ]);
  }, 240_000);

  test('while events are on their way after an outage of Redis', async () => {
    const gameId = await gm.running(engine);
    await setLine('redis', 'blackhole');
    const reply = await force(gameId);
    expect(reply.status).toBe(200);
    await addWorker();
    await victim.crash();
    const killedAt = Date.now();
    await gm.untilOutboxEmpty(gameId, 40_000);
    // A lost attempt is noticed after five seconds, and the next one begins five later at most: without the heartbeat
    // it would be noticed after thirty.
    expect(Date.now() - killedAt).toBeLessThan(2 * BACK_WITHIN);
    await expectNoFaults(gameId, reply);
  });

  test('between two turns; then all of them for several ticks: one turn on return, and then one a tick', async () => {
    const everyMs = 2_000;
    const gameId = await gm.running(engine, { turn_schedule: '*/2 * * * * *' });
    await waitFor(() => engine.turn > 0, { describe: 'the first turn' });
    const other = await addWorker();
    await waitFor(
      async () => {
        const { status, currentTurn } = await gm.workflow(gameId).query<GameState>('state');
        return status === 'running' && currentTurn === engine.turn && Date.now() % everyMs < everyMs / 2;
      },
      { describe: 'the time between two turns' },
    );
    await victim.crash();
    const killedAt = Date.now();
    const made = engine.turn;
    await waitFor(() => engine.turn > made, { describe: 'the next turn' });
    const slot = (at: number): number => Math.floor(at / everyMs);
    const begins = async (): Promise<number[]> =>
      (await gm.operations(gameId))
        .filter(({ kind }) => kind === 'turn')
        .map(({ started_at }) => (started_at as Date).getTime());
    const next = await waitFor(async () => (await begins()).find((at) => at > killedAt));
    // No activity was under way: only the tick itself has to find another worker. By default that takes ten seconds.
    expect(next - (slot(killedAt) + 1) * everyMs).toBeLessThan(8_000);

    await other.crash();
    await forgetEndedWorkers();
    const killedIn = slot(Date.now());
    // What the engine had been asked for it may make still.
    await waitFor(() => slot(Date.now()) > killedIn + 1, { describe: 'a tick to pass unhandled' });
    const before = engine.turn;
    await waitFor(() => slot(Date.now()) > killedIn + 3, { describe: 'ticks to pass unhandled' });
    expect(engine.turn).toBe(before);
    await addWorker();
    await waitFor(() => engine.turn >= before + 2, { timeout: 30_000 });
    const ticks = (await begins()).map(slot);
    expect(ticks).toEqual([...new Set(ticks)].sort((left, right) => left - right));
  }, 240_000);

  test('frozen, and thawed when others have long made the next turn: the late writes lose', async () => {
    const asking = { engine: await TestEngine.start(), gameId: '' };
    asking.gameId = await gm.running(asking.engine);
    const applied = { engine, gameId: await gm.running(engine) };
    const asked = asking.engine.callsOf('status');
    asking.engine.failNext('status', { kind: 'hang' });
    const release = engine.holdTurns();
    const replies = [force(asking.gameId), force(applied.gameId)];
    await waitFor(() => asking.engine.callsOf('status') > asked && engine.callsOf('turn') === 1);
    const unlock = await lockRecord(applied.gameId, release);
    await addWorker();
    victim.kill('SIGSTOP');
    await unlock();
    // Tasks go to a frozen worker as well while its polls are open, and each is noticed after 5 s: this may take longer
    // than after a crash.
    for (const { gameId } of [asking, applied]) {
      await gm.untilRecord(gameId, { current_turn: 1, status: 'running' }, 60_000);
    }
    replies.push(force(asking.gameId), force(applied.gameId));
    const answers = await Promise.all(replies);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    const records = [await gm.record(asking.gameId), await gm.record(applied.gameId)];

    victim.kill('SIGCONT');
    await waitFor(() => victim.lines.some((line) => line.includes('on record already')), {
      describe: 'the late write to be tried',
    });
    // It has done no harm and works on.
    await waitFor(async () => (await fetch(`${victim.baseUrl}/readyz`)).ok);
    expect([await gm.record(asking.gameId), await gm.record(applied.gameId)]).toEqual(records);
    expect([asking.engine.turnLog, engine.turnLog]).toEqual([
      [1, 2],
      [1, 2],
    ]);
    for (const game of [asking, applied])
      expect(await faultsOf(gm, { ...game, replies: answersOf(game) })).toEqual([]);
    await asking.engine.stop();

    function answersOf(game: { gameId: string }): Reply[] {
      return answers.filter(({ body }) => body?.['game_id'] === game.gameId);
    }
  }, 240_000);

  /** When the last attempt at the game's turn began, by the server's clock. */
  async function lastBegin(gameId: string): Promise<number> {
    const { events } = await gm.workflow(gameId).fetchHistory();
    const turns = (events ?? []).filter((event) => isTurn(event.activityTaskScheduledEventAttributes));
    const scheduled = turns.at(-1)?.eventId;
    const begun = events?.find(
      ({ activityTaskStartedEventAttributes: started }) =>
        started && String(started.scheduledEventId) === String(scheduled),
    );
    if (!begun?.eventTime) throw new Error(`no turn of ${gameId} was begun`);
    return tsToMs(begun.eventTime);
  }

  /**
   * Locks the record, lets the turn go on to its write, and gives a function that takes the lock away after that write
   * was given up.
   */
  async function lockRecord(gameId: string, goOn: (() => void) | undefined): Promise<() => Promise<void>> {
    const holder = await gm.database.connect();
    await holder.query('BEGIN');
    await holder.query('SELECT 1 FROM gamemaster.runtime_records WHERE game_id = $1 FOR UPDATE', [gameId]);
    goOn?.();
    const waiting = async (): Promise<number[]> => {
      const { rows } = await gm.database.query<{ pid: number }>(
        `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
      );
      return rows.map(({ pid }) => pid);
    };
    await waitFor(async () => (await waiting()).length > 0, {
      describe: 'the worker to wait for the record',
    });
    return async () => {
      // The victim is gone by now, and whoever waits does so for a second at most: then its write is surely not made.
      await waitFor(async () => (await waiting()).length === 0, { describe: 'the write to be given up' });
      await holder.query('ROLLBACK');
      holder.release();
    };
  }
});

function isTurn(activity: HistoryEvent['activityTaskScheduledEventAttributes']): boolean {
  return activity?.activityType?.name === 'generateTurn';
}

function randomFault(random: () => number, call: string, rate: number): Fault | undefined {
  if (call === 'init' || random() > rate) return undefined;
  const kinds: Fault[] =
    call === 'turn'
      ? [
          { kind: 'apply_then_hang' },
          { kind: 'apply_then_hang' },
          { kind: 'apply_then_cut' },
          { kind: 'cut' },
          { kind: 'answer', status: 503 },
        ]
      : [{ kind: 'cut' }, { kind: 'answer', status: 500 }];
  return kinds[Math.floor(random() * kinds.length)];
}

/** How many trials run side by side: most of their time they wait, but registering many at once takes too long. */
const AT_ONCE = 6;

/** Runs each trial with an engine of its own. */
async function eachOn<Trial, Result>(
  trials: Record<string, Trial>,
  run: (own: TestEngine, trial: Trial) => Promise<Result>,
): Promise<Record<string, Result>> {
  const results: Record<string, Result> = {};
  const waiting = Object.entries(trials);
  const runTrials = async (): Promise<void> => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const [name, trial] = next;
      const own = await TestEngine.start();
      try {
        results[name] = await run(own, trial);
      } finally {
        await own.stop();
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, runTrials));
  return results;
}

function mapValues<In, Out>(object: Record<string, In>, map: (value: In) => Out): Record<string, Out> {
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [name, map(value)]));
}

function errorCode({ body }: Reply): unknown {
  return (body?.['error'] as { code?: unknown } | undefined)?.code;
}

function stateAt(turn: number): string {
  return JSON.stringify({ id: 'test', turn, finished: false, player: [] });
}

async function listenElsewhere(): Promise<[Server, string[]]> {
  const visits: string[] = [];
  const server = createServer((request, response) => {
    visits.push(request.url ?? '');
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return [server, visits];
}
