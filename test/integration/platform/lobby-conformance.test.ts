/*
 * Every operation of platform/lobby/openapi.yaml is driven to every end that the document gives it, on a Lobby that runs,
 * and each answer is held against the document. An end that nobody drives, and one that nobody promised, fail.
 */
import { Contract } from '../../support/contract';
import { ADMIN, as, Lobby } from '../../support/lobby';
import { stackAddresses, waitFor } from '../../support/stack';
import { TcpProxy } from '../../support/tcp-proxy';
import { TestGameMaster } from '../../support/test-game-master';
import { sendTo, type HttpAnswer, type HttpRequest } from '../../unit/api/send';

const contract = new Contract('platform/lobby/openapi.yaml');
const API = '/api/v1/lobby/games';
const UUID = '5b1c6f0e-4a53-4b9e-9a56-2f1f6f0e8a11';

type Outcomes = Record<string, () => Promise<HttpAnswer>>;

let gameMaster: TestGameMaster;
let lobby: Lobby;
/** What each operation answers when its tables are gone, and when Postgres is. */
let withoutTables: Map<string, HttpAnswer>;
let withoutPostgres: Map<string, HttpAnswer>;

beforeAll(async () => {
  gameMaster = await TestGameMaster.start();
  lobby = await Lobby.start({ gameMasterUrl: gameMaster.baseUrl });
  const { proxy, url } = await TcpProxy.before(stackAddresses().postgresDsn);
  const sick = await Lobby.start({ gameMasterUrl: gameMaster.baseUrl, postgresDsn: url });
  await sick.database.query('DROP SCHEMA lobby CASCADE');
  withoutTables = await answersOf(sick);
  await proxy.setMode('refuse');
  withoutPostgres = await answersOf(sick);
  await proxy.setMode('pass');
  await sick.stop();
  await proxy.close();
});
afterAll(async () => {
  await lobby.stop();
  await gameMaster.stop();
});

/** Of each operation, to the document's example. */
async function answersOf({ baseUrl }: Lobby): Promise<Map<string, HttpAnswer>> {
  const port = Number(new URL(baseUrl).port);
  const answers = new Map<string, HttpAnswer>();
  for (const id of contract.operationIds) answers.set(id, await sendTo(port, exampleOf(id)));
  return answers;
}

function exampleOf(id: string): HttpRequest {
  const example = contract.exampleRequest(id);
  return { ...example, headers: { ...ADMIN, ...example.headers } };
}

const send = (request: HttpRequest) => sendTo(Number(new URL(lobby.baseUrl).port), request);

function call(
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = ADMIN,
): Promise<HttpAnswer> {
  const url = `${API}${path}`;
  if (body === undefined) return send({ method, url, headers });
  return send({
    method,
    url,
    headers: { ...headers, 'content-type': 'application/json' },
    payload: JSON.stringify(body),
  });
}
const get = (path: string, headers?: Record<string, string>) => call('GET', path, undefined, headers);
const post = (path: string, body?: unknown, headers?: Record<string, string>) =>
  call('POST', path, body, headers);

const NOBODY = '/no-such-game';
const EVE = as('eve');
const DRAFT = {
  name: 'Orion',
  target_engine_version: '1.0.0',
  turn_schedule: '0 18 * * *',
  min_players: 1,
  max_players: 2,
};

const draft = async () => `/${await lobby.createGame(DRAFT)}`;
const open = async () => `/${await lobby.openGame(DRAFT)}`;
/** Where ann plays. */
const enrolled = async () => `/${await lobby.enrolledGame(['ann'], DRAFT)}`;
const full = async () => `/${await lobby.enrolledGame(['ann', 'bob'], DRAFT)}`;

async function running(users = ['ann']): Promise<string> {
  const gameId = await lobby.enrolledGame(users, { ...DRAFT, max_players: Math.max(2, users.length) });
  await lobby.post(gameId, 'start');
  const [job] = await lobby.untilEntries('startJobs', gameId);
  await lobby.tell('jobResults', {
    job: 'start',
    game_id: gameId,
    requested_at_ms: job?.['requested_at_ms'] ?? '',
    outcome: 'success',
    engine_endpoint: 'http://127.0.0.1:1',
  });
  await lobby.untilStatus(gameId, 'running');
  return `/${gameId}`;
}

