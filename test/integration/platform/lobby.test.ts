/** Lobby on real servers, with a Game Master that fails as told. The real one: lobby-game-master.test.ts. */
import { fromStreamFields } from '../../../pkg/notificationintent/schemas';
import { ADMIN, as, Lobby } from '../../support/lobby';
import { stackAddresses, waitFor } from '../../support/stack';
import { TcpProxy } from '../../support/tcp-proxy';
import { TestGameMaster, type GameMasterReply } from '../../support/test-game-master';

type Json = Record<string, unknown>;

let gameMaster: TestGameMaster;
let redis: TcpProxy;
let postgres: TcpProxy;
let lobby: Lobby;

const START_TIMEOUT_S = 300;

beforeAll(async () => {
  gameMaster = await TestGameMaster.start();
  const through = await TcpProxy.before(stackAddresses().redisUrl);
  redis = through.proxy;
  const toPostgres = await TcpProxy.before(stackAddresses().postgresDsn);
  postgres = toPostgres.proxy;
  lobby = await Lobby.start({
    gameMasterUrl: gameMaster.baseUrl,
    postgresDsn: toPostgres.url,
    env: {
      LOBBY_REDIS_URL: through.url,
      LOBBY_REGISTER_ATTEMPTS: '2',
      LOBBY_START_TIMEOUT: `${START_TIMEOUT_S}s`,
    },
  });
});
beforeEach(() => {
  gameMaster.runtimeStatus = 'unregistered';
});
afterAll(async () => {
  await lobby.stop();
  await gameMaster.stop();
  await redis.close();
  await postgres.close();
});

const ENDPOINT = 'http://galaxy-game-orion:8080';

/** Says what became of the latest start job of the game. */
async function engineStarts(gameId: string, changes: Record<string, string> = {}): Promise<void> {
  const job = (await lobby.untilEntries('startJobs', gameId)).at(-1);
  await lobby.tell('jobResults', {
    job: 'start',
    game_id: gameId,
    requested_at_ms: job?.['requested_at_ms'] ?? '',
    outcome: 'success',
    container_id: 'c0ffee',
    engine_endpoint: ENDPOINT,
    error_code: '',
    error_message: '',
    ...changes,
  });
}

/** A game that has been started, and whose engine is up. */
async function startedGame(users?: string[]): Promise<string> {
  const gameId = await lobby.enrolledGame(users);
  await lobby.post(gameId, 'start');
  await engineStarts(gameId);
  return gameId;
}

async function runningGame(users?: string[]): Promise<string> {
  const gameId = await startedGame(users);
  await lobby.untilStatus(gameId, 'running');
  return gameId;
}

let events = 0;
function snapshot(gameId: string, changes: Json = {}, standings: Json[] = []): Promise<void> {
  const payload = {
    game_id: gameId,
    current_turn: 0,
    runtime_status: 'running',
    engine_health_summary: 'healthy',
    player_turn_stats: standings,
    occurred_at_ms: 1_773_424_802_117,
    ...changes,
  };
  return tellEvent('runtime_snapshot_update', payload);
}

function tellEvent(event_type: string, payload: Json): Promise<void> {
  const event_id = `event-${(events += 1)}`;
  return lobby.tell('lobbyEvents', { event_type, event_id, payload: JSON.stringify(payload) });
}

