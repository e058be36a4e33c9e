import { randomUUID } from 'node:crypto';
import { Client } from 'pg';
import { RUNTIME_STATUSES, TRANSITIONS } from '../../../domain/runtime-status';
import { RecordDiverged } from '../../../stores/errors';
import type { RuntimeCursor } from '../../../stores/runtime-records';
import { waitFor } from '../../support/stack';
import {
  failureOf,
  freshStores,
  gameIn,
  IMAGE,
  newGame,
  operationOn,
  registrationOf,
  VERSION,
} from './records';

let stores: Awaited<ReturnType<typeof freshStores>>;

beforeAll(async () => {
  stores = await freshStores();
});

afterAll(() => stores.end());

function event(gameId: string, seq: number, stream = 'gm:lobby_events') {
  return { seq, stream, eventId: `${gameId}-${seq}`, payload: { event_type: 'runtime_snapshot_update' } };
}

describe('inserting a registration', () => {
  it('makes a starting record with the image of its version', async () => {
    const game = newGame();
    const { row } = await stores.records.insertStarting(registrationOf(game));
    expect(row).toEqual({
      ...game,
      registrationKey: `key of ${game.registrationId}`,
      revision: 1,
      status: 'starting',
      engineEndpoint: `http://galaxy-${game.gameId}:8080`,
      imageRef: IMAGE,
      engineVersion: VERSION,
      turnSchedule: '0 8 * * *',
      currentTurn: 0,
      nextGenerationAt: null,
      skippedTickAt: null,
      engineHealth: 'healthy',
      playerTurnStats: [],
      membershipEpoch: 0,
      createdAt: expect.any(Date) as Date,
      updatedAt: expect.any(Date) as Date,
      startedAt: null,
      stoppedAt: null,
      finishedAt: null,
    });
    expect(await stores.records.find(game.gameId)).toEqual(row);
  });

  it('finds its own row again, also when the version has been deprecated since', async () => {
    const version = '9.0.1';
    await stores.versions.create({ version, imageRef: IMAGE });
    const game = newGame();
    const first = await stores.records.insertStarting(registrationOf(game, version));
    await stores.versions.deprecate(version);
    expect(await stores.records.insertStarting(registrationOf(game, version))).toEqual(first);
  });

  it("leaves another registration's row alone", async () => {
    const row = await gameIn('running', stores);
    const intruder = newGame(row.gameId);
    await expect(stores.records.insertStarting(registrationOf(intruder))).rejects.toMatchObject({
      code: 'conflict',
    });
    expect(await stores.records.find(row.gameId)).toEqual(row);
  });

  it('lets one of many registrations of a game win', async () => {
    const { gameId } = newGame();
    const results = await Promise.allSettled(
      Array.from({ length: 20 }, () => stores.records.insertStarting(registrationOf(newGame(gameId)))),
    );
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const result of results) {
      if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'conflict' });
    }
  });

  it('refuses versions that are unknown or deprecated', async () => {
    await stores.versions.create({ version: '9.0.2', imageRef: IMAGE });
    await stores.versions.deprecate('9.0.2');
    const game = newGame();
    await expect(stores.records.insertStarting(registrationOf(game, '9.9.9'))).rejects.toMatchObject({
      code: 'engine_version_not_found',
    });
    await expect(stores.records.insertStarting(registrationOf(game, '9.0.2'))).rejects.toMatchObject({
      code: 'engine_version_deprecated',
    });
    expect(await stores.records.find(game.gameId)).toBeNull();
  });

  it('either has its version or sees it deleted, never neither', async () => {
    for (let round = 0; round < 15; round += 1) {
      const version = `8.0.${round}`;
      await stores.versions.create({ version, imageRef: IMAGE });
      const [inserted, deleted] = await Promise.allSettled([
        stores.records.insertStarting(registrationOf(newGame(), version)),
        stores.versions.delete(version),
      ]);
      if (inserted.status === 'fulfilled') {
        expect(deleted).toMatchObject({ status: 'rejected', reason: { code: 'engine_version_in_use' } });
        expect(await stores.versions.find(version)).not.toBeNull();
      } else {
        expect(inserted.reason).toMatchObject({ code: 'engine_version_not_found' });
        expect(deleted.status).toBe('fulfilled');
      }
    }
  });

  it('holds its version until it commits', async () => {
    const version = '8.1.0';
    await stores.versions.create({ version, imageRef: IMAGE });
    const game = newGame();
    const client = new Client({ connectionString: stores.dsn });
    await client.connect();
    try {
      // Another transaction makes the insert wait after it has taken its version.
      await client.query('BEGIN');
      await client.query('LOCK TABLE gamemaster.runtime_records IN SHARE MODE');
      const inserting = stores.records.insertStarting(registrationOf(game, version));
      await waitingOn('INSERT INTO gamemaster.runtime_records');
      const deleting = stores.versions.delete(version);
      await waitingOn('engine_versions');
      await client.query('COMMIT');
      await inserting;
      await expect(deleting).rejects.toMatchObject({ code: 'engine_version_in_use' });
    } finally {
      await client.end();
    }
  });
});