async function finished(): Promise<string> {
  const path = await running();
  const game_id = path.slice(1);
  const payload = JSON.stringify({
    game_id,
    final_turn_number: 3,
    runtime_status: 'finished',
    player_turn_stats: [{ user_id: 'ann', planets: 3, population: 10.5 }],
    finished_at_ms: 1_773_424_802_117,
  });
  await lobby.tell('lobbyEvents', { event_type: 'game_finished', event_id: game_id, payload });
  await lobby.untilStatus(game_id, 'finished');
  return path;
}

async function paused(): Promise<string> {
  const path = await running();
  await post(`${path}/pause`);
  return path;
}

/** The address of an application of `user` to the game. */
async function applied(game: string, user: string): Promise<string> {
  const { body } = await post(`${game}/applications`, { race_name: `Race of ${user}` }, as(user));
  return `${game}/applications/${(JSON.parse(body) as { application_id: string }).application_id}`;
}

async function invited(game: string, user: string): Promise<string> {
  const { body } = await post(`${game}/invites`, { user_id: user });
  return `${game}/invites/${(JSON.parse(body) as { invite_id: string }).invite_id}`;
}

/** A probe's answer when all is well: what takes longer than a second counts as down. */
const onceGood = (probe: () => Promise<HttpAnswer>) =>
  waitFor(async () => {
    const answer = await probe();
    return answer.status === 200 && answer;
  });

/** The ends of a decision that its game's leader makes by one word. */
const decision = (
  word: string,
  good: () => Promise<string>,
  bad: () => Promise<string>,
  success: string,
): Outcomes => ({
  [success]: async () => post(`${await good()}/${word}`),
  '403 forbidden': async () => post(`${await good()}/${word}`, undefined, EVE),
  '404 game_not_found': () => post(`${NOBODY}/${word}`),
  '409 conflict': async () => post(`${await bad()}/${word}`),
});

const departure = (word: string): Outcomes => ({
  200: async () => post(`${await enrolled()}/members/ann/${word}`),
  '403 forbidden': async () => post(`${await enrolled()}/members/ann/${word}`, undefined, EVE),
  '404 game_not_found': () => post(`${NOBODY}/members/ann/${word}`),
  '404 member_not_found': async () => post(`${await enrolled()}/members/eve/${word}`),
  '409 conflict': async () => post(`${await finished()}/members/ann/${word}`),
});

