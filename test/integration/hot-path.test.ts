import { endEngines, startEngine } from '../../platform/engine/test/running-engine';
import { closeGate, installGates } from '../support/gates';
import { GameMaster, isOpen, type GameMasterProcess } from '../support/game-master';
import { PATIENT } from '../support/players-ground';
import { stackAddresses } from '../support/stack';
import { TcpProxy } from '../support/tcp-proxy';
import { TestLobby } from '../support/test-lobby';
import { waitFor } from '../support/wait-for';

const API = '/api/v1/internal';
const ROUTES = [
  { name: 'commands', method: 'POST', path: 'commands', body: { commands: [{ type: 'scout' }] } },
  { name: 'orders', method: 'PUT', path: 'orders', body: { commands: [{ type: 'scout' }] } },
  { name: 'report', method: 'GET', path: 'reports/0', body: undefined },
] as const;

interface Outcome {
  status: number;
  code?: string;
  body: Record<string, unknown>;
}

interface Play {
  method: string;
  path: string;
  body?: unknown;
}

/** One call; again where the process was too busy to take it. */
async function play(
  api: GameMasterProcess,
  gameId: string,
  userId: string | undefined,
  call: Play = ROUTES[0],
): Promise<Outcome> {
  for (;;) {
    const outcome = await playOnce(api, gameId, userId, call);
    if (!isOpen(outcome)) return outcome;
  }
}

