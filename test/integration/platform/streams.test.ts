/** The base of the platform's services reads streams of a Redis that goes away, and beside processes that die. */
import type { Redis } from 'ioredis';
import { createLogger } from '../../../platform/service/logging';
import { createMetrics } from '../../../platform/service/metrics';
import { openRedis } from '../../../platform/service/redis';
import { compareIds, MalformedEntry, publish, type StreamEntry } from '../../../platform/service/stream';
import { StreamConsumer } from '../../../platform/service/stream-consumer';
import { StreamFollower } from '../../../platform/service/stream-follower';
import { freshKeyPrefix, ownStack, waitFor } from '../../support/stack';
import { TcpProxy } from '../../support/tcp-proxy';

const log = createLogger({ level: 'silent', name: 'test' });
const GROUP = 'readers';
const LENGTH = 1_000;
/** Of consumers that are to take over soon. */
const CLAIM_SOON_MS = 300;
/** Longer than this process may stand still, which looks to Redis as if both of its consumers were dead. */
const CLAIM_AFTER_MS = 4_000;

let stack: Awaited<ReturnType<typeof ownStack<'redis'>>>;
let redis: Redis;
let stream: string;
/** What every test started. */
let ends: (() => Promise<unknown>)[];

beforeAll(async () => {
  stack = await ownStack(['redis']);
  redis = openRedis(stack.redis.url, log);
  await waitFor(() => redis.ping());
});
beforeEach(() => {
  stream = `${freshKeyPrefix()}jobs`;
  ends = [];
});
afterEach(async () => {
  await Promise.all(ends.map((end) => end()));
});
afterAll(async () => {
  redis.disconnect();
  await stack.stop();
});

const add = (n: number, game = 'orion') => publish(redis, stream, { game_id: game, n: n.toString() }, LENGTH);

async function addAll(from: number, to: number): Promise<void> {
  for (let n = from; n <= to; n++) await add(n);
}

/** The number in an entry; one that has none cannot be understood. */
function numberIn({ fields }: StreamEntry): number {
  const n = Number(fields['n']);
  if (Number.isNaN(n)) throw new MalformedEntry('n must be a number');
  return n;
}

/** Starts a consumer of the group. */
function consume(
  handle: (entry: StreamEntry) => Promise<void>,
  { url = stack.redis.url, claimAfterMs = CLAIM_AFTER_MS } = {},
) {
  const metrics = createMetrics('test');
  const stopping = new AbortController();
  const consumer = new StreamConsumer({
    redisUrl: url,
    stream,
    group: GROUP,
    inOrderOf: 'game_id',
    handle,
    claimAfterMs,
    maxLength: LENGTH,
    log,
    metrics,
  });
  const running = consumer.run(stopping.signal);
  const stop = (): Promise<void> => {
    stopping.abort();
    return running;
  };
  ends.push(stop);
  return { metrics, stop };
}

/** Starts a reader that keeps its position in a variable; `seen` is saved together with it. `end` ends it. */
function follow(
  url = stack.redis.url,
  onEntry: (n: number) => void = () => undefined,
  { position = null as string | null, missed = undefined as (() => Promise<void>) | undefined } = {},
) {
  const kept = { position, seen: [] as number[], end: () => Promise.resolve() };
  const stopping = new AbortController();
  const running = new StreamFollower({
    redisUrl: url,
    stream,
    position: () => Promise.resolve(kept.position),
    missed,
    handle: (entry) => {
      const n = numberIn(entry);
      onEntry(n);
      kept.seen.push(n);
      kept.position = entry.id;
      return Promise.resolve();
    },
    skip: ({ id }) => {
      kept.position = id;
      return Promise.resolve();
    },
    maxLength: LENGTH,
    log,
    metrics: createMetrics('test'),
  }).run(stopping.signal);
  kept.end = () => {
    stopping.abort();
    return running;
  };
  ends.push(kept.end);
  return kept;
}