const OUTCOMES: Record<string, Outcomes> = {
  healthz: { 200: () => send({ url: '/healthz' }) },
  readyz: {
    200: () => onceGood(() => send({ url: '/readyz' })),
    503: () => Promise.resolve(withoutPostgres.get('readyz') ?? missing()),
  },
  lobbyCreateGame: { 201: () => post('', DRAFT, as('olga')) },
  lobbyListGames: {
    200: async () => {
      await finished();
      await running();
      return get('?limit=2');
    },
  },
  lobbyGetGame: {
    200: async () => get(await finished()),
    '404 game_not_found': () => get(NOBODY),
  },
  lobbyOpenEnrollment: decision('open-enrollment', draft, open, '200'),
  lobbyStartGame: {
    ...decision('start', enrolled, draft, '202'),
    '404 engine_version_not_found': async () => {
      gameMaster.replyNext('image-ref', [404, 'engine_version_not_found']);
      return post(`${await enrolled()}/start`);
    },
    '409 engine_version_deprecated': async () => {
      gameMaster.replyNext('image-ref', [409, 'engine_version_deprecated']);
      return post(`${await enrolled()}/start`);
    },
    '409 not_enough_players': async () => post(`${await open()}/start`),
  },
  lobbyPauseGame: decision('pause', running, enrolled, '200'),
  lobbyResumeGame: decision('resume', paused, running, '202'),
  lobbyCancelGame: decision('cancel', draft, finished, '200'),
  lobbySubmitApplication: {
    201: async () => post(`${await open()}/applications`, { race_name: 'Zerg' }, as('ann')),
    '403 forbidden': async () => {
      const game = await enrolled();
      await post(`${game}/members/ann/block`);
      return post(`${game}/applications`, { race_name: 'Zerg' }, as('ann'));
    },
    '404 game_not_found': () => post(`${NOBODY}/applications`, { race_name: 'Zerg' }, as('ann')),
    '409 conflict': async () => post(`${await draft()}/applications`, { race_name: 'Zerg' }, as('ann')),
    '409 game_full': async () => post(`${await full()}/applications`, { race_name: 'Zerg' }, EVE),
    '409 race_name_taken': async () =>
      post(`${await enrolled()}/applications`, { race_name: 'Race of ann' }, EVE),
  },
  lobbyListApplications: {
    200: async () => get(`${await enrolled()}/applications`),
    '403 forbidden': async () => get(`${await enrolled()}/applications`, EVE),
    '404 game_not_found': () => get(`${NOBODY}/applications`),
  },
  lobbyApproveApplication: {
    200: async () => post(`${await applied(await open(), 'ann')}/approve`),
    '403 forbidden': async () => post(`${await applied(await open(), 'ann')}/approve`, undefined, EVE),
    '404 game_not_found': () => post(`${NOBODY}/applications/${UUID}/approve`),
    '404 application_not_found': async () => post(`${await open()}/applications/${UUID}/approve`),
    '409 conflict': async () => {
      const application = await applied(await open(), 'ann');
      await post(`${application}/reject`);
      return post(`${application}/approve`);
    },
    '409 game_full': async () => {
      const game = await enrolled();
      const application = await applied(game, 'eve');
      await lobby.enrol(game.slice(1), 'bob');
      return post(`${application}/approve`);
    },
  },
  lobbyRejectApplication: {
    200: async () => post(`${await applied(await open(), 'ann')}/reject`),
    '403 forbidden': async () => post(`${await applied(await open(), 'ann')}/reject`, undefined, EVE),
    '404 game_not_found': () => post(`${NOBODY}/applications/${UUID}/reject`),
    '404 application_not_found': async () => post(`${await open()}/applications/${UUID}/reject`),
    '409 conflict': async () => {
      const application = await applied(await open(), 'ann');
      await post(`${application}/approve`);
      return post(`${application}/reject`);
    },
  },
  lobbyCreateInvite: {
    201: async () => post(`${await open()}/invites`, { user_id: 'bob' }),
    '403 forbidden': async () => post(`${await open()}/invites`, { user_id: 'bob' }, EVE),
    '404 game_not_found': () => post(`${NOBODY}/invites`, { user_id: 'bob' }),
    '409 conflict': async () => {
      const game = await open();
      await invited(game, 'bob');
      return post(`${game}/invites`, { user_id: 'bob' });
    },
  },
  lobbyListInvites: {
    200: async () => {
      const game = await open();
      await invited(game, 'bob');
      return get(`${game}/invites`);
    },
    '403 forbidden': async () => get(`${await open()}/invites`, EVE),
    '404 game_not_found': () => get(`${NOBODY}/invites`),
  },
  lobbyRedeemInvite: {
    200: async () => post(`${await invited(await open(), 'bob')}/redeem`, { race_name: 'Zerg' }, as('bob')),
    '403 forbidden': async () =>
      post(`${await invited(await open(), 'bob')}/redeem`, { race_name: 'Zerg' }, EVE),
    '404 game_not_found': () => post(`${NOBODY}/invites/${UUID}/redeem`, { race_name: 'Zerg' }, as('bob')),
    '404 invite_not_found': async () =>
      post(`${await open()}/invites/${UUID}/redeem`, { race_name: 'Zerg' }, as('bob')),
    '409 conflict': async () => {
      const invite = await invited(await open(), 'bob');
      await post(`${invite}/redeem`, { race_name: 'Zerg' }, as('bob'));
      return post(`${invite}/redeem`, { race_name: 'Terran' }, as('bob'));
    },
    '409 game_full': async () =>
      post(`${await invited(await full(), 'eve')}/redeem`, { race_name: 'Zerg' }, EVE),
    '409 race_name_taken': async () =>
      post(`${await invited(await enrolled(), 'eve')}/redeem`, { race_name: 'Race of ann' }, EVE),
  },
  lobbyListMembers: {
    200: async () => get(`${await finished()}/members`),
    '404 game_not_found': () => get(`${NOBODY}/members`),
  },
  lobbyRemoveMember: departure('remove'),
  lobbyBlockMember: departure('block'),
  internalGetMemberships: {
    200: async () => send({ url: `/api/v1/internal/games${await enrolled()}/memberships` }),
    '404 game_not_found': () => send({ url: `/api/v1/internal/games${NOBODY}/memberships` }),
  },
};