async function playOnce(
  api: GameMasterProcess,
  gameId: string,
  userId: string | undefined,
  { method, path, body }: Play,
): Promise<Outcome> {
  const response = await fetch(`${api.baseUrl}${API}/games/${gameId}/${path}`, {
    method,
    headers: {
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...(userId !== undefined && { 'x-user-id': userId }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const answer = (await response.json()) as { error?: { code: string } };
  return { status: response.status, body: answer, ...(answer.error && { code: answer.error.code }) };
}

async function outcomeOf(call: Promise<Outcome>): Promise<string | number> {
  const { status, code } = await call;
  return code ?? status;
}

let lobby: TestLobby;
let gameMaster: GameMaster;
let replicas: [GameMasterProcess, GameMasterProcess];
beforeAll(async () => {
  lobby = await TestLobby.start();
  gameMaster = await GameMaster.start({
    apis: 2,
    env: { ...PATIENT, GAMEMASTER_LOBBY_BASE_URL: lobby.baseUrl },
  });
  const [one, two] = gameMaster.apis;
  if (one === undefined || two === undefined) throw new Error('two replicas were asked for');
  replicas = [one, two];
});
afterAll(async () => {
  await gameMaster.stop();
  await lobby.stop();
  await endEngines();
});

/** A running game of Ann (Aelinari) and Bob (Borg) on an engine of its own. */
async function newGame(): Promise<string> {
  const { url } = await startEngine();
  const gameId = await gameMaster.running({ endpoint: url });
  lobby.setMember(gameId, 'ann', 'active');
  lobby.setMember(gameId, 'bob', 'active');
  return gameId;
}

test('the answers of a real engine come back', async () => {
  const gameId = await newGame();
  const [commands, orders, report] = ROUTES;
  expect(await play(replicas[0], gameId, 'ann', commands)).toEqual({
    status: 200,
    body: { turn: 0, accepted: 1 },
  });
  expect(await play(replicas[1], gameId, 'bob', orders)).toEqual({
    status: 200,
    body: { turn: 0, accepted: 1 },
  });
  expect(await play(replicas[0], gameId, 'bob', report)).toMatchObject({
    status: 200,
    body: { turn: 0, race_name: 'Borg' },
  });
  const missing = await play(replicas[0], gameId, 'ann', { method: 'GET', path: 'reports/9' });
  expect([missing.status, missing.code]).toEqual([422, 'engine_validation_error']);
});

describe('who may do what', () => {
  let running: string;
  let ended: string;
  beforeAll(async () => {
    running = await newGame();
    lobby.setMember(running, 'bob', 'blocked');
    lobby.setMember(running, 'guest', 'active');
    ended = await newGame();
    await gameMaster.database.query(
      `UPDATE gamemaster.runtime_records SET status = 'finished' WHERE game_id = $1`,
      [ended],
    );
  });

  const callers: [string, string | undefined, string | number][] = [
    ['an active member', 'ann', 200],
    ['a blocked member with a race', 'bob', 'forbidden'],
    ['an active member without a race', 'guest', 'forbidden'],
    ['a stranger', 'eve', 'forbidden'],
    ['nobody', undefined, 'invalid_request'],
    ['an empty name', '', 'invalid_request'],
    ['two names', 'ann, ann', 'invalid_request'],
    ['a bad name', 'ann smith', 'invalid_request'],
    ['a name too long', 'a'.repeat(129), 'invalid_request'],
  ];
  const matrix = callers.flatMap(([caller, userId, outcome]) =>
    ROUTES.map((route) => ({ caller, userId, outcome, route, name: route.name })),
  );

  test.each(matrix)('$caller, $name', async ({ userId, outcome, route }) => {
    expect(await outcomeOf(play(replicas[0], running, userId, route))).toBe(outcome);
    // What is wrong with the call comes first, then what is wrong with the game, then with the player.
    const early = outcome === 'invalid_request';
    expect(await outcomeOf(play(replicas[1], ended, userId, route))).toBe(
      early ? outcome : 'runtime_not_running',
    );
    expect(await outcomeOf(play(replicas[0], 'nowhere', userId, route))).toBe(
      early ? outcome : 'runtime_not_found',
    );
  });

  test('no way leads to another race', async () => {
    const forged = [
      { ...ROUTES[0], body: { commands: [], actor: 'Borg' } },
      { ...ROUTES[1], body: { commands: [], actor: 'Aelinari' } },
      { ...ROUTES[0], body: { commands: [], cmd: [], player: 'Borg' } },
      { ...ROUTES[2], path: 'reports/0?player=Borg' },
      { ...ROUTES[2], path: 'reports/0%26player=Borg' },
      { ...ROUTES[2], path: 'reports/00' },
      { ...ROUTES[2], path: 'reports/-1' },
      { ...ROUTES[2], path: 'reports/1e1' },
    ];
    for (const call of forged)
      expect(await outcomeOf(play(replicas[0], running, 'ann', call))).toBe('invalid_request');
    const mixed = { ...ROUTES[2], path: 'reports/0' };
    expect((await play(replicas[0], running, 'ann', mixed)).body).toMatchObject({ race_name: 'Aelinari' });
  });
});

test('a removed member is refused by both replicas from the 204 on, also when a slow load is under way', async () => {
  for (let round = 0; round < 2; round += 1) {
    const gameId = await newGame();
    for (const api of replicas) expect(await outcomeOf(play(api, gameId, 'ann'))).toBe(200);
    // Another epoch, which both replicas are loading while the member is removed.
    expect((await gameMaster.ask('POST', `${API}/games/${gameId}/memberships/invalidate`)).status).toBe(204);
    const before = lobby.requestsFor(gameId);
    const release = lobby.hold();
    const early = replicas.map((api) => outcomeOf(play(api, gameId, 'ann')));
    await waitFor(() => lobby.requestsFor(gameId) === before + 2, { interval: 2 });
    lobby.setMember(gameId, 'ann', 'removed');
    expect((await gameMaster.ask('POST', `${API}/games/${gameId}/memberships/invalidate`)).status).toBe(204);
    const late = replicas.map((api) => outcomeOf(play(api, gameId, 'ann')));
    await waitFor(() => lobby.requestsFor(gameId) === before + 4, { interval: 2 });
    release();
    expect(await Promise.all(late)).toEqual(['forbidden', 'forbidden']);
    expect(await Promise.all(early)).toEqual([200, 200]);
    for (const api of replicas) {
      expect(await outcomeOf(play(api, gameId, 'ann'))).toBe('forbidden');
      expect(await outcomeOf(play(api, gameId, 'bob'))).toBe(200);
    }
  }
});

test('while a turn is made every call is refused, and right after it is let through', async () => {
  const gameId = await newGame();
  // The turn stands still before its record until all have asked.
  await installGates(gameMaster.database);
  const gate = await closeGate(gameMaster.database, 'operation_log', gameId);
  const forced = gameMaster.force(gameId);
  await gameMaster.untilRecord(gameId, { status: 'generation_in_progress' });
  for (const api of replicas) {
    for (const route of ROUTES) {
      expect(await outcomeOf(play(api, gameId, 'ann', route))).toBe('runtime_not_running');
      expect(await outcomeOf(play(api, gameId, 'eve', route))).toBe('runtime_not_running');
    }
  }
  expect((await gameMaster.ask('GET', `${API}/games/${gameId}/liveness`)).body).toEqual({
    ready: false,
    status: 'generation_in_progress',
  });
  await gate.open();
  expect((await forced).status).toBe(200);
  for (const api of replicas) {
    expect(await play(api, gameId, 'ann')).toEqual({ status: 200, body: { turn: 1, accepted: 1 } });
  }
});

test('without Temporal players play on, and their memberships are invalidated', async () => {
  const gameId = await newGame();
  const [host = '', port] = stackAddresses().temporalAddress.split(':');
  const proxy = await TcpProxy.start({ host, port: Number(port) });
  const api = await gameMaster.addApi({ GAMEMASTER_TEMPORAL_ADDRESS: `127.0.0.1:${proxy.port}` });
  const post = async (path: string): Promise<number> =>
    (await fetch(`${api.baseUrl}${API}/${path}`, { method: 'POST' })).status;
  try {
    for (const mode of ['pass', 'refuse', 'blackhole'] as const) {
      await proxy.setMode(mode);
      for (const route of ROUTES) expect(await outcomeOf(play(api, gameId, 'ann', route))).toBe(200);
      lobby.setMember(gameId, 'ann', 'removed');
      expect(await post(`games/${gameId}/memberships/invalidate`)).toBe(204);
      expect(await outcomeOf(play(api, gameId, 'ann'))).toBe('forbidden');
      lobby.setMember(gameId, 'ann', 'active');
      expect(await post(`games/${gameId}/memberships/invalidate`)).toBe(204);
      expect((await fetch(`${api.baseUrl}${API}/games/${gameId}/liveness`)).status).toBe(200);
    }
    expect(await post(`runtimes/${gameId}/force-next-turn`)).toBe(503);
  } finally {
    await proxy.setMode('pass');
    await api.stop();
    gameMaster.apis.splice(gameMaster.apis.indexOf(api), 1);
    await proxy.close();
  }
});
