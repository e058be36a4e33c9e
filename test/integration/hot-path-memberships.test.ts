import { API } from './api/front-door';
import { outcomeOf, PATIENT, PlayersGround } from '../support/players-ground';
import type { LobbyFault } from '../support/test-lobby';
import { waitFor } from '../support/wait-for';

describe('members are remembered', () => {
  let ground: PlayersGround;
  beforeAll(async () => {
    ground = await PlayersGround.open(PATIENT);
  });
  afterAll(() => ground.close());

  test('200 calls that find nothing remembered make one call to Lobby', async () => {
    const game = await ground.game();
    const release = ground.lobby.hold();
    const calls = Promise.all(Array.from({ length: 200 }, () => ground.report(game, 1)));
    await waitFor(() => ground.lobby.requestsFor(game) > 0, { interval: 2 });
    release();
    expect(new Set((await calls).map(outcomeOf))).toEqual(new Set([200]));
    expect(ground.lobby.requestsFor(game)).toBe(1);
    await ground.report(game, 1);
    expect(ground.lobby.requestsFor(game)).toBe(1);
  });

  test('a Lobby that is down is not noticed by players of games that are remembered', async () => {
    const [warm, cold] = [await ground.game(), await ground.game()];
    expect(outcomeOf(await ground.commands(warm))).toBe(200);
    const port = await ground.lobby.goAway();
    expect(outcomeOf(await ground.commands(warm))).toBe(200);
    const refused = await ground.commands(cold);
    expect([refused.status, outcomeOf(refused)]).toEqual([503, 'service_unavailable']);
    expect(refused.headers['retry-after']).toBeDefined();
    // What is remembered under an old epoch does not count, also when nothing better can be had.
    await ground.invalidate(warm);
    expect(outcomeOf(await ground.commands(warm))).toBe('service_unavailable');
    // Before Lobby is asked it is known that a stranger has no race.
    expect(outcomeOf(await ground.commands(cold, 'stranger'))).toBe('forbidden');
    await ground.lobby.comeBack(port);
    expect(outcomeOf(await ground.commands(cold))).toBe(200);
    expect(outcomeOf(await ground.commands(warm))).toBe(200);
  });

  test.each<[string, LobbyFault]>([
    ['500', { status: 500, body: '{}' }],
    ['a 404 that is not about the game', { status: 404, body: '{"error":{"code":"not_found"}}' }],
    ['a 404 of something else', { status: 404, body: '<html>' }],
    ['a redirect', { status: 302, body: '' }],
    ['no JSON', { status: 200, body: 'ok' }],
    ['no list', { status: 200, body: '{"memberships":{"ann":"active"}}' }],
    ['no memberships', { status: 200, body: '{}' }],
    [
      'an unknown status',
      { status: 200, body: '{"memberships":[{"user_id":"ann","race_name":"A","status":"boss"}]}' },
    ],
    ['a broken connection', 'cut'],
    ['an answer without end', 'endless'],
  ])('%s of Lobby lets nobody in, and is not remembered', async (_what, fault) => {
    const game = await ground.game();
    ground.lobby.failNext(fault);
    expect(outcomeOf(await ground.commands(game))).toBe('service_unavailable');
    expect(outcomeOf(await ground.commands(game))).toBe(200);
  });

  test('silence of Lobby lets nobody in, and is not remembered', async () => {
    const impatient = await PlayersGround.open({ ...PATIENT, GAMEMASTER_LOBBY_TIMEOUT: '500ms' });
    const game = await impatient.game();
    impatient.lobby.failNext('hang');
    expect(outcomeOf(await impatient.commands(game))).toBe('service_unavailable');
    // A busy machine may be as slow as that once more; what is remembered would stay for half a minute.
    await waitFor(async () => outcomeOf(await impatient.commands(game)) === 200, { timeout: 20_000 });
    await impatient.close();
  });

  test('a game that Lobby does not know is played by nobody, and that is remembered', async () => {
    const game = await ground.game({ players: {} });
    await ground.door.database.pool.query(
      `INSERT INTO gamemaster.player_mappings VALUES ($1, 'ann', 'Aelinari', gen_random_uuid())`,
      [game],
    );
    expect(outcomeOf(await ground.commands(game))).toBe('forbidden');
    expect(outcomeOf(await ground.commands(game))).toBe('forbidden');
    expect(ground.lobby.requestsFor(game)).toBe(1);
    ground.lobby.setMember(game, 'ann', 'active');
    await ground.invalidate(game);
    expect(outcomeOf(await ground.commands(game))).toBe(200);
  });

  test.each(['removed', 'blocked'] as const)(
    'a %s member is refused by the first call after the 204',
    async (status) => {
      const game = await ground.game({ players: { ann: 'Aelinari', bob: 'Borg' } });
      expect(outcomeOf(await ground.commands(game))).toBe(200);
      ground.lobby.setMember(game, 'ann', status);
      expect(outcomeOf(await ground.commands(game))).toBe(200);
      await ground.invalidate(game);
      expect(outcomeOf(await ground.commands(game))).toBe('forbidden');
      expect(outcomeOf(await ground.commands(game, 'bob'))).toBe(200);
    },
  );

  test('a load that began before an invalidation tells nobody who comes after it', async () => {
    const game = await ground.game();
    const release = ground.lobby.hold();
    const early = ground.commands(game);
    await waitFor(() => ground.lobby.requestsFor(game) === 1, { interval: 2 });
    ground.lobby.setMember(game, 'ann', 'removed');
    await ground.invalidate(game);
    const late = ground.commands(game);
    await waitFor(() => ground.lobby.requestsFor(game) === 2, { interval: 2 });
    release();
    // The early call was there before the 204: what Lobby said then is its answer.
    expect(outcomeOf(await early)).toBe(200);
    expect(outcomeOf(await late)).toBe('forbidden');
    expect(outcomeOf(await ground.commands(game))).toBe('forbidden');
    expect(ground.lobby.requestsFor(game)).toBe(2);
  });

  test('invalidating an unknown game is fine, and does nothing', async () => {
    await ground.invalidate('nowhere');
  });

  test('liveness tells of games in every status, and of none', async () => {
    const ask = async (game: string): Promise<unknown> =>
      JSON.parse((await ground.send({ url: `${API}/games/${game}/liveness` })).body);
    expect(await ask('nowhere')).toEqual({ ready: true, status: 'unregistered' });
    for (const status of [
      'starting',
      'running',
      'generation_in_progress',
      'generation_failed',
      'stopped',
      'engine_unreachable',
      'finished',
    ]) {
      expect(await ask(await ground.game({ status }))).toEqual({ ready: status === 'running', status });
    }
  });
});