async function waitingOn(statement: string): Promise<void> {
  await waitFor(
    async () => {
      const { rows } = await stores.database.pool.query<{ query: string }>(
        `SELECT query FROM pg_stat_activity
         WHERE datname = current_database() AND wait_event_type = 'Lock' AND strpos(query, $1) > 0`,
        [statement],
      );
      return rows.length > 0;
    },
    { describe: `a statement to wait: ${statement}` },
  );
}

describe('rolling a registration back', () => {
  it('removes record and mappings, keeps the failure, and lets the game be registered again', async () => {
    const game = newGame();
    await stores.records.insertStarting(registrationOf(game));
    await stores.records.saveInitialState({
      ...game,
      mappings: [{ userId: 'u1', raceName: 'Terrans', enginePlayerUuid: randomUUID() }],
      playerTurnStats: [],
    });
    const operation = failureOf(game);
    await stores.records.rollBackRegistration({ ...game, operation });
    await stores.records.rollBackRegistration({ ...game, operation });

    expect(await stores.records.find(game.gameId)).toBeNull();
    expect(await stores.mappings.listByGame(game.gameId)).toEqual([]);
    expect(await stores.operations.countFailedRegistrations(game.gameId)).toBe(1);
    await expect(stores.records.insertStarting(registrationOf(newGame(game.gameId)))).resolves.toMatchObject({
      row: { status: 'starting' },
    });
  });

  it('keeps a late insert of the same registration out', async () => {
    const game = newGame();
    await stores.records.rollBackRegistration({ ...game, operation: failureOf(game) });
    await expect(stores.records.insertStarting(registrationOf(game))).rejects.toMatchObject({
      code: 'conflict',
    });
    expect(await stores.records.find(game.gameId)).toBeNull();
  });

  it('leaves no record behind, whichever of insert and roll-back comes first', async () => {
    for (let round = 0; round < 15; round += 1) {
      const game = newGame();
      await Promise.allSettled([
        stores.records.insertStarting(registrationOf(game)),
        stores.records.rollBackRegistration({ ...game, operation: failureOf(game) }),
      ]);
      expect(await stores.records.find(game.gameId)).toBeNull();
    }
  });

  it("does not touch another registration's record", async () => {
    const row = await gameIn('starting', stores);
    const failed = newGame(row.gameId);
    await stores.records.rollBackRegistration({ ...failed, operation: failureOf(failed) });
    expect(await stores.records.find(row.gameId)).toEqual(row);
  });

  it('refuses to take back a registration that succeeded', async () => {
    const row = await gameIn('running', stores);
    await expect(
      stores.records.rollBackRegistration({ ...row, operation: failureOf(row) }),
    ).rejects.toBeInstanceOf(RecordDiverged);
    expect(await stores.records.find(row.gameId)).toEqual(row);
    expect(await stores.operations.countFailedRegistrations(row.gameId)).toBe(0);
  });
});

