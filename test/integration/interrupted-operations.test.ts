/**
 * Every operation of a game's life, interrupted while a neighbour has it in hand, by everything that it needs and that
 * can go away. Its caller repeats it with its key, as a 503 or a broken connection tells it to. The game is to begin a
 * new run as soon as it can.
 */
import { faultsOf } from '../support/checker';
import { GameMaster, untilTold, type Json, type Reply } from '../support/game-master';
import { freshGameId, stackAddresses } from '../support/stack';
import { operationsOf } from '../support/story';
import { TcpProxy } from '../support/tcp-proxy';
import { TestEngine } from '../support/test-engine';
import { TestRuntimeManager } from '../support/test-runtime-manager';
import { waitFor } from '../support/wait-for';

/** The lines of the processes to their servers. */
const lines: Record<string, TcpProxy> = {};
let gm: GameMaster;
let runtimeManager: TestRuntimeManager;
const engines: TestEngine[] = [];

beforeAll(async () => {
  const { postgresDsn, redisUrl, temporalAddress } = stackAddresses();
  const postgres = await TcpProxy.before(postgresDsn);
  const redis = await TcpProxy.before(redisUrl);
  const temporal = await TcpProxy.before(`tcp://${temporalAddress}`);
  Object.assign(lines, { postgres: postgres.proxy, redis: redis.proxy, temporal: temporal.proxy });
  runtimeManager = await TestRuntimeManager.start();
  gm = await GameMaster.start({
    addresses: {
      redisUrl: redis.url,
      temporalAddress: new URL(temporal.url).host,
      postgresDsn: postgres.url,
    },
    env: {
      GAMEMASTER_RTM_BASE_URL: runtimeManager.baseUrl,
      // Callers are let go soon, so that the outages need not be long.
      GAMEMASTER_LIFECYCLE_WAIT: '3s',
      // Neighbours have the calls in hand for as long as a busy machine takes to get there.
      GAMEMASTER_ENGINE_ADMIN_TIMEOUT: '60s',
      GAMEMASTER_RTM_TIMEOUT: '60s',
    },
  });
  for (const version of ['1.0.0', '1.0.1']) await gm.createVersion(version);
});

afterAll(async () => {
  await gm.stop();
  await Promise.all([...Object.values(lines).map((line) => line.close()), runtimeManager.stop()]);
});

afterEach(async () => {
  await Promise.all(engines.splice(0).map((engine) => engine.stop()));
});

async function newEngine(): Promise<TestEngine> {
  const engine = await TestEngine.start();
  engines.push(engine);
  return engine;
}

/** A call, made once, that stands in a neighbour until it is let go. */
interface Standing {
  name: string;
  gameId: string;
  engine: TestEngine;
  call: () => Promise<Reply>;
  isThere: () => boolean;
  letGo: () => void;
  /** What its caller is told in the end, and what the log has of it. */
  outcome: { status: number; body?: Json; row: string };
}

const KEY = { 'Idempotency-Key': 'k' };

function ask(gameId: string, operation: string, body: object): Promise<Reply> {
  return gm.call('POST', `/api/v1/internal/runtimes/${gameId}/${operation}`, { body, headers: KEY });
}

