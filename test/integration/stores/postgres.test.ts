import { createServer, type AddressInfo } from 'node:net';
import { Client } from 'pg';
import { StoreUnavailable } from '../../../stores/errors';
import { migrate } from '../../../stores/migrate';
import type { Database } from '../../../stores/postgres';
import { freshDatabase, ownStack, waitFor } from '../../support/stack';
import { TcpProxy } from '../../support/tcp-proxy';
import {
  freshStores,
  gameIn,
  IMAGE,
  newGame,
  open,
  operationOn,
  registrationOf,
  silent,
  storesOn,
  VERSION,
} from './records';

/** How long a silent server is waited for where a test measures just that; elsewhere there is patience. */
const SILENCE_MS = 1_000;

const opened: { close: () => Promise<void> }[] = [];

afterEach(async () => {
  for (const resource of opened.splice(0).reverse()) await resource.close();
});

async function throughProxy(
  dsn: string,
  options: Parameters<typeof open>[1] = {},
): Promise<{ proxy: TcpProxy; database: Database }> {
  const { proxy, url } = await TcpProxy.before(dsn);
  opened.push(proxy);
  const database = open(url, options);
  opened.push(database);
  return { proxy, database };
}

/** Waits until Postgres answers, in as many tries as its time limits cost on a busy machine. */
async function untilAnswered(database: Database): Promise<void> {
  await waitFor(() => database.ping(5_000).then(() => true), { describe: 'Postgres to answer' });
}

/** What a server sends before it ends a connection. */
function fatalError(code: string, message: string): Buffer {
  const fields = Buffer.from(`SFATAL\0VFATAL\0C${code}\0M${message}\0\0`);
  const head = Buffer.from([0x45, 0, 0, 0, 0]);
  head.writeInt32BE(fields.length + 4, 1);
  return Buffer.concat([head, fields]);
}

async function took(work: Promise<unknown>): Promise<number> {
  const start = performance.now();
  await expect(work).rejects.toBeInstanceOf(StoreUnavailable);
  return performance.now() - start;
}

