import { GameMaster, untilTold } from '../support/game-master';
import { closeGate, installGates } from '../support/gates';
import { freshGameId, stackAddresses } from '../support/stack';
import { lobbyEventsOf, mappingsOf, operationsOf } from '../support/story';
import { TcpProxy } from '../support/tcp-proxy';
import { TestEngine, type Fault } from '../support/test-engine';
import { waitFor } from '../support/wait-for';

let gm: GameMaster;
let redis: TcpProxy;
const engines: TestEngine[] = [];

beforeAll(async () => {
  const { proxy, url } = await TcpProxy.before(stackAddresses().redisUrl);
  redis = proxy;
  gm = await GameMaster.start({ env: { GAMEMASTER_REDIS_URL: url } });
  await gm.createVersion();
  await installGates(gm.database);
});

afterAll(async () => {
  await gm.stop();
  await redis.close();
  await Promise.all(engines.map((engine) => engine.stop()));
});

interface Game {
  gameId: string;
  engine: TestEngine;
}

async function newGame(call?: 'init' | 'status', ...faults: Fault[]): Promise<Game> {
  const engine = await TestEngine.start();
  if (call) engine.failNext(call, ...faults);
  engines.push(engine);
  return { gameId: freshGameId(), engine };
}

const KEY = { 'Idempotency-Key': 'k' };
const register = ({ gameId, engine }: Game) => gm.register(gameId, gm.registration(engine), KEY);

test('a worker that is killed under registrations, whatever they are at, leaves each made once or taken back', async () => {
  const inserting = await newGame();
  const looking = await newGame('status', { kind: 'hang' });
  const initialising = await newGame('init', { kind: 'hang' });
  const initialised = await newGame('init', { kind: 'apply_then_hang' });
  const mapping = await newGame();
  const completing = await newGame();
  const committed = await newGame();
  const rollingBack = await newGame('init', { kind: 'answer', status: 400 });
  const gates = await Promise.all([
    closeGate(gm.database, 'runtime_records', inserting.gameId),
    closeGate(gm.database, 'player_mappings', mapping.gameId),
    closeGate(gm.database, 'operation_log', completing.gameId),
    closeGate(gm.database, 'operation_log', rollingBack.gameId),
  ]);
  const games = [inserting, looking, initialising, initialised, mapping, completing];
  const registrations = games.map((game) => untilTold(() => register(game)));
  // Repeated until it is under way only: a registration that failed would be made anew.
  let isUnderWay = false as boolean;
  const refused = (async () => {
    for (;;) {
      const reply = await gm.once.register(rollingBack.gameId, gm.registration(rollingBack.engine), KEY);
      if (reply.status !== 503 || isUnderWay) return reply;
    }
  })();
  await Promise.all(gates.map((gate) => gate.reached()));
  isUnderWay = true;
  await waitFor(() => looking.engine.callsOf('status') >= 1);
  await waitFor(() => initialising.engine.callsOf('init') >= 1 && initialised.engine.callsOf('init') >= 1);

  // The last one: on record, and its worker busy telling Redis.
  await redis.setMode('blackhole');
  games.push(committed);
  registrations.push(untilTold(() => register(committed)));
  await waitFor(async () => (await gm.record(committed.gameId))['status'] === 'running', { interval: 5 });
  const [worker] = gm.workers;
  await worker?.crash();
  await redis.setMode('pass');
  await Promise.all(gates.map((gate) => gate.open()));
  await gm.addWorker();

  const replies = await Promise.all(registrations);
  expect(replies.map(({ status }) => status)).toEqual(games.map(() => 201));
  for (const { gameId, engine } of games) {
    expect(await operationsOf(gm, gameId)).toEqual(['register starting > running ok']);
    expect(await lobbyEventsOf(gm, gameId)).toEqual(['runtime_snapshot_update 0 running']);
    expect(await mappingsOf(gm, gameId)).toEqual([
      `ann plays Aelinari as ${engine.players?.[0]?.id}`,
      `bob plays Borg as ${engine.players?.[1]?.id}`,
    ]);
  }
  // An init whose answer was lost with its worker is not asked for again; one that was not applied is.
  expect(games.map(({ engine }) => engine.callsOf('init'))).toEqual([1, 1, 2, 1, 1, 1, 1]);

  expect([422, 503]).toContain((await refused).status);
  await waitFor(async () => (await operationsOf(gm, rollingBack.gameId)).length > 0);
  expect(await operationsOf(gm, rollingBack.gameId)).toEqual([
    'register starting > null engine_validation_error',
  ]);
  expect(await mappingsOf(gm, rollingBack.gameId)).toEqual([]);
  expect((await untilTold(() => register(rollingBack))).status).toBe(201);
  expect(rollingBack.engine.callsOf('init')).toBe(2);

  // What was registered is a game as any other.
  const forced = await Promise.all(games.map(({ gameId }) => gm.force(gameId)));
  expect(forced.map(({ body }) => body?.['current_turn'])).toEqual(games.map(() => 1));
});
