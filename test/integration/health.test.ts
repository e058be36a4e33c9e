import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { RedisUser } from '../support/redis-user';
import { fates, RuntimeReports, type Report } from '../support/runtime-reports';
import { GameMaster } from '../support/game-master';
import { freshGameId, stackAddresses } from '../support/stack';
import { lobbyEventsOf } from '../support/story';
import { TcpProxy } from '../support/tcp-proxy';
import { TestEngine } from '../support/test-engine';
import { TestRuntimeManager } from '../support/test-runtime-manager';
import { waitFor } from '../support/wait-for';

const REGISTERED = 'runtime_snapshot_update 0 running';

let engine: TestEngine;
const others: TestEngine[] = [];

beforeEach(async () => {
  engine = await TestEngine.start();
});

afterEach(async () => {
  await Promise.all([engine, ...others.splice(0)].map((each) => each.stop()));
});

async function secondEngine(): Promise<TestEngine> {
  const other = await TestEngine.start();
  others.push(other);
  return other;
}

describe('two consumers', () => {
  const reports = new RuntimeReports();
  let gm: GameMaster;
  let runtimeManager: TestRuntimeManager;
  let user: RedisUser;

  beforeAll(async () => {
    runtimeManager = await TestRuntimeManager.start();
    gm = await GameMaster.start({
      workers: 0,
      env: { ...reports.env, GAMEMASTER_RTM_BASE_URL: runtimeManager.baseUrl },
    });
    // With the rights that the documents give to Game Master, and no others.
    user = await RedisUser.create('gamemaster', {
      'gm:lobby_events': gm.streams.lobbyEvents,
      'notification:intents': gm.streams.intents,
      'runtime:health_events': reports.stream,
    });
    const env = { GAMEMASTER_REDIS_URL: user.url };
    await Promise.all([gm.addWorker(env), gm.addWorker(env)]);
  });

  afterAll(async () => {
    await gm.stop();
    await runtimeManager.stop();
    const refused = await user.refused();
    await user.remove();
    expect(refused).toEqual([]);
  });

  /** What became of the entries that `work` put on the stream. */
  async function fatesOf(work: () => Promise<void>): Promise<Record<string, number>> {
    const before = await countedFates();
    await work();
    const after = await countedFates();
    return Object.fromEntries(
      Object.entries(after).flatMap(([fate, count]) => {
        const more = count - (before[fate] ?? 0);
        return more === 0 ? [] : [[fate, more]];
      }),
    );
  }

  /**
   * What became of every entry so far. A worker counts an entry a moment after it was settled. What had to wait, as it
   * may on a busy machine, is taken up again and then has its fate.
   */
  async function countedFates(): Promise<Record<string, number>> {
    await reports.untilSettled(gm);
    return waitFor(
      async () => {
        const { postponed: _tried, ...settled } = await fates(gm);
        const counted = Object.values(settled).reduce((sum, count) => sum + count, 0);
        return counted >= reports.added && settled;
      },
      { describe: 'every entry to be counted' },
    );
  }

  async function healthTold(gameId: string): Promise<unknown[]> {
    await gm.untilOutboxEmpty(gameId);
    return (await gm.events('lobbyEvents', gameId)).map(
      ({ payload }) => (payload as Record<string, unknown>)['engine_health_summary'],
    );
  }

  test('three failed probes in a row are told once, and so is their end', async () => {
    const gameId = await gm.running(engine);
    expect(
      await fatesOf(async () => {
        for (const type of [
          'probe_failed',
          'probe_failed',
          'healthy',
          'probe_failed',
          'probe_failed',
        ] as const) {
          await reports.report(gm, gameId, type);
        }
      }),
    ).toEqual({ unchanged: 5 });
    expect(await gm.record(gameId)).toMatchObject({ status: 'running', engine_health: 'healthy' });

    await reports.report(gm, gameId, 'probe_failed');
    await gm.untilRecord(gameId, { engine_health: 'probe_failed', status: 'running' });
    expect(
      await fatesOf(async () => {
        for (let i = 0; i < 5; i += 1) await reports.report(gm, gameId, 'probe_failed');
      }),
    ).toEqual({ unchanged: 5 });

    await reports.report(gm, gameId, 'probe_recovered');
    await gm.untilRecord(gameId, { engine_health: 'healthy', status: 'running' });
    await fatesOf(async () => {
      for (let i = 0; i < 5; i += 1) await reports.report(gm, gameId, 'healthy');
    });
    expect(await healthTold(gameId)).toEqual(['healthy', 'probe_failed', 'healthy']);
  });

  test('a change that is taken back before the record shows it is taken back', async () => {
    const gameId = await gm.running(engine);
    for (let i = 0; i < 20; i += 1) {
      await reports.report(gm, gameId, 'inspect_unhealthy');
      await reports.report(gm, gameId, 'healthy');
    }
    await reports.untilSettled(gm);
    await gm.untilRecord(gameId, { engine_health: 'healthy' });
    // The game has heard of the last one: nothing is on its way any more.
    await waitFor(async () => {
      const state = await gm.workflow(gameId).query<{ health: { occurredAtMs: number } }>('state');
      const { raw } = await gm.workflow(gameId).describe();
      const isIdle = !raw.pendingActivities?.length && !raw.pendingWorkflowTask;
      return isIdle && (await lastSignalled(gameId)) === state.health.occurredAtMs;
    });
    expect(await gm.record(gameId)).toMatchObject({ engine_health: 'healthy', status: 'running' });
  });

  /** The time of the last report that the game was sent. */
  async function lastSignalled(gameId: string): Promise<number> {
    const { events } = await gm.workflow(gameId).fetchHistory();
    const signals = (events ?? []).flatMap(({ workflowExecutionSignaledEventAttributes: signal }) =>
      signal?.signalName === 'health' ? [signal] : [],
    );
    const data = signals.at(-1)?.input?.payloads?.[0]?.data;
    if (!data) return 0;
    return (JSON.parse(Buffer.from(data).toString()) as { occurred_at_ms: number }).occurred_at_ms;
  }

  test('an entry that comes a hundred times is one', async () => {
    const gameId = await gm.running(engine);
    const at = Date.now();
    const seen = await fatesOf(async () => {
      for (let i = 0; i < 100; i += 1) await reports.report(gm, gameId, 'inspect_unhealthy', { at });
    });
    expect(seen).toEqual({ signalled: 1, duplicate: 99 });
    await gm.untilRecord(gameId, { engine_health: 'inspect_unhealthy' });
    expect(await healthTold(gameId)).toEqual(['healthy', 'inspect_unhealthy']);
  });

  const LATEST: [last: Report['type'], record: Record<string, unknown>][] = [
    ['container_started', { status: 'running', engine_health: 'healthy' }],
    ['container_oom', { status: 'engine_unreachable', engine_health: 'oom' }],
    ['inspect_unhealthy', { engine_health: 'inspect_unhealthy' }],
  ];

  test.each(LATEST)('in any order, and however often, the latest counts: %s', async (last, record) => {
    const gameId = await gm.running(engine);
    const base = Date.now();
    const types = [
      'healthy',
      'probe_failed',
      'container_exited',
      'container_started',
      'inspect_unhealthy',
      'container_disappeared',
      'probe_recovered',
      'container_oom',
    ] as const;
    const entries: Required<Report>[] = Array.from({ length: 40 }, (_, i) => ({
      type: types[i % types.length] ?? 'healthy',
      at: base + i,
      container: 'c1',
    }));
    entries.push({ type: last, at: base + 1_000, container: 'c1' });
    const random = seeded(last.length);
    for (const { type, ...more } of shuffled([...entries, ...entries, ...entries], random)) {
      await reports.report(gm, gameId, type, more);
    }
    await reports.untilSettled(gm);
    await gm.untilRecord(gameId, record);
    await waitFor(async () => {
      const { status } = await gm.record(gameId);
      const state = await gm
        .workflow(gameId)
        .query<{ status: string; health: { occurredAtMs: number } }>('state');
      return state.health.occurredAtMs === base + 1_000 && state.status === status;
    });
  });

  test('what was before the last news is stale, and so is the container before the last', async () => {
    const gameId = await gm.running(engine);
    const at = Date.now();
    const seen = await fatesOf(async () => {
      await reports.report(gm, gameId, 'inspect_unhealthy', { at });
      await reports.report(gm, gameId, 'container_oom', { at: at - 1 });
      await reports.report(gm, gameId, 'container_started', { at: at + 1, container: 'c2' });
      await reports.report(gm, gameId, 'container_exited', { at: at + 2, container: 'c1' });
      await reports.report(gm, gameId, 'probe_failed', { at: at + 3, container: 'c1' });
    });
    expect(seen).toEqual({ signalled: 2, stale: 3 });
    await gm.untilRecord(gameId, { status: 'running', engine_health: 'healthy' });
  });

  test('games that are unknown or over are counted, and what nobody understands is put aside', async () => {
    const gameId = await gm.running(engine);
    const stopped = await gm.running(engine);
    expect((await gm.stopGame(stopped)).status).toBe(200);
    // Somebody ended its workflow by hand.
    const orphaned = await gm.running(await secondEngine());
    await gm.workflow(orphaned).terminate('test');
    const good = {
      game_id: gameId,
      container_id: 'c1',
      event_type: 'healthy',
      occurred_at_ms: String(Date.now()),
    };
    const seen = await fatesOf(async () => {
      await reports.report(gm, freshGameId(), 'container_oom');
      await reports.report(gm, stopped, 'container_exited');
      await reports.report(gm, orphaned, 'container_exited');
      await reports.add(gm, { hello: 'world' });
      await reports.add(gm, { ...good, event_type: 'container_bored' });
      await reports.add(gm, { ...good, occurred_at_ms: 'soon' });
      await reports.add(gm, { ...good, details: '{' });
      await reports.report(gm, gameId, 'inspect_unhealthy');
    });
    expect(seen).toEqual({ unknown_game: 2, game_over: 1, malformed: 4, signalled: 1 });
    await waitFor(() =>
      gm.workers.some(({ lines }) => lines.some((line) => line.includes('a record and no workflow'))),
    );
    await gm.untilRecord(gameId, { engine_health: 'inspect_unhealthy' });
    expect((await reports.dead(gm)).map(({ reason }) => reason).sort()).toEqual([
      'details is not JSON',
      'event_type is not known',
      'game_id is not a game id',
      'occurred_at_ms is not a number of milliseconds',
    ]);
    expect(await reports.dead(gm)).toContainEqual({
      hello: 'world',
      reason: 'game_id is not a game id',
      entry_id: expect.stringMatching(/^\d+-\d+$/) as string,
    });
  });

  test('the examples of the contract are taken, one of each type; what is not as it says is put aside', async () => {
    const gameId = await gm.running(engine);
    const entries = examplesOfTheContract().map((entry): Record<string, string> => ({
      ...entry,
      game_id: gameId,
    }));
    const required = ['game_id', 'container_id', 'event_type', 'occurred_at_ms'];
    const dead = (await reports.dead(gm)).length;
    const seen = await fatesOf(async () => {
      for (const entry of entries) await reports.add(gm, entry);
      for (const field of required) {
        await reports.add(
          gm,
          Object.fromEntries(Object.entries(entries[0] ?? {}).filter(([name]) => name !== field)),
        );
      }
    });
    // No news: that the engine is well, twice, and a single probe that failed.
    expect(seen).toEqual({ signalled: 5, unchanged: 3, malformed: 4 });
    const reasons = (await reports.dead(gm)).slice(dead).map(({ reason }) => String(reason).split(' ')[0]);
    expect(reasons.sort()).toEqual([...required].sort());
    await gm.untilRecord(gameId, { engine_health: 'disappeared' });
  });

  test('a signal that is no report does no harm', async () => {
    const gameId = await gm.running(engine);
    for (const nonsense of [undefined, null, 'oom', {}, { summary: 'bored', lost: true }]) {
      await gm.workflow(gameId).signal('health', nonsense);
    }
    expect((await gm.force(gameId)).body).toMatchObject({ status: 'running', current_turn: 1 });
    expect(await lobbyEventsOf(gm, gameId)).toEqual([REGISTERED, 'runtime_snapshot_update 1 running']);
  });

  test('a consumer that ends leaves the group', async () => {
    const worker = await gm.addWorker();
    const isMember = async () =>
      (await reports.consumers(gm)).some((name) => name.split(':').includes(String(worker.child.pid)));
    await waitFor(async () => {
      await reports.report(gm, freshGameId(), 'healthy');
      return isMember();
    });
    // One that has an entry in hand, because a store was slow, stays until another has taken that over.
    await reports.untilSettled(gm);
    await worker.stop();
    expect(worker.child.exitCode).toBe(0);
    expect(await isMember()).toBe(false);
  });

  test('a stream that lost everything is read from anew', async () => {
    const gameId = await gm.running(engine);
    await gm.redis.del(reports.stream);
    await reports.report(gm, gameId, 'inspect_unhealthy');
    await gm.untilRecord(gameId, { engine_health: 'inspect_unhealthy' });
  });
});

