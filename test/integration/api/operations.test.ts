import { randomUUID } from 'node:crypto';
import { freshGameId } from '../../support/stack';
import { API, FrontDoor, type Reply } from './front-door';

let door: FrontDoor;
beforeAll(async () => {
  door = await FrontDoor.open();
});
afterAll(() => door.close());

interface Logged {
  operation_id: string;
  kind: string;
}

/** Puts `count` turns into the log of the game, and returns their ids, newest first. */
async function logTurns(game: string, count: number): Promise<string[]> {
  const ids = Array.from({ length: count }, () => randomUUID());
  await door.database.pool.query(
    `INSERT INTO gamemaster.operation_log (operation_id, game_id, kind, source, outcome, started_at)
     SELECT id, $1, 'turn', 'scheduler', 'success', now()
     FROM unnest($2::uuid[]) WITH ORDINALITY AS row(id, position) ORDER BY position`,
    [game, ids],
  );
  return ids.reverse();
}

const list = (game: string, query = '') => door.call('GET', `${API}/runtimes/${game}/operations${query}`);
const idsOf = ({ body }: Reply) => (body['operations'] as Logged[]).map(({ operation_id: id }) => id);

test('an operation is shown with all of its fields', async () => {
  const game = freshGameId();
  const id = randomUUID();
  await door.database.pool.query(
    `INSERT INTO gamemaster.operation_log (operation_id, game_id, registration_id, kind, source, actor, status_from,
       status_to, outcome, error_code, error_message, idempotency_key, request_hash, started_at, finished_at)
     VALUES ($1, $2, 'run', 'force', 'admin', 'Jo', 'generation_in_progress', 'generation_failed', 'failure',
       'turn_mismatch', 'elsewhere', 'key', 'hash', '2026-03-02T18:00:00.021Z', '2026-03-02T18:00:31.5Z')`,
    [id, game],
  );
  const { status, body } = await list(game);
  expect([status, body]).toEqual([
    200,
    {
      operations: [
        {
          operation_id: id,
          game_id: game,
          kind: 'force',
          source: 'admin',
          actor: 'Jo',
          status_from: 'generation_in_progress',
          status_to: 'generation_failed',
          outcome: 'failure',
          error_code: 'turn_mismatch',
          error_message: 'elsewhere',
          started_at: '2026-03-02T18:00:00.021Z',
          finished_at: '2026-03-02T18:00:31.500Z',
        },
      ],
      next_cursor: null,
    },
  ]);
});

test('pages hold every operation once, newest first, also when more come in between', async () => {
  const game = freshGameId();
  const ids = await logTurns(game, 25);
  const seen: string[] = [];
  let query = '?limit=10';
  for (let page = 1; query !== ''; page += 1) {
    const reply = await list(game, query);
    seen.push(...idsOf(reply));
    const { next_cursor: next } = reply.body;
    expect(typeof next === 'string').toBe(page < 3);
    query = typeof next === 'string' ? `?limit=10&cursor=${next}` : '';
    if (page === 1) await logTurns(game, 3);
  }
  expect(seen).toEqual(ids);
});

test('a page that is just full is the last one', async () => {
  const game = freshGameId();
  await logTurns(game, 10);
  const { body } = await list(game, '?limit=10');
  expect(body['next_cursor']).toBeNull();
  expect(body['operations']).toHaveLength(10);
});

test('there are 50 on a page where nothing is said, and 200 at most', async () => {
  const game = freshGameId();
  await logTurns(game, 201);
  expect(idsOf(await list(game))).toHaveLength(50);
  expect(idsOf(await list(game, '?limit=200'))).toHaveLength(200);
  expect((await list(game, '?limit=201')).status).toBe(400);
});

test('a game has its own operations only', async () => {
  const [one, other] = [freshGameId(), freshGameId()];
  const [mine] = [await logTurns(one, 2), await logTurns(other, 3)];
  expect(idsOf(await list(one))).toEqual(mine);
});

test('a cursor of another list is refused', async () => {
  const [one, other] = [freshGameId(), freshGameId()];
  await logTurns(one, 3);
  await logTurns(other, 3);
  const { body } = await list(one, '?limit=1');
  const cursor = String(body['next_cursor']);
  const cursors = [
    cursor,
    ...['0', '-1', '1.5', '1e3', '9'.repeat(16), ''].map((position) =>
      Buffer.from(JSON.stringify([`operations of ${other}`, position])).toString('base64url'),
    ),
    Buffer.from(JSON.stringify([`operations of ${other}`])).toString('base64url'),
  ];
  for (const refused of cursors) {
    const reply = await list(other, `?cursor=${refused}`);
    expect([reply.status, reply.body]).toMatchObject([400, { error: { code: 'invalid_request' } }]);
  }
  await door.insertGame(other);
  const last = Buffer.from(JSON.stringify([`operations of ${other}`, '1'])).toString('base64url');
  expect((await list(other, `?cursor=${last}`)).status).toBe(200);
});

test('a game that nobody knows is not found; one with a record or a failed registration is', async () => {
  const unknown = await list(freshGameId());
  expect([unknown.status, unknown.body]).toMatchObject([404, { error: { code: 'runtime_not_found' } }]);
  const game = freshGameId();
  await door.insertGame(game);
  const empty = await list(game);
  expect([empty.status, empty.body]).toEqual([200, { operations: [], next_cursor: null }]);
});