describe('the initial state', () => {
  const stats = [{ user_id: 'u1', planets: 1, population: 10.5 }];

  it('is saved once, however often it is written, until the game runs', async () => {
    const game = newGame();
    await stores.records.insertStarting(registrationOf(game));
    const mappings = [
      { userId: 'u1', raceName: 'Terrans', enginePlayerUuid: randomUUID() },
      { userId: 'u2', raceName: 'Ωmega', enginePlayerUuid: randomUUID() },
    ];
    await stores.records.saveInitialState({ ...game, mappings, playerTurnStats: stats });
    await stores.records.saveInitialState({ ...game, mappings, playerTurnStats: stats });
    await stores.records.change({ ...game, revision: 2, to: 'running' });
    await stores.records.saveInitialState({ ...game, mappings: [], playerTurnStats: [] });

    expect(await stores.mappings.listByGame(game.gameId)).toEqual(mappings);
    expect(await stores.records.find(game.gameId)).toMatchObject({
      playerTurnStats: stats,
      status: 'running',
    });
  });

  it('is an alarm when the record is gone or not its own', async () => {
    const row = await gameIn('starting', stores);
    for (const game of [newGame(), newGame(row.gameId)]) {
      await expect(
        stores.records.saveInitialState({ ...game, mappings: [], playerTurnStats: stats }),
      ).rejects.toBeInstanceOf(RecordDiverged);
    }
    expect(await stores.records.find(row.gameId)).toMatchObject({ playerTurnStats: [] });
  });
});