test('of two consumers one is killed with entries in hand: the other settles everything, and the latest counts', async () => {
  const reports = new RuntimeReports();
  const { proxy, url } = await TcpProxy.before(`tcp://${stackAddresses().temporalAddress}`);
  const gm = await GameMaster.start({ env: reports.env });
  try {
    const gameId = await gm.running(engine);
    const other = await gm.running(await secondEngine());
    const killed = await gm.addWorker({ GAMEMASTER_TEMPORAL_ADDRESS: new URL(url).host });
    // What this one reads it cannot pass on.
    await proxy.setMode('blackhole');
    const base = Date.now();
    const entries = Array.from({ length: 30 }, (_, i) => ({
      type: (['probe_failed', 'container_oom', 'container_started', 'healthy'] as const)[i % 4] ?? 'healthy',
      at: base + i,
      container: 'c1',
    }));
    const random = seeded(7);
    const all = shuffled([...entries, ...entries], random);
    const isHeld = async () => (await reports.pendingOf(gm, killed.child.pid ?? 0)) > 0;
    let at = base + 100;
    await waitFor(async () => {
      for (const { type, ...more } of all.splice(0, 5)) await reports.report(gm, gameId, type, more);
      await reports.report(gm, other, 'healthy');
      await reports.add(gm, { hello: 'world' });
      // News for the game: whichever of the two gets it.
      await reports.report(gm, gameId, 'container_started', { at: (at += 1) });
      if (!(await isHeld())) return false;
      // Frozen, it settles nothing more; it may have, right after the look.
      killed.child.kill('SIGSTOP');
      if (await isHeld()) return true;
      killed.child.kill('SIGCONT');
      return false;
    });
    await killed.crash();
    for (const { type, ...more } of all) await reports.report(gm, gameId, type, more);
    await reports.report(gm, gameId, 'container_exited', { at: base + 1_000 });
    await reports.report(gm, gameId, 'container_started', { at: base + 500 });

    await reports.untilSettled(gm);
    await gm.untilRecord(gameId, { status: 'engine_unreachable', engine_health: 'exited' });
    expect(await gm.record(other)).toMatchObject({ status: 'running', engine_health: 'healthy' });
    expect((await reports.dead(gm)).length).toBeGreaterThan(0);
  } finally {
    await gm.stop();
    await proxy.close();
  }
}, 180_000);