describe('a connection to Postgres', () => {
  let dsn: string;
  let drop: () => Promise<void>;

  beforeAll(async () => {
    ({ dsn, drop } = await freshDatabase());
  });
  afterAll(() => drop());

  it('gives 64-bit numbers as numbers and times as dates, and leaves other users of pg alone', async () => {
    const { database } = await throughProxy(dsn);
    const statement = {
      name: 'types',
      text: `SELECT 42::bigint AS n, '2030-01-02T03:04:05.678Z'::timestamptz AS t`,
    };
    expect(await database.run(statement, [])).toEqual([{ n: 42, t: new Date('2030-01-02T03:04:05.678Z') }]);
    const client = new Client({ connectionString: dsn });
    await client.connect();
    const { rows } = await client.query('SELECT 42::bigint AS n');
    await client.end();
    expect(rows).toEqual([{ n: '42' }]);
  });

  it('fails in time when an established connection goes silent, drops it, and recovers', async () => {
    const limits = { queryTimeoutMs: SILENCE_MS, connectTimeoutMs: SILENCE_MS };
    const { proxy, database } = await throughProxy(dsn, { poolSize: 2, ...limits });
    await untilAnswered(database);
    await waitFor(() => proxy.open === 1, { describe: 'one connection to be left' });

    await proxy.setMode('blackhole');
    // One limit each, and what a busy machine adds to it; without them it would be for ever.
    const inTime = SILENCE_MS + 4_000;
    expect(await took(database.run({ name: 'one', text: 'SELECT 1' }, []))).toBeLessThan(inTime);
    expect(
      await took(database.transaction((tx) => tx.selectFrom('outbox').select('seq').execute())),
    ).toBeLessThan(inTime);
    await waitFor(() => proxy.open === 0, { describe: 'the silent connections to be closed' });

    await proxy.setMode('pass');
    await untilAnswered(database);
  });

  it('does not wait for a second timeout to roll back a transaction whose connection went silent', async () => {
    const limitMs = 4_000;
    const { proxy, database } = await throughProxy(dsn, { queryTimeoutMs: limitMs });
    let silentAt = 0;
    const failing = database.transaction(async (tx) => {
      await proxy.setMode('blackhole');
      silentAt = performance.now();
      await tx.selectFrom('outbox').select('seq').execute();
    });
    await expect(failing).rejects.toBeInstanceOf(StoreUnavailable);
    expect(performance.now() - silentAt).toBeLessThan(2 * limitMs);
  });

  it('answers many callers in time while the pool is full of silent connections', async () => {
    const limits = { queryTimeoutMs: SILENCE_MS, connectTimeoutMs: SILENCE_MS };
    const { proxy, database } = await throughProxy(dsn, { poolSize: 3, ...limits });
    await Promise.all(Array.from({ length: 3 }, () => untilAnswered(database)));
    await proxy.setMode('blackhole');
    const times = await Promise.all(
      Array.from({ length: 40 }, () => took(database.run({ name: 'one', text: 'SELECT 1' }, []))),
    );
    // One after the other on three connections they would need thirteen times the limit.
    expect(Math.max(...times)).toBeLessThan(6 * SILENCE_MS);
    await proxy.setMode('pass');
    await untilAnswered(database);
  });

  it('pings within the time given, whatever the pool waits for', async () => {
    const { proxy, database } = await throughProxy(dsn);
    await proxy.setMode('blackhole');
    expect(await took(database.ping(200))).toBeLessThan(5_000);
  });

  it('fails at once when nobody listens, and recovers', async () => {
    const { proxy, database } = await throughProxy(dsn);
    await untilAnswered(database);
    await proxy.setMode('refuse');
    // Long before any limit.
    expect(await took(database.ping(30_000))).toBeLessThan(5_000);
    await proxy.setMode('pass');
    await untilAnswered(database);
  });

  it('survives that idle and working connections are reset', async () => {
    const errors: Error[] = [];
    const { proxy, database } = await throughProxy(dsn, { onPoolError: (error) => errors.push(error) });
    await untilAnswered(database);
    proxy.reset();
    await waitFor(() => errors.length > 0, { describe: 'the pool to notice' });

    const sleeping = expect(
      database.run({ name: 'sleep', text: 'SELECT pg_sleep(30)' }, []),
    ).rejects.toBeInstanceOf(StoreUnavailable);
    await waitFor(() => proxy.open === 1, { describe: 'a new connection' });
    await waitFor(
      async () => {
        const text = `SELECT 1 FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(30)' AND state = 'active'`;
        return (await database.run({ name: 'watch', text }, [])).length > 0;
      },
      { describe: 'the statement to run' },
    );
    proxy.reset();
    await sleeping;
    await untilAnswered(database);
  });

  it('survives a server that ends a connection in the packet that opens it', async () => {
    const opening = Buffer.concat([
      Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 0]), // AuthenticationOk
      Buffer.from([0x5a, 0, 0, 0, 5, 0x49]), // ReadyForQuery, idle
      fatalError('57P01', 'terminating connection due to administrator command'),
    ]);
    const server = createServer((socket) => socket.once('data', () => socket.end(opening)));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    opened.push({ close: () => new Promise((resolve) => void server.close(() => resolve())) });
    const { port } = server.address() as AddressInfo;
    const database = open(`postgres://somebody@127.0.0.1:${port}/some`);
    opened.push(database);
    await expect(database.ping(1_000)).rejects.toBeInstanceOf(StoreUnavailable);
  });

  it("has the server give up what takes longer than the client's patience", async () => {
    const { database } = await throughProxy(dsn, { statementTimeoutMs: 100 });
    await expect(database.run({ name: 'sleep', text: 'SELECT pg_sleep(20)' }, [])).rejects.toBeInstanceOf(
      StoreUnavailable,
    );
  });

  it('keeps a connection after an error that is of the statement alone', async () => {
    const { proxy, database } = await throughProxy(dsn);
    for (let round = 0; round < 3; round += 1) {
      await expect(database.run({ name: 'wrong', text: 'SELECT 1 / 0' }, [])).rejects.toMatchObject({
        code: '22012',
      });
    }
    expect(proxy.accepted).toBe(1);
  });

  it('closes in time while the server is silent', async () => {
    const { proxy, database } = await throughProxy(dsn, { queryTimeoutMs: 30_000 });
    await untilAnswered(database);
    await proxy.setMode('blackhole');
    const hanging = expect(database.run({ name: 'one', text: 'SELECT 1' }, [])).rejects.toBeInstanceOf(
      StoreUnavailable,
    );
    await waitFor(() => database.pool.totalCount === 1 && database.pool.idleCount === 0, {
      describe: 'the statement to be sent',
    });
    await database.close();
    await hanging;
    await waitFor(() => proxy.open === 0, { describe: 'every connection to be closed' });
    await expect(database.ping(300)).rejects.toBeInstanceOf(StoreUnavailable);
  });
});