describe('a change', () => {
  it('writes record, operations and events together', async () => {
    const row = await gameIn('generation_in_progress', stores);
    const { gameId, registrationId } = row;
    const operation = operationOn(row, { finishedAt: new Date('2030-01-02T03:04:06.789Z') });
    const result = await stores.records.change({
      gameId,
      registrationId,
      revision: 10,
      to: 'running',
      set: {
        currentTurn: 1,
        nextGenerationAt: new Date('2030-01-03T08:00:00.000Z'),
        skippedTickAt: new Date('2030-01-02T08:00:00.000Z'),
        playerTurnStats: [{ user_id: 'u1', planets: 3, population: 12.25 }],
        engineHealth: 'probe_failed',
        startedAt: new Date('2030-01-01T00:00:00.001Z'),
      },
      operations: [operation],
      events: [event(gameId, 1), event(gameId, 2, 'notification:intents')],
    });

    expect(result.applied).toBe(true);
    expect(result.row).toEqual({
      ...row,
      revision: 10,
      status: 'running',
      currentTurn: 1,
      nextGenerationAt: new Date('2030-01-03T08:00:00.000Z'),
      skippedTickAt: new Date('2030-01-02T08:00:00.000Z'),
      playerTurnStats: [{ user_id: 'u1', planets: 3, population: 12.25 }],
      engineHealth: 'probe_failed',
      startedAt: new Date('2030-01-01T00:00:00.001Z'),
      updatedAt: expect.any(Date) as Date,
    });
    expect(await stores.records.find(gameId)).toEqual(result.row);
    const { operations } = await stores.operations.list(gameId, { limit: 10 });
    expect(operations).toEqual([{ ...operation, position: expect.any(Number) as number }]);
    expect(await stores.outbox.pending(gameId, 10)).toEqual([
      { ...event(gameId, 1), registrationId },
      { ...event(gameId, 2, 'notification:intents'), registrationId },
    ]);
  });

  it('clears what is set to null and keeps what is not named', async () => {
    const row = await gameIn('running', stores);
    const at = new Date('2030-01-03T08:00:00.000Z');
    const times = { nextGenerationAt: at, skippedTickAt: at };
    await stores.records.change({ ...row, revision: 10, from: ['running'], to: 'running', set: times });
    const kept = await stores.records.change({ ...row, revision: 11, to: 'generation_in_progress' });
    expect(kept.row).toMatchObject(times);
    const cleared = await stores.records.change({
      ...row,
      revision: 12,
      to: 'generation_failed',
      set: { nextGenerationAt: null, skippedTickAt: null },
    });
    expect(cleared.row).toMatchObject({ nextGenerationAt: null, skippedTickAt: null });
  });

  it('is recognised when it is repeated, and when a later one is there', async () => {
    const row = await gameIn('running', stores);
    const { gameId, registrationId } = row;
    const change = {
      gameId,
      registrationId,
      revision: 10,
      to: 'generation_in_progress' as const,
      operations: [operationOn(row)],
      events: [event(gameId, 1)],
    };
    const first = await stores.records.change(change);
    expect(await stores.records.change(change)).toEqual({ applied: false, row: first.row });
    const later = await stores.records.change({ gameId, registrationId, revision: 11, to: 'running' });
    expect(await stores.records.change(change)).toEqual({ applied: false, row: later.row });
    expect((await stores.operations.list(gameId, { limit: 10 })).operations).toHaveLength(1);
    expect(await stores.outbox.pending(gameId, 10)).toHaveLength(1);
  });

  it('is made by one of many callers who race for it', async () => {
    const row = await gameIn('running', stores);
    const { gameId, registrationId } = row;
    const results = await Promise.all(
      Array.from({ length: 30 }, () =>
        stores.records.change({
          gameId,
          registrationId,
          revision: 10,
          to: 'generation_in_progress',
          operations: [operationOn(row)],
          events: [event(gameId, 1)],
        }),
      ),
    );
    expect(results.filter(({ applied }) => applied)).toHaveLength(1);
    for (const result of results) {
      expect(result.row).toMatchObject({ revision: 10, status: 'generation_in_progress' });
    }
    expect((await stores.operations.list(gameId, { limit: 50 })).operations).toHaveLength(1);
  });

  it('has one winner among different changes that race', async () => {
    for (let round = 0; round < 10; round += 1) {
      const { gameId, registrationId } = await gameIn('running', stores);
      const targets = ['generation_in_progress', 'engine_unreachable', 'stopped'] as const;
      const results = await Promise.allSettled(
        targets.map((to) =>
          stores.records.change({ gameId, registrationId, revision: 10, from: ['running'], to }),
        ),
      );
      const applied = results.flatMap((result) =>
        result.status === 'fulfilled' && result.value.applied ? [result.value.row.status] : [],
      );
      expect(applied).toHaveLength(1);
      expect(await stores.records.find(gameId)).toMatchObject({ status: applied[0] });
    }
  });

  it.each(
    RUNTIME_STATUSES.flatMap((from) =>
      RUNTIME_STATUSES.filter((to) => !TRANSITIONS[from].includes(to)).map((to) => ({ from, to })),
    ),
  )('never leads from $from to $to', async ({ from, to }) => {
    const row = await gameIn(from, stores);
    const change = { gameId: row.gameId, registrationId: row.registrationId, revision: 100, to };
    await expect(
      stores.records.change({ ...change, operations: [operationOn(row)], events: [event(row.gameId, 1)] }),
    ).rejects.toBeInstanceOf(RecordDiverged);
    expect(await stores.records.find(row.gameId)).toEqual(row);
    expect((await stores.operations.list(row.gameId, { limit: 1 })).operations).toEqual([]);
    expect(await stores.outbox.pending(row.gameId, 1)).toEqual([]);
    if (from !== to) {
      await expect(stores.records.change({ ...change, from: [from] })).rejects.toThrow('never becomes');
    }
  });

  it.each(RUNTIME_STATUSES.flatMap((from) => TRANSITIONS[from].map((to) => ({ from, to }))))(
    'leads from $from to $to',
    async ({ from, to }) => {
      const { gameId, registrationId } = await gameIn(from, stores);
      const { applied, row } = await stores.records.change({ gameId, registrationId, revision: 100, to });
      expect({ applied, status: row.status }).toEqual({ applied: true, status: to });
    },
  );

  it('raises the alarm when the record is gone or belongs to another registration', async () => {
    const row = await gameIn('running', stores);
    const other = newGame(row.gameId);
    await expect(stores.records.change({ ...other, revision: 50, to: 'stopped' })).rejects.toMatchObject({
      name: 'RecordDiverged',
      found: row,
    });
    await expect(stores.records.change({ ...newGame(), revision: 50, to: 'stopped' })).rejects.toMatchObject({
      name: 'RecordDiverged',
      found: null,
    });
    expect(await stores.records.find(row.gameId)).toEqual(row);
  });

  it('remembers the reply with the operation it answers', async () => {
    const row = await gameIn('running', stores);
    const { gameId, registrationId } = row;
    const key = { idempotencyKey: 'k1', requestHash: 'h1' };
    const operation = operationOn(row, { kind: 'stop', source: 'admin', key });
    const change = {
      gameId,
      registrationId,
      revision: 10,
      to: 'stopped' as const,
      operations: [operation],
      respond: ({ status, revision }: { status: string; revision: number }) => ({ status, revision }),
    };
    const remembered = {
      operationId: operation.operationId,
      requestHash: 'h1',
      outcome: 'success',
      errorCode: null,
      errorMessage: null,
      response: { status: 'stopped', revision: 10 },
    };
    expect(await stores.records.change(change)).toMatchObject({ applied: true });
    expect(await stores.operations.findByKey(gameId, 'stop', 'k1')).toEqual(remembered);
    const again = { ...change, respond: () => 'never asked' };
    expect(await stores.records.change(again)).toMatchObject({ applied: false });
    expect(await stores.operations.findByKey(gameId, 'stop', 'k1')).toEqual(remembered);
    expect(await stores.operations.findByKey(gameId, 'force', 'k1')).toBeNull();
  });

  it('leaves nothing behind when a part of it fails', async () => {
    const row = await gameIn('running', stores);
    const { gameId, registrationId } = row;
    const change = {
      gameId,
      registrationId,
      revision: 10,
      to: 'stopped' as const,
      operations: [operationOn(row)],
      // The same sequence number twice cannot be.
      events: [event(gameId, 1), event(gameId, 1)],
    };
    await expect(stores.records.change(change)).rejects.toMatchObject({ code: '23505' });
    expect(await stores.records.find(gameId)).toEqual(row);
    expect((await stores.operations.list(gameId, { limit: 1 })).operations).toEqual([]);
  });
});