test('while Postgres, Temporal or Redis is away entries wait', async () => {
  const reports = new RuntimeReports();
  const { postgresDsn, temporalAddress, redisUrl } = stackAddresses();
  const postgres = await TcpProxy.before(postgresDsn);
  const temporal = await TcpProxy.before(`tcp://${temporalAddress}`);
  const redis = await TcpProxy.before(redisUrl);
  const gm = await GameMaster.start({
    workers: 0,
    addresses: { postgresDsn: postgres.url },
    env: reports.env,
  });
  try {
    const worker = await gm.addWorker({
      GAMEMASTER_TEMPORAL_ADDRESS: new URL(temporal.url).host,
      GAMEMASTER_REDIS_URL: redis.url,
    });
    const gameId = await gm.running(engine);

    for (const [{ proxy }, type] of [
      [temporal, 'inspect_unhealthy'],
      [postgres, 'healthy'],
    ] as const) {
      const postponed = (await fates(gm))['postponed'] ?? 0;
      await proxy.setMode('refuse');
      await reports.report(gm, gameId, type);
      await waitFor(async () => ((await fates(gm))['postponed'] ?? 0) > postponed, { timeout: 20_000 });
      expect(await reports.pending(gm)).toBe(1);
      await proxy.setMode('pass');
      // Its connections are made anew after a while, and an entry that had to wait is taken up after five seconds.
      await gm.untilRecord(gameId, { engine_health: type }, 60_000);
      await reports.untilSettled(gm);
    }

    await redis.proxy.setMode('refuse');
    await waitFor(() => worker.lines.some((line) => line.includes('health stream cannot be read')));
    await reports.report(gm, gameId, 'inspect_unhealthy');
    await redis.proxy.setMode('pass');
    await gm.untilRecord(gameId, { engine_health: 'inspect_unhealthy' });
    expect(worker.ended).toBe(false);
  } finally {
    await gm.stop();
    await Promise.all([postgres, temporal, redis].map(({ proxy }) => proxy.close()));
  }
}, 240_000);

/** Entries of `runtime:health_events` as api/runtime-events-asyncapi.yaml shows them. */
function examplesOfTheContract(): Record<string, string>[] {
  const file = path.join(__dirname, '..', '..', 'api', 'runtime-events-asyncapi.yaml');
  const { components } = parse(readFileSync(file, 'utf8')) as {
    components: {
      messages: { runtime_health_event: { examples: { payload: Record<string, string> }[] } };
    };
  };
  return components.messages.runtime_health_event.examples.map(({ payload }) => payload);
}

/** Mulberry32: the same numbers in [0, 1) on every run. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function shuffled<T>(items: readonly T[], random: () => number): T[] {
  return items
    .map((item) => ({ item, place: random() }))
    .sort((a, b) => a.place - b.place)
    .map(({ item }) => item);
}