/** Ends that any operation comes to by no fault of its request's meaning; its request is the document's example. */
const FAULTS: Record<string, (id: string, example: HttpRequest) => Promise<HttpAnswer>> = {
  '400 invalid_request': (_id, example) => send({ ...example, url: `${example.url}?surprise=1` }),
  '413 invalid_request': (_id, example) =>
    send({ ...withType(example, 'application/json'), payload: '{}'.padEnd(1024 * 1024 + 1) }),
  '415 invalid_request': (_id, example) => send({ ...withType(example, 'text/plain'), payload: 'text' }),
  '500 internal_error': (id) => Promise.resolve(withoutTables.get(id) ?? missing()),
  '503 service_unavailable': (id) => Promise.resolve(withoutPostgres.get(id) ?? missing()),
};

function withType(example: HttpRequest, type: string): HttpRequest {
  return { ...example, headers: { ...example.headers, 'content-type': type } };
}

function missing(): never {
  throw new Error('there is no such case');
}

describe.each(contract.operationIds)('%s', (id) => {
  const outcomes = OUTCOMES[id] ?? {};
  const documented = contract.outcomesOf(id);
  const faults = documented.filter((outcome) => outcome in FAULTS);

  test('promises what it has a case for, and nothing else', () => {
    expect([...documented].sort()).toEqual([...Object.keys(outcomes), ...faults].sort());
  });

  test.each(Object.keys(outcomes))('%s', async (outcome) => {
    expect(contract.check(id, await (outcomes[outcome] ?? missing)())).toBe(outcome);
  });

  if (faults.length === 0) return;
  test.each(faults)('%s, as any operation', async (outcome) => {
    const answer = await (FAULTS[outcome] ?? missing)(id, exampleOf(id));
    expect(contract.check(id, answer)).toBe(outcome);
  });
});

test.each<[string, object]>([
  ['an unknown field', { ...DRAFT, surprise: 1 }],
  ['a name of 65 characters', { ...DRAFT, name: 'x'.repeat(65) }],
  ['a name with a line break', { ...DRAFT, name: 'a\nb' }],
  ['a version with a v', { ...DRAFT, target_engine_version: 'v1.0.0' }],
  ['a schedule that never comes', { ...DRAFT, turn_schedule: '0 0 31 2 *' }],
  ['a schedule of four fields', { ...DRAFT, turn_schedule: '0 18 * *  ' }],
  ['less places than players that it needs', { ...DRAFT, min_players: 3 }],
  ['201 places', { ...DRAFT, max_players: 201 }],
  ['half a player', { ...DRAFT, min_players: 1.5 }],
])('a draft with %s is refused', async (_, body) => {
  const answer = await post('', body);
  expect(contract.check('lobbyCreateGame', answer)).toBe('400 invalid_request');
});

test('the list goes through all games, newest first, each once', async () => {
  const created = [await lobby.createGame(), await lobby.createGame(), await lobby.createGame()];
  const listed: string[] = [];
  let cursor: string | null = '';
  while (cursor !== null) {
    const { body } = await get(`?status=draft&limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`);
    const page = JSON.parse(body) as { games: { game_id: string }[]; next_cursor: string | null };
    listed.push(...page.games.map(({ game_id }) => game_id));
    cursor = page.next_cursor;
  }
  expect(listed.slice(0, 3)).toEqual(created.reverse());
  expect(new Set(listed).size).toBe(listed.length);
  expect((await get('?cursor=bm9uc2Vuc2U')).status).toBe(400);
});

test('banishments that hang hold no registration up', async () => {
  const users = Array.from({ length: 20 }, (_, i) => `user-${i}`);
  const gameId = (await running(users)).slice(1);
  gameMaster.replyNext('banish', ...users.map(() => 'hang' as const));
  await Promise.all(users.map((user) => lobby.post(gameId, `members/${user}/remove`)));
  await waitFor(() => gameMaster.calls('banish').length > 1);
  await running();
});

test('without Redis every call works, and what it has to send waits', async () => {
  const { proxy, url } = await TcpProxy.before(stackAddresses().redisUrl);
  await proxy.setMode('refuse');
  const alone = await Lobby.start({ gameMasterUrl: gameMaster.baseUrl, env: { LOBBY_REDIS_URL: url } });
  const gameId = await alone.enrolledGame(['ann']);
  await alone.post(gameId, 'start');
  const ready = await onceGood(() => sendTo(Number(new URL(alone.baseUrl).port), { url: '/readyz' }));
  expect(JSON.parse(ready.body)).toEqual({ status: 'ready', checks: { postgres: 'up', redis: 'down' } });
  await proxy.setMode('pass');
  await alone.untilEntries('startJobs', gameId);
  await alone.stop();
  await proxy.close();
});
