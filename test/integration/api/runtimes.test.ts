import { API, FrontDoor, type Reply } from './front-door';

let door: FrontDoor;
beforeAll(async () => {
  door = await FrontDoor.open();
});
afterAll(() => door.close());
beforeEach(() => door.database.pool.query('DELETE FROM gamemaster.runtime_records'));

interface Game {
  id: string;
  status?: string;
  createdAt?: string;
  columns?: Record<string, unknown>;
}

async function insert({
  id,
  status = 'running',
  createdAt = '2026-03-01T09:30:00.000001Z',
  columns = {},
}: Game) {
  const row = {
    game_id: id,
    registration_id: `run-${id}`,
    revision: 2,
    status,
    engine_endpoint: `http://galaxy-game-${id}:8080`,
    current_image_ref: 'engine:1.0.0',
    current_engine_version: '1.0.0',
    turn_schedule: '0 18 * * *',
    created_at: createdAt,
    ...columns,
  };
  const names = Object.keys(row);
  await door.database.pool.query(
    `INSERT INTO gamemaster.runtime_records (${names.join(', ')})
     VALUES (${names.map((_name, index) => `$${index + 1}`).join(', ')})`,
    Object.values(row),
  );
}

const get = (id: string) => door.call('GET', `${API}/runtimes/${id}`);
const idsOf = ({ body }: Reply) => (body['runtimes'] as { game_id: string }[]).map(({ game_id }) => game_id);

describe('one game', () => {
  test('is shown with all of its fields', async () => {
    await insert({
      id: 'orion',
      columns: {
        current_turn: 12,
        next_generation_at: '2999-03-14T18:00:00Z',
        started_at: '2026-03-01T09:30:01Z',
        updated_at: '2026-03-13T18:00:00Z',
      },
    });
    const { status, body } = await get('orion');
    expect(status).toBe(200);
    expect(body).toEqual({
      game_id: 'orion',
      status: 'running',
      engine_endpoint: 'http://galaxy-game-orion:8080',
      current_image_ref: 'engine:1.0.0',
      current_engine_version: '1.0.0',
      turn_schedule: '0 18 * * *',
      current_turn: 12,
      next_generation_at: '2999-03-14T18:00:00.000Z',
      skip_next_tick: false,
      engine_health: 'healthy',
      created_at: '2026-03-01T09:30:00.000Z',
      updated_at: '2026-03-13T18:00:00.000Z',
      started_at: '2026-03-01T09:30:01.000Z',
      stopped_at: null,
      finished_at: null,
    });
  });

  test('skips its next tick until that has passed, and expects none when it does not run', async () => {
    await insert({
      id: 'skips',
      columns: { skipped_tick_at: '2999-01-01T00:00:00Z', next_generation_at: '2999-01-02T00:00:00Z' },
    });
    await insert({ id: 'skipped', columns: { skipped_tick_at: '2026-01-01T00:00:00Z' } });
    await insert({
      id: 'failed',
      status: 'generation_failed',
      columns: { next_generation_at: '2999-01-02T00:00:00Z' },
    });
    expect((await get('skips')).body).toMatchObject({
      skip_next_tick: true,
      next_generation_at: '2999-01-02T00:00:00.000Z',
    });
    expect((await get('skipped')).body).toMatchObject({ skip_next_tick: false });
    expect((await get('failed')).body).toMatchObject({ next_generation_at: null });
  });

  test('is not found when it is not registered', async () => {
    const { status, body } = await get('nobody');
    expect([status, body]).toEqual([
      404,
      { error: { code: 'runtime_not_found', message: 'game nobody is not registered' } },
    ]);
  });
});