describe('limits of what is remembered', () => {
  test('after its time Lobby is asked again', async () => {
    const ground = await PlayersGround.open({ ...PATIENT, GAMEMASTER_MEMBERSHIP_CACHE_TTL: '300ms' });
    const game = await ground.game();
    expect(outcomeOf(await ground.commands(game))).toBe(200);
    ground.lobby.setMember(game, 'ann', 'removed');
    await waitFor(async () => outcomeOf(await ground.commands(game)) === 'forbidden');
    expect(ground.lobby.requestsFor(game)).toBe(2);
    const port = await ground.lobby.goAway();
    await waitFor(async () => outcomeOf(await ground.commands(game)) === 'service_unavailable');
    await ground.lobby.comeBack(port);
    await ground.close();
  });

  test('the games asked for longest ago are forgotten, but not while somebody waits for them', async () => {
    const ground = await PlayersGround.open({ ...PATIENT, GAMEMASTER_MEMBERSHIP_CACHE_MAX_GAMES: '2' });
    const games = await Promise.all(Array.from({ length: 5 }, () => ground.game()));
    const release = ground.lobby.hold();
    const calls = Promise.all(games.map((game) => ground.report(game, 1)));
    await waitFor(() => ground.lobby.requests.length === 5);
    release();
    expect((await calls).map(outcomeOf)).toEqual([200, 200, 200, 200, 200]);

    const [one = '', two = '', three = '', four = '', five = ''] = games;
    const asked = (...of: string[]) => of.map((game) => ground.lobby.requestsFor(game));
    const reports = async (...of: string[]) => {
      for (const game of of) expect(outcomeOf(await ground.report(game, 1))).toBe(200);
    };
    // Whichever two came last are remembered until now.
    await reports(four, five);
    const [ofOne = 0, ofTwo = 0] = asked(one, two);
    await reports(one, two, three, two, one);
    // One was forgotten for three, and two was not.
    expect(asked(one, two)).toEqual([ofOne + 2, ofTwo + 1]);
    // Nor does a game have more than one place, however often it is invalidated.
    for (let round = 0; round < 3; round += 1) {
      await ground.invalidate(one);
      await reports(one);
    }
    await reports(two);
    expect(asked(two)).toEqual([ofTwo + 1]);
    await ground.close();
  });
});

test('Postgres is asked for each call: without it nobody is let in', async () => {
  const ground = await PlayersGround.open(PATIENT);
  const game = await ground.game();
  expect(outcomeOf(await ground.commands(game))).toBe(200);
  await ground.door.database.close();
  const calls = ground.engine.calls.length;
  expect(outcomeOf(await ground.commands(game))).toBe('service_unavailable');
  expect(ground.engine.calls.length).toBe(calls);
  await ground.close();
});