async function standing(): Promise<Standing[]> {
  const [registering, forced, finished, patched, stopped, banished] = await Promise.all(
    Array.from({ length: 6 }, newEngine),
  );
  if (!registering || !forced || !finished || !patched || !stopped || !banished) {
    throw new Error('six are needed');
  }
  finished.options.finishTurn = 1;
  const games = await Promise.all(
    [forced, finished, patched, stopped, banished].map((engine) => gm.running(engine)),
  );
  const [force = '', finish = '', patch = '', stop = '', banish = ''] = games;
  const register = freshGameId();
  // A game that is over makes no more turns, and the check wants to see one.
  await gm.force(stop);
  const asked = runtimeManager.requests;
  const letManagerGo = runtimeManager.hold();
  return [
    {
      name: 'register',
      gameId: register,
      engine: registering,
      call: () => gm.once.register(register, gm.registration(registering), KEY),
      isThere: () => registering.callsOf('init') > 0,
      letGo: registering.hold('init'),
      outcome: {
        status: 201,
        body: { status: 'running', current_turn: 0 },
        row: 'register starting > running ok',
      },
    },
    {
      name: 'force',
      gameId: force,
      engine: forced,
      call: () => gm.once.force(force, KEY),
      isThere: () => forced.callsOf('turn') > 0,
      letGo: forced.holdTurns(),
      outcome: {
        status: 200,
        body: { status: 'running', current_turn: 1 },
        row: 'force generation_in_progress > running ok',
      },
    },
    {
      name: 'finish',
      gameId: finish,
      engine: finished,
      call: () => gm.once.force(finish, KEY),
      isThere: () => finished.callsOf('turn') > 0,
      letGo: finished.holdTurns(),
      outcome: {
        status: 200,
        body: { status: 'finished', current_turn: 1 },
        row: 'finish generation_in_progress > finished ok',
      },
    },
    {
      name: 'patch',
      gameId: patch,
      engine: patched,
      call: () => ask(patch, 'patch', { version: '1.0.1' }),
      isThere: () => asked.includes(`patch ${patch}`),
      letGo: letManagerGo,
      outcome: {
        status: 200,
        body: { status: 'running', current_engine_version: '1.0.1' },
        row: 'patch running > null ok',
      },
    },
    {
      name: 'stop',
      gameId: stop,
      engine: stopped,
      call: () => ask(stop, 'stop', { reason: 'over' }),
      isThere: () => asked.includes(`stop ${stop}`),
      letGo: letManagerGo,
      outcome: { status: 200, body: { status: 'stopped' }, row: 'stop running > stopped ok' },
    },
    {
      name: 'banish',
      gameId: banish,
      engine: banished,
      call: () => ask(banish, 'banish', { race_name: 'Borg' }),
      isThere: () => banished.callsOf('banish') > 0,
      letGo: banished.hold('banish'),
      outcome: { status: 204, row: 'banish running > null ok' },
    },
  ];
}

/** Makes something go away; what comes back brings it back. */
type Fault = () => Promise<() => Promise<unknown>>;

const FAULTS: [string, Fault][] = [
  ...['postgres', 'redis', 'temporal'].map((server): [string, Fault] => [
    server,
    async () => {
      await lines[server]?.setMode('refuse');
      return async () => lines[server]?.setMode('pass');
    },
  ]),
  [
    'the worker',
    async () => {
      await gm.workers.pop()?.crash();
      return () => gm.addWorker();
    },
  ],
  [
    'the api',
    async () => {
      await gm.apis.pop()?.crash();
      return () => gm.addApi();
    },
  ],
];

test.each(FAULTS)(
  '%s goes away in the middle of each operation: each is done, and once',
  async (_, goAway) => {
    const games = await standing();
    const early = games.map(async ({ call, isThere }) => {
      for (;;) {
        const status = await call().then(
          (reply) => reply.status,
          () => 'lost',
        );
        // On a busy machine the game may not have taken it.
        if (status !== 503 || isThere()) return status;
      }
    });
    for (const { name, isThere } of games) await waitFor(isThere, { describe: `${name} to be asked for` });
    const runs = await Promise.all(
      games.map(async ({ gameId }) => {
        await gm.workflow(gameId).signal('continue-as-new');
        return (await gm.workflow(gameId).describe()).runId;
      }),
    );

    const comeBack = await goAway();
    for (const { letGo } of games) letGo();
    const told = await Promise.all(early);
    await comeBack();

    const replies = await Promise.all(games.map(({ call }) => untilTold(call)));
    expect(
      games.map(({ name }, at) => ({ name, status: replies[at]?.status, body: replies[at]?.body })),
    ).toMatchObject(games.map(({ name, outcome: { status, body } }) => ({ name, status, body })));
    // Who was told at once was told the truth.
    games.forEach(({ outcome: { status } }, at) => expect([status, 503, 'lost']).toContain(told[at]));

    for (const [at, { name, gameId, engine, outcome }] of games.entries()) {
      const rows = await operationsOf(gm, gameId);
      expect([name, rows.filter((row) => row.startsWith(name))]).toEqual([name, [outcome.row]]);
      if (['register', 'patch', 'banish'].includes(name)) {
        await untilTold(() => gm.force(gameId, { 'Idempotency-Key': 'after' }));
      }
      expect([name, engine.turnLog]).toEqual([name, [1]]);
      const reply = replies[at];
      const faults = await faultsOf(gm, { gameId, engine, replies: reply?.body ? [reply] : [] });
      expect([name, faults]).toEqual([name, []]);
      // What is over ends in the run that it was in; the others are in a new one.
      const isOver = ['stop', 'finish'].includes(name);
      await waitFor(
        async () => {
          const { status, runId } = await gm.workflow(gameId).describe();
          return isOver ? status.name === 'COMPLETED' && runId === runs[at] : runId !== runs[at];
        },
        { describe: `the run of ${name}` },
      );
    }
  },
);