describe('the list', () => {
  const page = (query: string) => door.call('GET', `${API}/runtimes${query}`);

  /** Follows the cursors to the end. */
  async function all(query: string, limit: number): Promise<string[][]> {
    const pages: string[][] = [];
    let cursor: unknown = '';
    do {
      const reply = await page(`?limit=${limit}${query}${cursor === '' ? '' : `&cursor=${String(cursor)}`}`);
      expect(reply.status).toBe(200);
      pages.push(idsOf(reply));
      cursor = reply.body['next_cursor'];
    } while (cursor !== null);
    return pages;
  }

  test('is empty without games', async () => {
    expect((await page('')).body).toEqual({ runtimes: [], next_cursor: null });
  });

  test('goes by creation, then by id, over all pages, also within one millisecond', async () => {
    for (const id of ['e', 'c', 'a']) await insert({ id, createdAt: '2026-03-01T09:30:00.000300Z' });
    await insert({ id: 'd', createdAt: '2026-03-01T09:30:00.000299Z' });
    await insert({ id: 'b', createdAt: '2026-03-01T09:30:00.000301Z' });
    for (const limit of [1, 2, 3, 4, 5, 200]) {
      const pages = await all('', limit);
      expect(pages.flat()).toEqual(['d', 'a', 'c', 'e', 'b']);
      expect(pages).toHaveLength(Math.ceil(5 / limit));
    }
  });

  test('can be of one status', async () => {
    for (const [index, status] of ['running', 'stopped', 'running', 'finished', 'running'].entries()) {
      await insert({ id: `${status}-${index}`, status });
    }
    expect(await all('&status=running', 2)).toEqual([['running-0', 'running-2'], ['running-4']]);
    expect(await all('&status=starting', 2)).toEqual([[]]);
  });

  test('neither misses nor repeats a game when others come and go between pages', async () => {
    for (const id of ['a', 'b', 'c', 'd']) await insert({ id });
    const first = await page('?limit=2');
    await door.database.pool.query(`DELETE FROM gamemaster.runtime_records WHERE game_id = 'b'`);
    await insert({ id: 'aa' });
    const second = await page(`?limit=2&cursor=${String(first.body['next_cursor'])}`);
    expect([idsOf(first), idsOf(second)]).toEqual([
      ['a', 'b'],
      ['c', 'd'],
    ]);
  });

  test('gives 50 a page unless asked otherwise', async () => {
    for (let index = 0; index < 51; index += 1) await insert({ id: `game-${index}` });
    expect(idsOf(await page(''))).toHaveLength(50);
    expect(idsOf(await page('?limit=51'))).toHaveLength(51);
  });

  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const at = '2026-03-01T09:30:00.000001Z';
  test.each([
    ['no JSON', 'AAAA'],
    ['no list', encode({ at })],
    ['another list', encode(['operations', at, 'a'])],
    ['too little', encode(['runtimes', at])],
    ['too much', encode(['runtimes', at, 'a', 'b'])],
    ['a number', encode(['runtimes', at, 7])],
    ['no time', encode(['runtimes', 'yesterday', 'a'])],
    ['a time without microseconds', encode(['runtimes', '2026-03-01T09:30:00Z', 'a'])],
    ['a day that does not exist', encode(['runtimes', '2026-02-30T09:30:00.000001Z', 'a'])],
    ['a year that does not exist', encode(['runtimes', '0000-03-01T09:30:00.000001Z', 'a'])],
    ['a game that cannot be', encode(['runtimes', at, 'a b'])],
    ['NUL', encode(['runtimes', at, '\u0000'])],
  ])('refuses a cursor of %s', async (_what, cursor) => {
    const { status, body } = await page(`?cursor=${cursor}`);
    expect([status, body]).toMatchObject([400, { error: { code: 'invalid_request' } }]);
  });
});

test('requests are counted by operation and status, without the game', async () => {
  await get('nobody');
  await door.call('GET', '/nothing/here');
  const text = await door.metrics.registry.metrics();
  expect(text).toMatch(/_count\{operation="internalGetRuntime",status="404"\} \d+/);
  expect(text).toMatch(/_count\{operation="none",status="404"\} \d+/);
  expect(text).not.toContain('nobody');
});