describe('enrolment', () => {
  const apply = (gameId: string, user: string, race_name: string) =>
    lobby.call('POST', `/api/v1/lobby/games/${gameId}/applications`, {
      headers: as(user),
      body: { race_name },
    });
  const codeOf = ({ status, body }: { status: number; body: Json }) => [
    status,
    (body['error'] as Json | undefined)?.['code'],
  ];

  test('a game belongs to who drafted it, and is led by them and by the administration only', async () => {
    const gameId = await lobby.createGame({}, as('olga'));
    const open = (headers: Record<string, string>) =>
      lobby.call('POST', `/api/v1/lobby/games/${gameId}/open-enrollment`, { headers });
    expect(codeOf(await open(as('eve')))).toEqual([403, 'forbidden']);
    expect(codeOf(await open({ ...as('eve'), ...ADMIN }))).toEqual([403, 'forbidden']);
    expect(codeOf(await open({ 'x-galaxy-caller': 'gateway' }))).toEqual([400, 'invalid_request']);
    expect((await open(as('olga'))).body).toMatchObject({ status: 'enrollment', owner_user_id: 'olga' });
  });

  test('a race is for whoever asks first, and free again when they are turned down', async () => {
    const gameId = await lobby.openGame();
    const first = await apply(gameId, 'ann', 'Zerg');
    expect(first.status).toBe(201);
    expect(codeOf(await apply(gameId, 'bob', 'Zerg'))).toEqual([409, 'race_name_taken']);
    expect(codeOf(await apply(gameId, 'ann', 'Terran'))).toEqual([409, 'conflict']);
    await lobby.post(gameId, `applications/${String(first.body['application_id'])}/reject`);
    expect((await apply(gameId, 'bob', 'Zerg')).status).toBe(201);
    expect(await lobby.members(gameId)).toEqual([]);
  });

  test('there are as many places as the game has, also when they are asked for at once', async () => {
    const gameId = await lobby.openGame({ max_players: 2 });
    const users = ['ann', 'bob', 'cid', 'dot', 'eve'];
    const applications = await Promise.all(users.map((user) => apply(gameId, user, `Race of ${user}`)));
    const approvals = await Promise.all(
      applications.map(({ body }) =>
        lobby.call(
          'POST',
          `/api/v1/lobby/games/${gameId}/applications/${String(body['application_id'])}/approve`,
        ),
      ),
    );
    expect(approvals.map(({ status }) => status).sort()).toEqual([200, 200, 409, 409, 409]);
    expect((await lobby.game(gameId))['active_players']).toBe(2);
  });

  test('an invite is for one person, who chooses the race', async () => {
    const gameId = await lobby.openGame();
    const { invite_id } = await lobby.post(gameId, 'invites', { user_id: 'bob' });
    const path = `/api/v1/lobby/games/${gameId}/invites/${String(invite_id)}/redeem`;
    const redeem = (user: string, race_name: string) =>
      lobby.call('POST', path, { headers: as(user), body: { race_name } });
    expect(codeOf(await redeem('eve', 'Zerg'))).toEqual([403, 'forbidden']);
    expect((await redeem('bob', 'Zerg')).body).toMatchObject({ status: 'redeemed', race_name: 'Zerg' });
    expect((await redeem('bob', 'Zerg')).status).toBe(200);
    expect(codeOf(await redeem('bob', 'Terran'))).toEqual([409, 'conflict']);
    expect(await lobby.members(gameId)).toMatchObject([
      { user_id: 'bob', race_name: 'Zerg', status: 'active' },
    ]);
  });

  test('whoever was removed may come back, whoever was blocked may not', async () => {
    const gameId = await lobby.enrolledGame(['ann', 'bob']);
    await lobby.post(gameId, 'members/ann/remove');
    await lobby.post(gameId, 'members/bob/block');
    await lobby.enrol(gameId, 'ann', 'Terran');
    expect(codeOf(await apply(gameId, 'bob', 'Zerg'))).toEqual([403, 'forbidden']);
    const { body } = await lobby.call('GET', `/api/v1/internal/games/${gameId}/memberships`);
    expect(body).toEqual({
      memberships: expect.arrayContaining([
        { user_id: 'ann', race_name: 'Terran', status: 'active' },
        { user_id: 'bob', race_name: 'Race of bob', status: 'blocked' },
      ]) as unknown,
    });
  });
});