describe('a change that depends on the record', () => {
  it('is decided on the record as it is, and once', async () => {
    const row = await gameIn('generation_in_progress', stores);
    const identity = { gameId: row.gameId, registrationId: row.registrationId, revision: 10 };
    const decide = jest.fn((found: typeof row) => ({
      to: 'stopped' as const,
      events: [{ ...event(row.gameId, 1), payload: { turn: String(found.currentTurn) } }],
    }));
    const results = await Promise.all(
      Array.from({ length: 5 }, () => stores.records.changeLocked(identity, decide)),
    );
    expect(results.filter(({ applied }) => applied)).toHaveLength(1);
    expect(decide).toHaveBeenCalledTimes(1);
    expect(decide).toHaveBeenCalledWith(row);
    expect(await stores.outbox.pending(row.gameId, 10)).toMatchObject([{ payload: { turn: '0' } }]);
  });

  it('can be decided against', async () => {
    const row = await gameIn('finished', stores);
    const identity = { gameId: row.gameId, registrationId: row.registrationId, revision: 10 };
    expect(await stores.records.changeLocked(identity, () => null)).toEqual({ applied: false, row });
    await expect(stores.records.changeLocked(identity, () => ({ to: 'stopped' }))).rejects.toBeInstanceOf(
      RecordDiverged,
    );
  });
});