const upTo = (n: number) => Array.from({ length: n }, (_, i) => i + 1);
const unsettled = async () => ((await redis.xpending(stream, GROUP)) as [number])[0];
const deadLetters = async () =>
  (await redis.xrange(`${stream}:dead`, '-', '+')).map(([, flat]) => {
    const pairs = flat.flatMap((name, i) => (i % 2 === 0 ? [[name, flat[i + 1]]] : []));
    return Object.fromEntries(pairs) as Record<string, string>;
  });

describe('a follower', () => {
  test('tries an entry again that failed, and passes none over', async () => {
    let failures = 2;
    const kept = follow(stack.redis.url, (n) => {
      if (n === 2 && failures-- > 0) throw new Error('the store is away');
    });
    await addAll(1, 3);
    await waitFor(() => kept.seen.length === 3);
    expect(kept.seen).toEqual([1, 2, 3]);
  });

  test('puts aside what it cannot understand', async () => {
    const kept = follow();
    await publish(redis, stream, { game_id: 'orion', n: 'many' }, LENGTH);
    await add(1);
    await waitFor(() => kept.seen.length === 1);
    expect(await deadLetters()).toEqual([
      { game_id: 'orion', n: 'many', entry_id: expect.any(String) as string, reason: 'n must be a number' },
    ]);
  });
});

describe('a follower that was away', () => {
  /** What a follower from this position does first: `missed`, as often as it is tried, then numbers. */
  async function readOn(position: string | null): Promise<(number | 'missed')[]> {
    const done: (number | 'missed')[] = [];
    const missed = (): Promise<void> => {
      done.push('missed');
      return done.length === 1 ? Promise.reject(new Error('the store is away')) : Promise.resolve();
    };
    const { end } = follow(stack.redis.url, (n) => done.push(n), { position, missed });
    await add(9);
    await waitFor(() => done.includes(9));
    await end();
    return done;
  }

  test('is told where entries may have been trimmed that it has not read, before it reads on', async () => {
    expect(await readOn(null)).toEqual([9]);
    await addAll(1, 3);
    const [first = '', second = ''] = (await redis.xrange(stream, '-', '+')).map(([id]) => id);
    expect(await readOn(first)).toEqual([1, 2, 3, 9]);
    await redis.xtrim(stream, 'MINID', second);
    expect(await readOn(second)).toEqual([2, 3, 9, 9]);
    expect(await readOn(first)).toEqual(['missed', 'missed', 1, 2, 3, 9, 9, 9]);
    await redis.del(stream);
    expect((await readOn(second)).slice(0, 2)).toEqual(['missed', 'missed']);
  });
});

