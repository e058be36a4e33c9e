/**
 * Lobby and Game Master together: real processes of both, real Postgres, Redis and engines. Of Runtime Manager there is
 * what answers start jobs with an engine, and agrees to stops.
 */
import { Redis } from 'ioredis';
import { isCapable } from '../../../platform/lobby/domain/player-stats';
import { forcedTurn } from '../../support/forced-turn';
import { EVERY_SECOND, GameMaster, NEVER_SOON, untilTold } from '../../support/game-master';
import { as, Lobby } from '../../support/lobby';
import { ReferenceEngine } from '../../support/reference-engine';
import { freePort, stackAddresses, waitFor } from '../../support/stack';
import { statsTold } from '../../support/story';
import { TcpProxy } from '../../support/tcp-proxy';
import { TestRuntimeManager } from '../../support/test-runtime-manager';

type Json = Record<string, unknown>;

const FINISH_TURN = 3;

let gm: GameMaster;
let runtimeManager: TestRuntimeManager;
/** Lobby's way to Game Master. */
let way: TcpProxy;
let lobby: Lobby;
let engines: EngineStarter;

beforeAll(async () => {
  const port = await freePort();
  runtimeManager = await TestRuntimeManager.start();
  gm = await GameMaster.start({
    env: {
      GAMEMASTER_LOBBY_BASE_URL: `http://127.0.0.1:${port}`,
      GAMEMASTER_RTM_BASE_URL: runtimeManager.baseUrl,
    },
  });
  await gm.createVersion();
  const { proxy, url } = await TcpProxy.before(gm.apis[0]?.baseUrl ?? '');
  way = proxy;
  lobby = await Lobby.start({
    gameMasterUrl: url,
    port,
    streams: { lobbyEvents: gm.streams.lobbyEvents },
    env: { LOBBY_REGISTER_ATTEMPTS: '2' },
  });
  engines = new EngineStarter(lobby.streams.startJobs, lobby.streams.jobResults);
});
afterAll(async () => {
  await engines.stop();
  await lobby.stop();
  await gm.stop();
  await way.close();
  await runtimeManager.stop();
});

/** Answers each start job with an engine of its own, as a Runtime Manager would. */
class EngineStarter {
  private readonly redis = new Redis(stackAddresses().redisUrl);
  private readonly engines: ReferenceEngine[] = [];
  private readonly working: Promise<void>;
  private stopping = false;
  private held: Promise<void> = Promise.resolve();
  private release: () => void = () => undefined;

  constructor(
    private readonly jobs: string,
    private readonly results: string,
  ) {
    this.working = this.work();
  }

  async stop(): Promise<void> {
    this.stopping = true;
    this.release();
    await this.working;
    this.redis.disconnect();
    await Promise.all(this.engines.map((engine) => engine.stop()));
  }

  /** Has every engine come up later: once the returned function is called. */
  hold(): () => void {
    this.held = new Promise((resolve) => (this.release = resolve));
    return this.release;
  }

  private async work(): Promise<void> {
    let position = '0-0';
    while (!this.stopping) {
      const reply = await this.redis.xread('BLOCK', 200, 'STREAMS', this.jobs, position);
      for (const [id, flat] of reply?.[0]?.[1] ?? []) {
        const field = (name: string): string => flat[flat.indexOf(name) + 1] ?? '';
        const engine = await ReferenceEngine.start({ ENGINE_FINISH_TURN: FINISH_TURN.toString() });
        this.engines.push(engine);
        const result = {
          job: 'start',
          game_id: field('game_id'),
          requested_at_ms: field('requested_at_ms'),
          outcome: 'success',
          container_id: 'c0ffee',
          engine_endpoint: engine.endpoint,
          error_code: '',
          error_message: '',
        };
        await this.held;
        await this.redis.xadd(this.results, '*', ...Object.entries(result).flat());
        position = id;
      }
    }
  }
}

/** Repeated while Game Master does not hear from Lobby, or from the engine, in time. */
function command(gameId: string, user: string): Promise<{ status: number; body: Json | undefined }> {
  return untilTold(() =>
    gm.call('POST', `/api/v1/internal/games/${gameId}/commands`, {
      body: { commands: [{ type: 'move' }] },
      headers: as(user),
    }),
  );
}