describe('claiming a turn', () => {
  it('succeeds for one call of one operation', async () => {
    const { gameId, registrationId, revision } = await gameIn('generation_in_progress', stores);
    const identity = { gameId, registrationId, revision };
    const claims = await Promise.all(
      Array.from({ length: 10 }, () => stores.records.claimTurn(identity, 'operation-1')),
    );
    expect(claims.filter(Boolean)).toHaveLength(1);
    expect(await stores.records.claimTurn(identity, 'operation-1')).toBe(false);
  });

  it('is not given to an attempt of an earlier turn', async () => {
    const { gameId, registrationId, revision } = await gameIn('generation_in_progress', stores);
    const first = { gameId, registrationId, revision };
    const failed = { ...first, revision: revision + 1, to: 'generation_failed' as const };
    await stores.records.change(failed);
    const second = { ...first, revision: revision + 2 };
    await stores.records.change({ ...second, to: 'generation_in_progress' });
    expect(await stores.records.claimTurn(second, 'operation-2')).toBe(true);
    expect(await stores.records.claimTurn(first, 'operation-1')).toBe(false);
    expect(await stores.records.claimTurn(second, 'operation-2')).toBe(false);
  });
});

describe('listing', () => {
  it('pages through every record once, in order, also among equal times', async () => {
    const rows = await Promise.all(Array.from({ length: 23 }, () => gameIn('engine_unreachable', stores)));
    const ids = rows.map(({ gameId }) => gameId);
    // Groups of equal times that differ by a microsecond only.
    await stores.database.pool.query(
      `UPDATE gamemaster.runtime_records
       SET created_at = '2030-01-01T00:00:00.123456Z'::timestamptz
         + (array_position($1, game_id) / 5) * interval '1 microsecond'
       WHERE game_id = ANY($1)`,
      [ids],
    );
    const seen: string[] = [];
    let after: RuntimeCursor | undefined;
    do {
      const page = await stores.records.list({
        status: 'engine_unreachable',
        limit: 4,
        ...(after !== undefined && { after }),
      });
      expect(page.rows.length).toBeLessThanOrEqual(4);
      seen.push(...page.rows.map(({ gameId }) => gameId));
      after = page.next ?? undefined;
    } while (after !== undefined);

    const mine = seen.filter((id) => ids.includes(id));
    expect([...mine].sort()).toEqual([...ids].sort());
    const { rows: sorted } = await stores.database.pool.query<{ game_id: string }>(
      'SELECT game_id FROM gamemaster.runtime_records WHERE game_id = ANY($1) ORDER BY created_at, game_id',
      [ids],
    );
    expect(mine).toEqual(sorted.map(({ game_id }) => game_id));
  });

  it('says on the last page that it is the last, also when it is full', async () => {
    await Promise.all([gameIn('generation_failed', stores), gameIn('generation_failed', stores)]);
    const { rows } = await stores.records.list({ status: 'generation_failed', limit: 200 });
    expect(rows.length).toBeGreaterThan(1);
    const exact = await stores.records.list({ status: 'generation_failed', limit: rows.length });
    expect(exact).toEqual({ rows, next: null });
    const short = await stores.records.list({ status: 'generation_failed', limit: rows.length - 1 });
    expect(short.next).toMatchObject({ gameId: rows.at(-2)?.gameId });
  });

  it('lists all statuses when none is asked for', async () => {
    const { gameId } = await gameIn('finished', stores);
    const { rows } = await stores.records.list({ limit: 100_000 });
    expect(rows.map((row) => row.gameId)).toContain(gameId);
    expect(new Set(rows.map(({ status }) => status)).size).toBeGreaterThan(1);
  });
});
