import { randomUUID } from 'node:crypto';
import { hashOfRequest } from '../../../api/request-hash';
import type { CallKind } from '../../../workflows/messages';
import { freshGameId } from '../../support/stack';
import { API, FrontDoor, REGISTRATION, type Reply } from './front-door';

describe('what the record and the log rule out needs no Temporal', () => {
  let door: FrontDoor;
  beforeAll(async () => {
    door = await FrontDoor.open({ GAMEMASTER_TEMPORAL_ADDRESS: '127.0.0.1:1' });
    await door.createVersion();
  });
  afterAll(() => door.close());

  const told = ({ status, body }: Reply) => [status, (body['error'] as { code: string }).code];

  test('operations on games that are unknown or over', async () => {
    const [stopped, finished] = [freshGameId(), freshGameId()];
    await door.insertGame(stopped, 'stopped');
    await door.insertGame(finished, 'finished');
    expect(told(await door.force('nobody'))).toEqual([404, 'runtime_not_found']);
    expect(told(await door.stop('nobody'))).toEqual([404, 'runtime_not_found']);
    for (const game of [stopped, finished]) {
      expect(told(await door.force(game))).toEqual([409, 'conflict']);
      expect(told(await door.stop(game))).toEqual([409, 'conflict']);
      expect(told(await door.register(game))).toEqual([409, 'conflict']);
    }
  });

  test('registrations with a version that cannot be used', async () => {
    await door.call('POST', `${API}/engine-versions`, {
      body: { version: '0.9.0', image_ref: 'engine:0.9.0' },
    });
    await door.database.pool.query(
      `UPDATE gamemaster.engine_versions SET status = 'deprecated' WHERE version = '0.9.0'`,
    );
    const withVersion = (target_engine_version: string) =>
      door.register(freshGameId(), {}, { target_engine_version });
    expect(told(await withVersion('0.9.0'))).toEqual([409, 'engine_version_deprecated']);
    expect(told(await withVersion('0.9.1'))).toEqual([404, 'engine_version_not_found']);
  });

  async function remember(
    kind: CallKind,
    game: string,
    key: string,
    body: unknown,
    outcome: { response: object } | { code: string; message: string },
  ): Promise<void> {
    const failed = 'code' in outcome;
    await door.database.pool.query(
      `INSERT INTO gamemaster.operation_log (operation_id, game_id, kind, outcome, error_code, error_message,
         idempotency_key, request_hash, response, started_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, now())`,
      [
        randomUUID(),
        game,
        kind,
        failed ? 'failure' : 'success',
        failed ? outcome.code : null,
        failed ? outcome.message : null,
        key,
        hashOfRequest(kind, body),
        failed ? null : JSON.stringify(outcome.response),
      ],
    );
  }

  const record = (game: string, status: string) => ({
    game_id: game,
    status,
    engine_endpoint: 'http://galaxy-game-1',
    current_image_ref: 'engine:1.0.0',
    current_engine_version: '1.0.0',
    turn_schedule: '0 18 * * *',
    current_turn: 3,
    next_generation_at: null,
    skip_next_tick: false,
    engine_health: 'healthy',
    created_at: '2026-03-01T09:30:00.000Z',
    updated_at: '2026-03-01T09:30:00.000Z',
    started_at: null,
    stopped_at: null,
    finished_at: null,
  });

  test('a remembered key is answered with its reply, whatever the game is now', async () => {
    const game = freshGameId();
    await door.insertGame(game, 'finished');
    const key = { 'idempotency-key': 'again' };
    await remember('register', game, 'again', REGISTRATION, { response: record(game, 'running') });
    await remember('force', game, 'again', {}, { response: record(game, 'running') });
    await remember('stop', game, 'again', { reason: 'over' }, { response: record(game, 'stopped') });
    const replies = [await door.register(game, key), await door.force(game, key), await door.stop(game, key)];
    expect(replies.map(({ status }) => status)).toEqual([201, 200, 200]);
    expect(replies.map(({ body }) => body)).toEqual([
      record(game, 'running'),
      record(game, 'running'),
      record(game, 'stopped'),
    ]);
    for (const { headers } of replies) expect(headers.get('idempotency-key')).toBe('again');
  });

  test('however the body is written, it is the same body', async () => {
    const game = freshGameId();
    await remember('register', game, 'order', REGISTRATION, { response: record(game, 'running') });
    const { turn_schedule, members, ...rest } = REGISTRATION;
    const turned = members.map(({ user_id, race_name }) => ({ race_name, user_id }));
    const headers = { 'idempotency-key': 'order' };
    const body = { turn_schedule, members: turned, ...rest };
    expect((await door.call('POST', `${API}/games/${game}/register-runtime`, { body, headers })).status).toBe(
      201,
    );
  });

  test('a remembered failure is answered again', async () => {
    const game = freshGameId();
    await remember(
      'force',
      game,
      'failed',
      {},
      { code: 'turn_mismatch', message: 'the engine is at turn 7' },
    );
    const { status, body } = await door.force(game, { 'idempotency-key': 'failed' });
    expect([status, body]).toEqual([
      502,
      { error: { code: 'turn_mismatch', message: 'the engine is at turn 7' } },
    ]);
  });

  test('a remembered key with another body is a conflict', async () => {
    const game = freshGameId();
    await door.insertGame(game);
    await remember('stop', game, 'mine', { reason: 'over' }, { response: record(game, 'stopped') });
    const { status, body } = await door.stop(game, { 'idempotency-key': 'mine' }, 'something else');
    expect([status, body]).toMatchObject([409, { error: { code: 'conflict' } }]);
    expect((body['error'] as { message: string }).message).toContain('Idempotency-Key');
  });

  test('a key belongs to one game and one kind of operation', async () => {
    const [one, other] = [freshGameId(), freshGameId()];
    await door.insertGame(one, 'stopped');
    await remember('stop', one, 'mine', { reason: 'over' }, { response: record(one, 'stopped') });
    expect(told(await door.stop(other, { 'idempotency-key': 'mine' }))).toEqual([404, 'runtime_not_found']);
    expect(told(await door.force(one, { 'idempotency-key': 'mine' }))).toEqual([409, 'conflict']);
  });
});