test('a game is started: it runs at Game Master, and Lobby shows what that tells', async () => {
  const gameId = await lobby.enrolledGame(['ann', 'bob'], { turn_schedule: NEVER_SOON });
  await lobby.post(gameId, 'start');
  await lobby.untilStatus(gameId, 'running');
  expect(await gm.untilRecord(gameId, { status: 'running' })).toMatchObject({
    current_turn: 0,
    current_image_ref: 'galaxy/game:1.0.0',
    turn_schedule: NEVER_SOON,
  });
  await lobby.untilShown(gameId, { current_turn: 0, runtime_status: 'running', engine_health: 'healthy' });
  const told = await statsTold(gm, gameId);
  expect(told.size).toBe(2);
  expect(await lobby.members(gameId)).toMatchObject(
    ['ann', 'bob'].map((user) => ({ user_id: user, stats: { planets: told.get(user)?.planets } })),
  );
});

test('a game is played to its end by its schedule: turns are summed up, and the players found capable or not', async () => {
  const gameId = await lobby.enrolledGame(['ann', 'bob'], { turn_schedule: EVERY_SECOND });
  await lobby.post(gameId, 'start');
  await waitFor(
    async () => Number(((await lobby.game(gameId))['runtime'] as Json | null)?.['current_turn']) >= 1,
    {
      describe: 'a turn to be shown',
    },
  );
  const game = await lobby.untilStatus(gameId, 'finished', 40_000);
  expect(game).toMatchObject({ runtime: { current_turn: FINISH_TURN, runtime_status: 'finished' } });

  const told = await statsTold(gm, gameId);
  for (const { user_id, stats, capable } of await lobby.members(gameId)) {
    const expected = told.get(String(user_id)) ?? null;
    expect(stats).toEqual({
      planets: expected?.planets,
      population: expected?.population,
      initial_planets: expected?.initialPlanets,
      initial_population: expected?.initialPopulation,
      max_planets: expected?.maxPlanets,
      max_population: expected?.maxPopulation,
    });
    expect(expected?.maxPopulation).toBeGreaterThan(expected?.initialPopulation ?? Infinity);
    expect(capable).toBe(isCapable(expected));
  }
  expect(await lobby.untilEntries('stopJobs', gameId)).toMatchObject([{ reason: 'finished' }]);
});

test("a removed member's next command is forbidden, and their race is banished", async () => {
  const gameId = await lobby.enrolledGame(['ann', 'bob'], { turn_schedule: NEVER_SOON });
  await lobby.post(gameId, 'start');
  await lobby.untilStatus(gameId, 'running');
  expect((await command(gameId, 'bob')).status).toBe(200);
  expect((await command(gameId, 'eve')).status).toBe(403);

  await lobby.post(gameId, 'members/bob/remove');
  const refused = await command(gameId, 'bob');
  expect([refused.status, refused.body?.['error']]).toEqual([
    403,
    expect.objectContaining({ code: 'forbidden' }),
  ]);
  expect((await command(gameId, 'ann')).status).toBe(200);
  // An attempt that failed before is in the log as well.
  const banished = await waitFor(
    async () =>
      (await gm.operations(gameId)).find(({ kind, outcome }) => kind === 'banish' && outcome === 'success'),
    { describe: 'the race to be banished' },
  );
  expect(banished).toMatchObject({ source: 'lobby' });
});

test('a game is cancelled: Game Master has its engine taken down and stops it', async () => {
  const gameId = await lobby.enrolledGame(['ann'], { turn_schedule: NEVER_SOON });
  await lobby.post(gameId, 'start');
  await lobby.untilStatus(gameId, 'running');
  await lobby.post(gameId, 'cancel');
  await gm.untilRecord(gameId, { status: 'stopped' });
  expect(runtimeManager.requests).toContain(`stop ${gameId}`);
  await lobby.untilShown(gameId, { runtime_status: 'stopped' });
  expect(await lobby.game(gameId)).toMatchObject({ status: 'cancelled', status_reason: 'on_request' });
});