describe('consumers of a group', () => {
  test('handle every entry once while all are well, and those of one game in order', async () => {
    const seen: string[] = [];
    const handle = async (entry: StreamEntry): Promise<void> => {
      await redis.ping();
      seen.push(`${entry.fields['game_id']} ${numberIn(entry)}`);
    };
    const consumers = [consume(handle), consume(handle)];
    for (const n of upTo(20)) await Promise.all(['orion', 'vega', 'lyra'].map((game) => add(n, game)));

    await waitFor(() => seen.length === 60);
    for (const game of ['orion', 'vega', 'lyra']) {
      expect(seen.filter((line) => line.startsWith(game))).toEqual(upTo(20).map((n) => `${game} ${n}`));
    }
    await waitFor(async () => (await unsettled()) === 0);
    await waitFor(async () => {
      const handled = await Promise.all(
        consumers.map(async ({ metrics }) => (await metrics.streamEntries.get()).values[0]?.value ?? 0),
      );
      return handled.reduce((a, b) => a + b) === 60;
    });
    expect(seen).toHaveLength(60);
  });

  test('take over what a dead one had in hand, before anything later of the same game', async () => {
    // Read by a process that died with it.
    await addAll(1, 2);
    await redis.xgroup('CREATE', stream, GROUP, '0');
    await redis.xreadgroup('GROUP', GROUP, 'dead', 'COUNT', 1, 'STREAMS', stream, '>');

    const seen: number[] = [];
    consume((entry) => Promise.resolve(void seen.push(numberIn(entry))), { claimAfterMs: CLAIM_SOON_MS });
    await waitFor(() => seen.length === 2);
    expect(seen).toEqual([1, 2]);
    await waitFor(async () => (await unsettled()) === 0);
  });

  test('leave an entry to who works on it, however long that takes', async () => {
    let finish: () => void = () => undefined;
    const finished = new Promise<void>((resolve) => (finish = resolve));
    const seen: string[] = [];
    const slow = consume(async () => {
      seen.push('begun');
      await finished;
    });
    await add(1);
    await waitFor(() => seen.length === 1);
    const other = consume(() => Promise.resolve(void seen.push('taken over')));

    // Longer than a dead one is waited for.
    const claimed = Date.now() + 1.5 * CLAIM_AFTER_MS;
    await waitFor(() => Date.now() > claimed);
    finish();
    await waitFor(async () => (await unsettled()) === 0);
    expect(seen).toEqual(['begun']);
    await Promise.all([slow.stop(), other.stop()]);
    expect(await redis.xinfo('CONSUMERS', stream, GROUP)).toEqual([]);
  });

  test('hold up a game for an entry that fails, and no other game', async () => {
    let isAway = true;
    const seen: string[] = [];
    consume((entry) => {
      if (isAway && entry.fields['n'] === '1') throw new Error('not now');
      return Promise.resolve(void seen.push(`${entry.fields['game_id']} ${entry.fields['n']}`));
    });
    await add(1);
    await add(2);
    await add(3, 'vega');
    await waitFor(() => seen.length === 1);
    expect(seen).toEqual(['vega 3']);
    isAway = false;
    await waitFor(() => seen.length === 3);
    expect(seen).toEqual(['vega 3', 'orion 1', 'orion 2']);
  });

  test('put aside what nobody can understand, once', async () => {
    const { metrics } = consume((entry) => {
      numberIn(entry);
      return Promise.resolve();
    });
    await publish(redis, stream, { game_id: 'orion', n: 'many' }, LENGTH);
    await add(1);
    await waitFor(async () => (await metrics.streamEntries.get()).values.length === 2);
    expect(await deadLetters()).toMatchObject([{ n: 'many', reason: 'n must be a number' }]);
    expect(await unsettled()).toBe(0);
  });
});

test('both survive a silent connection, lost replies, restarts and the loss of all data', async () => {
  const { proxy, url } = await TcpProxy.before(stack.redis.url);
  ends.push(() => proxy.close());
  const consumed = new Set<number>();
  consume((entry) => Promise.resolve(void consumed.add(numberIn(entry))), {
    url,
    claimAfterMs: CLAIM_SOON_MS,
  });
  const kept = follow(url);
  const arrives = async (n: number): Promise<void> => {
    await waitFor(() => consumed.has(n) && kept.seen.includes(n), {
      describe: () => `entry ${n}; so far ${[...consumed].join()} and ${kept.seen.join()}`,
    });
  };
  const reconnected = async (): Promise<void> => {
    const before = proxy.accepted;
    await waitFor(() => proxy.accepted >= before + 3, {
      describe: 'three new connections',
    });
  };
  await add(1);
  await arrives(1);

  await proxy.setMode('blackhole');
  await add(2);
  await reconnected();
  await proxy.setMode('pass');
  await arrives(2);

  // The answer that brings the entry is lost, so that the group believes it to be in hand.
  await proxy.setMode('lose-replies');
  await add(3);
  await reconnected();
  await proxy.setMode('pass');
  await arrives(3);

  await stack.redis.server?.stop();
  await stack.redis.server?.start();
  await waitFor(() => redis.ping());
  await add(4);
  await arrives(4);
  expect(kept.seen).toEqual([1, 2, 3, 4]);

  await redis.flushall();
  await add(5);
  await arrives(5);
});

test('ids are compared by their numbers', () => {
  const ids = ['10-0', '9-12', '9-2', '100-0'];
  expect(ids.sort(compareIds)).toEqual(['9-2', '9-12', '10-0', '100-0']);
});