describe('a start', () => {
  test('asks for an engine of the image that Game Master names, and registers the game when it is up', async () => {
    const gameId = await lobby.enrolledGame(['ann', 'bob']);
    expect(await lobby.post(gameId, 'start')).toMatchObject({ status: 'starting' });
    const [job] = await lobby.untilEntries('startJobs', gameId);
    expect(job).toEqual({
      game_id: gameId,
      image_ref: 'galaxy/engine:1.0.0',
      requested_at_ms: expect.stringMatching(/^\d{13}$/) as unknown,
    });
    await engineStarts(gameId);
    const game = await lobby.untilStatus(gameId, 'running');
    expect(game).toMatchObject({ status_reason: null, started_at: expect.any(String) as unknown });
    expect(gameMaster.calls('register-runtime', gameId)).toEqual([
      {
        call: 'register-runtime',
        gameId,
        key: `register:${gameId}:${job?.['requested_at_ms'] ?? ''}`,
        body: {
          engine_endpoint: ENDPOINT,
          members: [
            { user_id: 'ann', race_name: 'Race of ann' },
            { user_id: 'bob', race_name: 'Race of bob' },
          ],
          target_engine_version: '1.0.0',
          turn_schedule: '0 0 1 1 *',
        },
      },
    ]);
  });

  test.each<[string, GameMasterReply, number, string]>([
    ['cannot answer', [503, 'service_unavailable'], 503, 'service_unavailable'],
    ['breaks the connection', 'cut', 503, 'service_unavailable'],
    ['does not know the version', [404, 'engine_version_not_found'], 404, 'engine_version_not_found'],
    ['has it deprecated', [409, 'engine_version_deprecated'], 409, 'engine_version_deprecated'],
  ])('changes nothing when Game Master %s', async (_, reply, status, code) => {
    const gameId = await lobby.enrolledGame();
    gameMaster.replyNext('image-ref', reply);
    const answer = await lobby.call('POST', `/api/v1/lobby/games/${gameId}/start`);
    expect([answer.status, answer.body['error']]).toEqual([status, expect.objectContaining({ code })]);
    expect(await lobby.game(gameId)).toMatchObject({ status: 'enrollment' });
    await lobby.untilQuiet();
    expect(await lobby.entries('startJobs', gameId)).toEqual([]);
  });

  test('fails without a registration when there is no engine, and may be made again', async () => {
    const gameId = await lobby.enrolledGame();
    await lobby.post(gameId, 'start');
    const failure = {
      outcome: 'failure',
      error_code: 'start_config_invalid',
      error_message: 'no such image',
    };
    await engineStarts(gameId, failure);
    const failed = await lobby.untilStatus(gameId, 'start_failed');
    expect(failed['status_reason']).toBe('start_config_invalid');
    expect(gameMaster.calls('register-runtime', gameId)).toEqual([]);

    // It may look for more players first, and the first engine is nobody's meanwhile.
    await lobby.post(gameId, 'open-enrollment');
    await lobby.enrol(gameId, 'cid');
    await engineStarts(gameId);
    expect(await lobby.untilEntries('stopJobs', gameId)).toMatchObject([{ reason: 'orphan_cleanup' }]);
    const { application_id } = await lobby.post(gameId, 'applications', { race_name: 'Zerg' }, as('dot'));
    await lobby.post(gameId, 'start');
    const approval = `/api/v1/lobby/games/${gameId}/applications/${String(application_id)}/approve`;
    expect((await lobby.call('POST', approval)).body).toMatchObject({
      error: { code: 'conflict', message: 'cannot approve applications: the game is starting' },
    });
    const [first, second] = await lobby.untilEntries('startJobs', gameId, 2);
    // The first result again: it is not what is awaited now.
    await engineStarts(gameId, { ...failure, requested_at_ms: first?.['requested_at_ms'] ?? '' });
    await lobby.untilQuiet();
    expect(await lobby.game(gameId)).toMatchObject({ status: 'starting' });
    // Without `job` and `requested_at_ms` it is of the start under way.
    await lobby.tell('jobResults', {
      game_id: gameId,
      outcome: 'success',
      container_id: 'c0ffee',
      engine_endpoint: ENDPOINT,
      error_code: '',
      error_message: '',
    });
    await lobby.untilStatus(gameId, 'running');
    expect(gameMaster.calls('register-runtime', gameId)).toMatchObject([
      { key: `register:${gameId}:${second?.['requested_at_ms'] ?? ''}` },
    ]);
  });

  test.each<[string, GameMasterReply[]]>([
    ['engine_validation_error', [[422, 'engine_validation_error']]],
    ['engine_version_deprecated', [[409, 'engine_version_deprecated']]],
    [
      'engine_unreachable',
      [
        [502, 'engine_unreachable'],
        [502, 'engine_unreachable'],
      ],
    ],
  ])('that is refused with %s fails, and leaves no engine behind', async (code, replies) => {
    gameMaster.replyNext('register-runtime', ...replies);
    const gameId = await startedGame();
    expect((await lobby.untilStatus(gameId, 'start_failed'))['status_reason']).toBe(code);
    const [stop] = await lobby.untilEntries('stopJobs', gameId);
    const [start] = await lobby.entries('startJobs', gameId);
    expect(stop).toMatchObject({ game_id: gameId, reason: 'orphan_cleanup' });
    expect(Number(stop?.['requested_at_ms'])).toBeGreaterThan(Number(start?.['requested_at_ms']));
    expect(await lobby.entries('intents', gameId)).toEqual([]);
  });

  test('whose registration was answered by nobody is the same registration again', async () => {
    gameMaster.replyNext('register-runtime', 'cut');
    const gameId = await startedGame();
    await lobby.untilStatus(gameId, 'running');
    const [lost, again, ...more] = gameMaster.calls('register-runtime', gameId);
    expect(again).toEqual(lost);
    expect(more).toEqual([]);
  });

  test('whose game Game Master has already is a success', async () => {
    gameMaster.replyNext('register-runtime', [409, 'conflict']);
    gameMaster.runtimeStatus = 'generation_in_progress';
    const gameId = await startedGame();
    await lobby.untilStatus(gameId, 'running');
  });

  test('pauses the game when Game Master is away, tells the administrators, and goes on when it is resumed', async () => {
    const gameId = await lobby.enrolledGame();
    await lobby.post(gameId, 'start');
    const port = await gameMaster.goAway();
    await engineStarts(gameId);
    const paused = await lobby.untilStatus(gameId, 'paused');
    expect(paused['status_reason']).toBe('game_master_unavailable');
    const [intent] = await lobby.untilEntries('intents', gameId);
    expect(fromStreamFields(intent ?? {})).toMatchObject({
      notification_type: 'lobby.runtime_paused_after_start',
      payload: { game_id: gameId, game_name: 'Orion' },
    });
    const resume = () => lobby.call('POST', `/api/v1/lobby/games/${gameId}/resume`);
    expect((await resume()).status).toBe(503);
    expect(await lobby.game(gameId)).toMatchObject({ status: 'paused' });

    await gameMaster.comeBack(port);
    expect((await resume()).status).toBe(202);
    await lobby.untilStatus(gameId, 'running');
    const keys = gameMaster.calls('register-runtime', gameId).map(({ key }) => key);
    const [job] = await lobby.entries('startJobs', gameId);
    expect(keys).toEqual([`register:${gameId}:${job?.['requested_at_ms'] ?? ''}`]);
    expect(await lobby.entries('stopJobs', gameId)).toEqual([]);
  });

  test('that is not answered in time fails, and what comes up later is taken down', async () => {
    const gameId = await lobby.enrolledGame();
    await lobby.post(gameId, 'start');
    const ofDeadline = `FROM lobby.tasks WHERE game_id = '${gameId}' AND kind = 'give_up_start'`;
    const { rows } = await lobby.database.query<{ seconds: number }>(
      `SELECT extract(epoch FROM next_try_at - now())::float AS seconds ${ofDeadline}`,
    );
    expect(rows).toEqual([{ seconds: expect.any(Number) as number }]);
    expect(rows[0]?.seconds).toBeGreaterThan(START_TIMEOUT_S - 30);
    expect(rows[0]?.seconds).toBeLessThanOrEqual(START_TIMEOUT_S);

    await lobby.passDeadline(gameId);
    const failed = await lobby.untilStatus(gameId, 'start_failed');
    expect(failed['status_reason']).toBe('start_timed_out');
    const reasons = async (count: number) =>
      (await lobby.untilEntries('stopJobs', gameId, count)).map(({ reason }) => reason);
    expect(await reasons(1)).toEqual(['orphan_cleanup']);
    await engineStarts(gameId);
    expect(await reasons(2)).toEqual(['orphan_cleanup', 'orphan_cleanup']);
    expect(gameMaster.calls('register-runtime', gameId)).toEqual([]);

    await lobby.post(gameId, 'start');
    await lobby.untilEntries('startJobs', gameId, 2);
    await engineStarts(gameId);
    await lobby.untilStatus(gameId, 'running');
    expect((await lobby.database.query(`SELECT ${ofDeadline}`)).rows).toEqual([]);
  });

  test('whose answer came in time and could not be read yet is not given up', async () => {
    const gameId = await lobby.enrolledGame();
    await lobby.post(gameId, 'start');
    await lobby.untilEntries('startJobs', gameId);
    await redis.setMode('refuse');
    await engineStarts(gameId);
    await lobby.passDeadline(gameId);
    await waitFor(async () => {
      const { rows } = await lobby.database.query<{ attempts: number }>(
        `SELECT attempts FROM lobby.tasks WHERE game_id = $1 AND kind = 'give_up_start'`,
        [gameId],
      );
      return (rows[0]?.attempts ?? 0) > 0;
    });
    await redis.setMode('pass');
    await lobby.untilStatus(gameId, 'running');
    expect(await lobby.entries('stopJobs', gameId)).toEqual([]);
  });

  test('is given up: a result that comes late has its engine taken down', async () => {
    const gameId = await lobby.enrolledGame();
    await lobby.post(gameId, 'start');
    await lobby.post(gameId, 'cancel');
    await engineStarts(gameId);
    const stops = await lobby.untilEntries('stopJobs', gameId, 2);
    expect(stops.map(({ reason }) => reason)).toEqual(['cancelled', 'orphan_cleanup']);
    expect(await lobby.game(gameId)).toMatchObject({ status: 'cancelled', status_reason: 'on_request' });
    expect(gameMaster.calls('register-runtime', gameId)).toEqual([]);
  });
});

