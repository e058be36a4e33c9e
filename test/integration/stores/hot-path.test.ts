import { HotPathStore } from '../../../stores/hot-path';
import { migrate } from '../../../stores/migrate';
import { openDatabase, type Database, type Statement } from '../../../stores/postgres';
import { freshDatabase } from '../../support/stack';

let database: Database;
let drop: () => Promise<void>;
let store: HotPathStore;
/** How many questions each statement asked. */
let statements: number[];

beforeAll(async () => {
  const fresh = await freshDatabase();
  drop = fresh.drop;
  const quiet = (): void => undefined;
  await migrate(fresh.dsn, { info: quiet, warn: quiet, error: quiet });
  database = openDatabase({
    dsn: fresh.dsn,
    poolSize: 4,
    queryTimeoutMs: 30_000,
    connectTimeoutMs: 30_000,
    applicationName: 'test',
    onPoolError: quiet,
  });
  await database.pool.query(`
    INSERT INTO gamemaster.runtime_records (game_id, registration_id, revision, status, engine_endpoint,
      current_image_ref, current_engine_version, turn_schedule)
    SELECT 'game-' || n, 'run', 2, CASE n % 2 WHEN 0 THEN 'running' ELSE 'stopped' END, 'http://engine-' || n,
      'engine:1.0.0', '1.0.0', '0 18 * * *' FROM generate_series(1, 20) n`);
  await database.pool.query(`
    INSERT INTO gamemaster.player_mappings
    SELECT 'game-' || n, 'ann', 'Race ' || n, gen_random_uuid() FROM generate_series(1, 20) n`);
});
beforeEach(() => {
  statements = [];
  const run = database.run.bind(database);
  jest.spyOn(database, 'run').mockImplementation((statement: Statement, values: readonly unknown[]) => {
    if (Array.isArray(values[0])) statements.push(values[0].length);
    return run(statement, values);
  });
  store = new HotPathStore(database);
});
afterEach(() => jest.restoreAllMocks());
afterAll(async () => {
  await database.close();
  await drop();
});

test('tells a player, a stranger and an unknown game apart', async () => {
  expect(await store.view('game-2', 'ann')).toEqual({
    status: 'running',
    engineEndpoint: 'http://engine-2',
    membershipEpoch: 0,
    raceName: 'Race 2',
  });
  expect(await store.view('game-3', 'bob')).toMatchObject({ status: 'stopped', raceName: null });
  expect(await store.view('game-99', 'ann')).toBeNull();
});

test('questions that come together share a statement, and each gets its own answer', async () => {
  const asked = Array.from({ length: 40 }, (_value, index) => `game-${index + 1}`);
  const views = await Promise.all(asked.map((game) => store.view(game, 'ann')));
  expect(views.map((view) => view?.raceName)).toEqual(
    asked.map((_game, index) => (index < 20 ? `Race ${index + 1}` : undefined)),
  );
  expect(statements).toEqual([40]);
});

test('the same question asked twice at once is answered twice', async () => {
  const [one, two] = await Promise.all([store.view('game-2', 'ann'), store.view('game-2', 'ann')]);
  expect(one).toEqual(two);
  expect(one?.raceName).toBe('Race 2');
});

test('more than one statement takes are asked with the next', async () => {
  const views = await Promise.all(Array.from({ length: 1_300 }, () => store.view('game-4', 'ann')));
  expect(new Set(views.map((view) => view?.raceName))).toEqual(new Set(['Race 4']));
  expect(statements).toEqual([500, 500, 300]);
});

test('one that the server takes offence at fails alone', async () => {
  const answers = await Promise.allSettled([
    store.view('game-2', 'ann'),
    store.view('game-\u0000', 'ann'),
    store.view('game-4', 'ann'),
  ]);
  expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
});

test('no answer is older than its question, whatever else is under way', async () => {
  for (let epoch = 1; epoch <= 30; epoch += 1) {
    const noise = Array.from({ length: 20 }, () => store.view('game-2', 'ann'));
    await store.raiseMembershipEpoch('game-2');
    expect(await store.view('game-2', 'ann')).toMatchObject({ membershipEpoch: epoch });
    await Promise.all(noise);
  }
});

test('the epoch of an unknown game is nothing to raise', async () => {
  await store.raiseMembershipEpoch('game-99');
  expect(await store.view('game-99', 'ann')).toBeNull();
});

test('without the server every question fails, and later ones are asked again', async () => {
  const lonely = openDatabase({
    dsn: 'postgres://nobody@127.0.0.1:1/nothing',
    poolSize: 2,
    queryTimeoutMs: 1_000,
    connectTimeoutMs: 1_000,
    applicationName: 'test',
    onPoolError: () => undefined,
  });
  const nowhere = new HotPathStore(lonely);
  for (let round = 0; round < 2; round += 1) {
    const answers = await Promise.allSettled([nowhere.view('a', 'b'), nowhere.view('c', 'd')]);
    for (const answer of answers) {
      expect(answer).toMatchObject({ status: 'rejected', reason: { name: 'StoreUnavailable' } });
    }
  }
  await lonely.close();
});