describe('a write whose reply is lost', () => {
  it('has happened once, and is recognised when it is repeated', async () => {
    const stores = await freshStores();
    opened.push({ close: () => stores.end() });
    const { proxy, database } = await throughProxy(stores.dsn, { poolSize: 1 });
    const { records, operations, outbox } = storesOn(database);
    const losingReply = async (write: () => Promise<unknown>): Promise<void> => {
      await untilAnswered(database);
      await proxy.setMode('lose-replies');
      await expect(write()).rejects.toBeInstanceOf(StoreUnavailable);
      await proxy.setMode('pass');
    };

    const { gameId, registrationId } = await gameIn('running', stores);
    const change = {
      gameId,
      registrationId,
      revision: 10,
      to: 'generation_in_progress' as const,
      operations: [operationOn({ gameId, registrationId })],
      events: [{ seq: 1, stream: 's', eventId: `${gameId}-1`, payload: {} }],
    };
    await losingReply(() => records.change(change));
    expect(await records.change(change)).toMatchObject({ applied: false, row: { revision: 10 } });
    expect((await operations.list(gameId, { limit: 10 })).operations).toHaveLength(1);
    expect(await outbox.pending(gameId, 10)).toHaveLength(1);

    await losingReply(() => outbox.remove(gameId, 1));
    await outbox.remove(gameId, 1);
    expect(await outbox.depth()).toEqual({ rows: 0, oldestAgeMs: 0 });

    const entry = operationOn({ gameId, registrationId }, { kind: 'banish', source: 'admin' });
    await losingReply(() => operations.append(entry));
    await operations.append(entry);
    expect((await operations.list(gameId, { limit: 10 })).operations).toHaveLength(2);
  });

  it('leaves a registration either there or not, and repeating it makes it there', async () => {
    const stores = await freshStores();
    opened.push({ close: () => stores.end() });
    const { proxy, database } = await throughProxy(stores.dsn, { poolSize: 1 });
    const { records } = storesOn(database);
    // Cut after each of the transaction's replies in turn, until one goes through uncut.
    for (let replies = 0, cut = true; cut; replies += 1) {
      const game = newGame();
      await untilAnswered(database);
      proxy.loseReplyAfter(replies);
      cut = await records.insertStarting(registrationOf(game)).then(
        () => false,
        (error: unknown) => {
          expect(error).toBeInstanceOf(StoreUnavailable);
          return true;
        },
      );
      await proxy.setMode('pass');
      const { row } = await records.insertStarting(registrationOf(game));
      expect(row).toMatchObject({ ...game, status: 'starting', revision: 1 });
      if (!cut) expect(replies).toBeGreaterThan(3);
    }
  });
});

describe('a restart of Postgres', () => {
  it('costs some failed calls; prepared statements work again afterwards and nothing else is needed', async () => {
    const stack = await ownStack(['postgres']);
    opened.push({ close: () => stack.stop() });
    const { server, dsn } = stack.postgres;
    if (server === undefined) throw new Error('this test needs a Postgres of its own');
    await migrate(dsn, silent);
    const database = open(dsn, { queryTimeoutMs: 4_000, connectTimeoutMs: 4_000 });
    opened.push(database);
    const stores = storesOn(database);
    await stores.versions.create({ version: VERSION, imageRef: IMAGE });
    const { gameId, registrationId } = await gameIn('running', stores);
    /** Changes the record twice, as often as it takes, like the activities do. */
    const turn = async (revision: number): Promise<void> => {
      const change = { gameId, registrationId };
      await stores.records.change({ ...change, revision, to: 'generation_in_progress' });
      await stores.records.change({ ...change, revision: revision + 1, to: 'running' });
    };
    const faults = [
      { begin: () => server.stop(), end: () => server.start() },
      {
        begin: async () => {
          await server.kill();
          // Those that serve the connections notice a moment later, and answer until then.
          await waitFor(() => database.pool.totalCount === 0, { describe: 'every connection to be cut' });
        },
        end: () => server.start(),
      },
      { begin: () => server.pause(), end: () => server.resume() },
    ];
    let revision = 10;
    for (const fault of faults) {
      await Promise.all(Array.from({ length: 8 }, () => stores.records.find(gameId)));
      await turn((revision += 2));
      await fault.begin();
      revision += 2;
      // A paused server does the first half of the turn when it is resumed: the repetition must recognise that.
      await expect(turn(revision)).rejects.toBeInstanceOf(StoreUnavailable);
      await fault.end();
      await waitFor(() => turn(revision).then(() => true), { describe: 'the turn to be made' });
      expect(await stores.records.find(gameId)).toMatchObject({ status: 'running', revision: revision + 1 });
    }
  });
});