describe('a running game', () => {
  test('that is paused on request and runs at Game Master is resumed without a registration', async () => {
    const gameId = await runningGame();
    expect(await lobby.post(gameId, 'pause')).toMatchObject({
      status: 'paused',
      status_reason: 'on_request',
    });
    gameMaster.runtimeStatus = 'engine_unreachable';
    expect((await lobby.call('POST', `/api/v1/lobby/games/${gameId}/resume`)).status).toBe(409);
    gameMaster.runtimeStatus = 'running';
    expect(await lobby.post(gameId, 'resume')).toMatchObject({ status: 'running', status_reason: null });
    expect(gameMaster.calls('register-runtime', gameId)).toHaveLength(1);
  });

  test('that is cancelled is stopped at Game Master, however often that has to be tried', async () => {
    const gameId = await runningGame();
    gameMaster.replyNext('stop', [503, 'service_unavailable']);
    await lobby.post(gameId, 'cancel');
    await waitFor(() => gameMaster.calls('stop', gameId).length >= 2);
    await untilNoTask(gameId);
    const keys = gameMaster.calls('stop', gameId).map(({ key }) => key);
    expect([keys.length, new Set(keys).size]).toEqual([2, 2]);
  });

  test('that was played to its end before it was cancelled has its engine given back', async () => {
    const asked = await runningGame();
    gameMaster.replyNext('stop', [409, 'conflict']);
    gameMaster.runtimeStatus = 'finished';
    await lobby.post(asked, 'cancel');
    expect(await lobby.untilEntries('stopJobs', asked)).toMatchObject([{ reason: 'cancelled' }]);

    const told = await runningGame();
    await lobby.post(told, 'cancel');
    await untilNoTask(told);
    await tellEvent('game_finished', {
      game_id: told,
      final_turn_number: 2,
      runtime_status: 'finished',
      player_turn_stats: [],
      finished_at_ms: 1_773_424_902_117,
    });
    expect(await lobby.untilEntries('stopJobs', told)).toMatchObject([{ reason: 'finished' }]);
    expect(await lobby.game(told)).toMatchObject({ status: 'cancelled' });
  });

  test('shows what Game Master tells, sums up its turns, and ends with who is capable', async () => {
    const gameId = await runningGame(['ann', 'bob']);
    const standings = (ann: number, bob: number) => [
      { user_id: 'ann', planets: ann, population: 100 * ann },
      { user_id: 'bob', planets: bob, population: 100 * bob },
    ];
    await snapshot(gameId, {}, standings(1, 2));
    await snapshot(gameId, { current_turn: 1 }, standings(5, 2));
    await snapshot(
      gameId,
      { current_turn: 1, runtime_status: 'engine_unreachable', engine_health_summary: 'oom' },
      standings(5, 2),
    );
    await lobby.untilQuiet();
    expect(await lobby.game(gameId)).toMatchObject({
      status: 'running',
      runtime: {
        current_turn: 1,
        runtime_status: 'engine_unreachable',
        engine_health: 'oom',
        told_at: new Date(1_773_424_802_117).toISOString(),
      },
    });
    await tellEvent('game_finished', {
      game_id: gameId,
      final_turn_number: 2,
      runtime_status: 'finished',
      player_turn_stats: standings(3, 2),
      finished_at_ms: 1_773_424_902_117,
    });
    await lobby.untilStatus(gameId, 'finished');
    expect(await lobby.members(gameId)).toMatchObject([
      {
        user_id: 'ann',
        capable: true,
        stats: { planets: 3, population: 300, initial_planets: 1, max_planets: 5, max_population: 500 },
      },
      { user_id: 'bob', capable: false, stats: { planets: 2, initial_planets: 2, max_planets: 2 } },
    ]);
    expect(await lobby.untilEntries('stopJobs', gameId)).toMatchObject([{ reason: 'finished' }]);
  });

  test('that was stopped at Game Master is cancelled', async () => {
    const gameId = await runningGame();
    await snapshot(gameId, { runtime_status: 'stopped' });
    expect((await lobby.untilStatus(gameId, 'cancelled'))['status_reason']).toBe('runtime_stopped');
    expect(gameMaster.calls('stop', gameId)).toEqual([]);
  });

  test('of which nobody can make sense is put aside, and what comes after it is read', async () => {
    const gameId = await runningGame();
    await snapshot('no-such-game');
    await tellEvent('runtime_snapshot_update', { game_id: gameId });
    await lobby.tell('lobbyEvents', { event_type: 'surprise', event_id: 'x', payload: '{}' });
    await snapshot(gameId, { current_turn: 3_000_000_000 });
    // What the schema lets pass and Postgres does not.
    await lobby.database.query('ALTER TABLE lobby.games ADD CONSTRAINT no_13 CHECK (current_turn <> 13)');
    await snapshot(gameId, { current_turn: 13 });
    await snapshot(gameId, { current_turn: 7 });
    await waitFor(async () => ((await lobby.game(gameId))['runtime'] as Json)['current_turn'] === 7);
    const dead = await lobby.deadLetters('lobbyEvents');
    expect(dead).toHaveLength(4);
    expect(dead.at(-1)?.['reason']).toMatch(/^it cannot be stored: .*no_13/);
  });
});