test('without Game Master nothing is started; a game whose engine came up is paused, and resumed later', async () => {
  const gameId = await lobby.enrolledGame(['ann', 'bob'], { turn_schedule: NEVER_SOON });
  await way.setMode('refuse');
  expect((await lobby.call('POST', `/api/v1/lobby/games/${gameId}/start`)).status).toBe(503);
  expect(await lobby.game(gameId)).toMatchObject({ status: 'enrollment' });

  await way.setMode('pass');
  const letEngineUp = engines.hold();
  await lobby.post(gameId, 'start');
  await way.setMode('refuse');
  letEngineUp();
  expect(await lobby.untilStatus(gameId, 'paused')).toMatchObject({
    status_reason: 'game_master_unavailable',
  });
  expect(await lobby.untilEntries('intents', gameId)).toHaveLength(1);
  expect((await gm.call('GET', `/api/v1/internal/runtimes/${gameId}`)).status).toBe(404);

  await way.setMode('pass');
  await lobby.post(gameId, 'resume');
  await lobby.untilStatus(gameId, 'running');
  await gm.untilRecord(gameId, { status: 'running' });
});

test('a registration whose answer is lost is one registration', async () => {
  const gameId = await lobby.enrolledGame(['ann', 'bob'], { turn_schedule: NEVER_SOON });
  const letEngineUp = engines.hold();
  await lobby.post(gameId, 'start');
  way.loseReplyAfter(0);
  letEngineUp();
  await gm.untilRecord(gameId, { status: 'running' });
  await way.setMode('pass');
  await lobby.untilStatus(gameId, 'running');
  const registrations = (await gm.operations(gameId)).filter(({ kind }) => kind === 'register');
  expect(registrations).toMatchObject([{ outcome: 'success', source: 'lobby' }]);
});

test('what is trimmed from the stream while Lobby is away is asked of Game Master', async () => {
  const games = await Promise.all(
    ['played', 'finished', 'stopped', 'later'].map(async (name) => {
      const gameId = await lobby.enrolledGame(['ann', 'bob'], { name, turn_schedule: NEVER_SOON });
      await lobby.post(gameId, 'start');
      await lobby.untilStatus(gameId, 'running');
      return gameId;
    }),
  );
  const [played = '', finished = '', stopped = '', later = ''] = games;
  await lobby.untilQuiet();
  await lobby.restart(async () => {
    await forcedTurn(gm, played);
    for (let turn = 1; turn <= FINISH_TURN; turn++) await forcedTurn(gm, finished);
    expect((await untilTold(() => gm.stopGame(stopped, { 'Idempotency-Key': 'stop' }))).status).toBe(200);
    for (const gameId of games) await gm.untilOutboxEmpty(gameId);
    await gm.redis.xtrim(gm.streams.lobbyEvents, 'MAXLEN', 0);
    await way.setMode('refuse');
    await forcedTurn(gm, later);
    await gm.untilOutboxEmpty(later);
  });
  await way.setMode('pass');
  await lobby.untilShown(played, { current_turn: 1, runtime_status: 'running', engine_health: 'healthy' });
  await lobby.untilStatus(finished, 'finished');
  expect(await lobby.untilEntries('stopJobs', finished)).toMatchObject([{ reason: 'finished' }]);
  expect(await lobby.untilStatus(stopped, 'cancelled')).toMatchObject({ status_reason: 'runtime_stopped' });
  await lobby.untilShown(later, { current_turn: 1 });
  await forcedTurn(gm, later);
  await lobby.untilShown(later, { current_turn: 2 });
});

test('Lobby is killed again and again while a game is played: it ends the same', async () => {
  const gameId = await lobby.enrolledGame(['ann', 'bob'], { turn_schedule: EVERY_SECOND });
  await lobby.post(gameId, 'start');
  await lobby.restart();
  // It may be over before anybody looks: it lasts for three seconds.
  await waitFor(async () => ['running', 'finished'].includes(String((await lobby.game(gameId))['status'])), {
    describe: 'the game to run',
  });
  await lobby.restart();
  await lobby.untilStatus(gameId, 'finished', 40_000);
  await lobby.untilQuiet();
  const told = await statsTold(gm, gameId);
  expect(await lobby.members(gameId)).toMatchObject(
    ['ann', 'bob'].map((user) => ({
      user_id: user,
      capable: isCapable(told.get(user) ?? null),
      stats: { max_population: told.get(user)?.maxPopulation },
    })),
  );
  // A process that dies between sending a job and forgetting it leaves it to be sent again, as the same job.
  for (const stream of ['startJobs', 'stopJobs'] as const) {
    const times = (await lobby.entries(stream, gameId)).map(({ requested_at_ms }) => requested_at_ms);
    expect([stream, new Set(times).size]).toEqual([stream, 1]);
  }
});