async function tasksOf(gameId: string): Promise<string[]> {
  const select = 'SELECT kind FROM lobby.tasks WHERE game_id = $1';
  return (await lobby.database.query<{ kind: string }>(select, [gameId])).rows.map(({ kind }) => kind);
}

async function untilNoTask(gameId: string): Promise<void> {
  await waitFor(async () => (await tasksOf(gameId)).length === 0, {
    describe: 'no task to be left',
  });
}

describe('a member who is taken out', () => {
  test('stays out when Game Master cannot be told, which is logged and counted', async () => {
    const gameId = await lobby.enrolledGame(['ann', 'bob']);
    const failures = async () => {
      const metrics = await (await fetch(`${lobby.baseUrl}/metrics`)).text();
      return Number(/lobby_gm_invalidations_total{outcome="failure"} (\d+)/.exec(metrics)?.[1] ?? 0);
    };
    const before = await failures();
    gameMaster.replyNextAbout(gameId, 'invalidate', [503, 'service_unavailable'], 'hang');
    await lobby.post(gameId, 'members/ann/remove');
    await lobby.post(gameId, 'members/bob/block');
    expect((await lobby.members(gameId)).map(({ status }) => status)).toEqual(['removed', 'blocked']);
    expect(await failures()).toBe(before + 2);
    // It is not tried again.
    expect(await tasksOf(gameId)).toEqual([]);
    const warnings = () =>
      lobby.process.lines
        .map((line) => JSON.parse(line) as Json)
        .filter(({ level, game_id }) => level === 'warn' && game_id === gameId);
    await waitFor(() => warnings().length >= 2);
    expect(warnings()).toHaveLength(2);
  });

  test('of a running game is banished, whatever Game Master says first', async () => {
    const noes: GameMasterReply[] = [
      [409, 'conflict'],
      [422, 'engine_validation_error'],
      [429, 'too_many_requests'],
      [502, 'engine_unreachable'],
      [503, 'service_unavailable'],
    ];
    const games = await Promise.all(noes.map(() => runningGame(['ann', 'bob'])));
    // Each game has its own: a second attempt may come before another game's first.
    for (const [index, no] of noes.entries()) gameMaster.replyNextAbout(games[index] ?? '', 'banish', no);
    await Promise.all(games.map((gameId) => lobby.post(gameId, 'members/bob/remove')));
    await Promise.all(games.map(untilNoTask));
    for (const gameId of games) {
      const calls = gameMaster.calls('banish', gameId);
      expect(calls.map(({ body }) => body)).toEqual(Array(2).fill({ race_name: 'Race of bob' }));
      // Game Master remembers what it answered to a key, a failure too.
      expect(new Set(calls.map(({ key }) => key)).size).toBe(2);
    }
  });

  test('is banished under the same key again when nobody answered', async () => {
    const gameId = await runningGame(['ann', 'bob']);
    gameMaster.replyNext('banish', 'cut');
    await lobby.post(gameId, 'members/bob/remove');
    await untilNoTask(gameId);
    const [lost, again, ...more] = gameMaster.calls('banish', gameId);
    expect([again, more]).toEqual([lost, []]);
  });

  test.each<GameMasterReply>([
    [404, 'race_not_found'],
    [404, 'runtime_not_found'],
  ])('is not asked for again after %j', async (...reply) => {
    const gameId = await runningGame(['ann', 'bob']);
    gameMaster.replyNext('banish', reply as unknown as GameMasterReply);
    await lobby.post(gameId, 'members/bob/block');
    await untilNoTask(gameId);
    expect(gameMaster.calls('banish', gameId)).toHaveLength(1);
  });

  test('is let be when the game is over', async () => {
    const gameId = await runningGame(['ann', 'bob']);
    const noes = Array<GameMasterReply>(20).fill([503, 'service_unavailable']);
    gameMaster.replyNextAbout(gameId, 'banish', ...noes);
    await lobby.post(gameId, 'members/bob/remove');
    await waitFor(() => gameMaster.calls('banish', gameId).length > 0);
    await snapshot(gameId, { runtime_status: 'stopped' });
    await lobby.untilStatus(gameId, 'cancelled');
    await untilNoTask(gameId);
  });

  test('while the game is being registered is banished when it is', async () => {
    const gameId = await lobby.enrolledGame(['ann', 'bob']);
    gameMaster.replyNext('register-runtime', [429, 'too_many_requests']);
    await lobby.post(gameId, 'start');
    await engineStarts(gameId);
    await waitFor(() => gameMaster.calls('register-runtime', gameId).length > 0);
    await lobby.post(gameId, 'members/bob/remove');
    await lobby.untilStatus(gameId, 'running');
    await untilNoTask(gameId);
    const order = gameMaster.requests
      .filter((request) => request.gameId === gameId && ['register-runtime', 'banish'].includes(request.call))
      .map(({ call }) => call);
    expect(order).toEqual(['register-runtime', 'register-runtime', 'banish']);
  });
});

test('a user who leaves the platform leaves everything of theirs', async () => {
  const playing = await runningGame(['ann', 'leo']);
  const enrolling = await lobby.enrolledGame(['leo', 'bob']);
  const applied = await lobby.openGame();
  await lobby.post(applied, 'applications', { race_name: 'Zerg' }, as('leo'));
  await lobby.post(applied, 'invites', { user_id: 'leo' });
  const draft = await lobby.createGame({}, as('leo'));
  const owned = await lobby.openGame({}, as('leo'));
  await lobby.enrol(owned, 'ann');
  await lobby.post(owned, 'start');
  const ended = await lobby.enrolledGame(['leo']);
  await lobby.post(ended, 'cancel');
  const invalidations = () => gameMaster.calls('invalidate').map(({ gameId }) => gameId);
  const before = invalidations().length;

  await lobby.tell('userLifecycle', {
    event_type: 'user.permanently_blocked',
    event_id: 'leo-1',
    user_id: 'leo',
    occurred_at_ms: '1773424802117',
  });
  await waitFor(() => gameMaster.calls('banish', playing).length > 0);

  expect(await lobby.members(playing)).toMatchObject([
    { status: 'active' },
    { user_id: 'leo', status: 'blocked' },
  ]);
  expect(await lobby.members(enrolling)).toMatchObject([
    { user_id: 'leo', status: 'blocked' },
    { status: 'active' },
  ]);
  expect((await lobby.call('GET', `/api/v1/lobby/games/${applied}/applications`)).body).toMatchObject({
    applications: [{ status: 'rejected' }],
  });
  expect((await lobby.call('GET', `/api/v1/lobby/games/${applied}/invites`)).body).toMatchObject({
    invites: [{ status: 'revoked' }],
  });
  expect(await lobby.game(draft)).toMatchObject({ status: 'cancelled', status_reason: 'owner_left' });
  // Others have begun to play it.
  expect(await lobby.game(owned)).toMatchObject({ status: 'starting' });
  expect(await lobby.members(ended)).toMatchObject([{ status: 'active' }]);
  await waitFor(() => invalidations().length === before + 2);
  expect(invalidations().slice(before).sort()).toEqual([playing, enrolling].sort());
});

test('an entry that Lobby itself fails at is put aside, and what comes after it is read', async () => {
  const [damaged, well] = [await runningGame(['ann', 'zoe']), await lobby.enrolledGame(['kim'])];
  await lobby.database.query(`UPDATE lobby.games SET registration = '{}' WHERE game_id = $1`, [damaged]);
  const leaves = (user_id: string) =>
    lobby.tell('userLifecycle', {
      event_type: 'user.deleted',
      event_id: `${user_id}-1`,
      user_id,
      occurred_at_ms: '1773424802117',
    });
  await leaves('zoe');
  await leaves('kim');
  await waitFor(async () => (await lobby.members(well))[0]?.['status'] === 'removed');
  // Nothing of it has happened.
  expect(await lobby.members(damaged)).toMatchObject([{ status: 'active' }, { status: 'active' }]);
  expect(await lobby.deadLetters('userLifecycle')).toMatchObject([
    { user_id: 'zoe', reason: expect.stringMatching(/^it cannot be taken in: TypeError/) as string },
  ]);
  const isTold = (line: string): boolean =>
    line.includes('"level":"error"') && line.includes('an entry cannot be taken in');
  await waitFor(() => lobby.process.lines.some(isTold));
});

test('Postgres goes away and comes back: what was told meanwhile is taken in by the same process', async () => {
  const gameId = await lobby.enrolledGame();
  await lobby.post(gameId, 'start');
  await lobby.untilEntries('startJobs', gameId);
  await postgres.setMode('refuse');
  await engineStarts(gameId);
  expect((await lobby.call('GET', `/api/v1/lobby/games/${gameId}`)).status).toBe(503);
  await postgres.setMode('pass');
  await lobby.untilStatus(gameId, 'running');
  expect(lobby.process.ended).toBe(false);
});

describe('killed', () => {
  test('before its job was sent, it is sent by the next process', async () => {
    const gameId = await lobby.enrolledGame();
    await redis.setMode('refuse');
    await lobby.post(gameId, 'start');
    await lobby.restart(() => redis.setMode('pass'));
    await engineStarts(gameId);
    await lobby.untilStatus(gameId, 'running');
    // One whose answer got lost may stand there twice.
    const jobs = (await lobby.entries('startJobs', gameId)).map((job) => JSON.stringify(job));
    expect(new Set(jobs).size).toBe(1);
  });

  test('before the result of its job came, the next process reads it, once', async () => {
    const gameId = await lobby.enrolledGame();
    await lobby.post(gameId, 'start');
    await lobby.untilEntries('startJobs', gameId);
    await lobby.restart(async () => {
      await engineStarts(gameId);
      await engineStarts(gameId);
      await snapshot(gameId, { current_turn: 3 });
    });
    await lobby.untilStatus(gameId, 'running');
    await lobby.restart();
    await lobby.untilQuiet();
    expect(await lobby.game(gameId)).toMatchObject({ status: 'running', runtime: { current_turn: 3 } });
    expect(gameMaster.calls('register-runtime', gameId).length).toBeLessThanOrEqual(1);
  });

  test('while it registers a game, the next process repeats the same registration', async () => {
    gameMaster.replyNext('register-runtime', 'hang');
    const gameId = await startedGame();
    await waitFor(() => gameMaster.calls('register-runtime', gameId).length === 1);
    await lobby.restart();
    await lobby.untilStatus(gameId, 'running');
    const [lost, again] = gameMaster.calls('register-runtime', gameId);
    expect(again).toEqual(lost);
  });

  test('while it has a race banished, the next process goes on', async () => {
    const gameId = await runningGame(['ann', 'bob']);
    gameMaster.replyNext('banish', 'hang');
    await lobby.post(gameId, 'members/bob/remove');
    await waitFor(() => gameMaster.calls('banish', gameId).length === 1);
    await lobby.restart();
    await untilNoTask(gameId);
    const [lost, again] = gameMaster.calls('banish', gameId);
    expect(again).toEqual(lost);
  });

  test('before Game Master has heard that a member was taken out, the next process tells it, once', async () => {
    const gameId = await lobby.enrolledGame(['ann', 'bob']);
    const before = gameMaster.calls('invalidate', gameId).length;
    gameMaster.replyNextAbout(gameId, 'invalidate', 'hang', [503, 'service_unavailable']);
    const cutOff = lobby.post(gameId, 'members/bob/remove').catch(() => undefined);
    await waitFor(() => gameMaster.calls('invalidate', gameId).length > before);
    await lobby.restart(async () => {
      expect(await tasksOf(gameId)).toEqual(['invalidate']);
    });
    await cutOff;
    // Not yet due: its process might have been slow only.
    await lobby.database.query(`UPDATE lobby.tasks SET next_try_at = now() WHERE game_id = $1`, [gameId]);
    await untilNoTask(gameId);
    expect(gameMaster.calls('invalidate', gameId)).toHaveLength(before + 2);
  });

  test('beside another process, that one takes over', async () => {
    const second = await lobby.addProcess();
    try {
      const gameId = await lobby.enrolledGame();
      await lobby.post(gameId, 'start');
      await lobby.untilEntries('startJobs', gameId);
      await lobby.process.crash();
      await engineStarts(gameId);
      await waitFor(() => gameMaster.calls('register-runtime', gameId).length === 1);
    } finally {
      await lobby.restart();
      await second.stop();
    }
  });
});

test('a leader that hangs loses the lead to another process, and stands by when it goes on', async () => {
  const isLeading = async ({ baseUrl }: { baseUrl: string }) =>
    (await (await fetch(`${baseUrl}/metrics`)).text()).includes('lobby_leading 1');
  // Before there is another one that could.
  await waitFor(() => isLeading(lobby), { describe: 'the first process to lead' });
  const second = await lobby.addProcess();
  try {
    const gameId = await lobby.enrolledGame();
    await lobby.post(gameId, 'start');
    await lobby.untilEntries('startJobs', gameId);
    lobby.process.kill('SIGSTOP');
    await engineStarts(gameId);
    await waitFor(() => gameMaster.calls('register-runtime', gameId).length > 0);
    lobby.process.kill('SIGCONT');
    await waitFor(async () => !(await isLeading(lobby)), { describe: 'the first process to stand by' });
    await lobby.untilStatus(gameId, 'running');
    expect(await isLeading(second)).toBe(true);
    expect(gameMaster.calls('register-runtime', gameId)).toHaveLength(1);
    expect(await lobby.entries('startJobs', gameId)).toHaveLength(1);
  } finally {
    lobby.process.kill('SIGCONT');
    await second.stop();
  }
});
