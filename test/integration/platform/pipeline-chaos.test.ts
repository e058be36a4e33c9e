/**
 * Short games from enrolment to the end, with one of the services, or the engines, killed at a random moment and started
 * again: everything ends as if nothing had been, and nothing happened twice. Every service is real; in the place of the
 * people there are callers who repeat what was not answered, and an operator who restarts engines that ended.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { gameGenerationFailed, toStreamFields } from '../../../pkg/notificationintent';
import { isCapable } from '../../../platform/lobby/domain/player-stats';
import { chaosSeeds, mulberry32 } from '../../support/chaos-seeds';
import { faultsOf } from '../../support/checker';
import { DRIVER_KITS } from '../../support/engine-drivers';
import { EVERY_SECOND } from '../../support/game-master';
import { ADMIN, as, type LobbyReply } from '../../support/lobby';
import { Platform } from '../../support/platform';
import type { ServiceProcess } from '../../support/service-process';
import { freshGameId, waitFor } from '../../support/stack';
import { operationsOf, statsTold } from '../../support/story';

type Json = Record<string, unknown>;

const FINISH_TURN = 4;
const PLAYERS = ['ann', 'bob'];
/** Games that are played side by side, each begun at another moment, so that a kill meets each at another point. */
const GAMES = 3;
/** From the beginning of the first game on; the last has ended some seconds after it. */
const KILL_WITHIN_MS = 4_000;
const AWAY_AT_MOST_MS = 1_500;
/** All that was asked for has happened by then. */
const TIMEOUT_MS = 45_000;

/** With the first driver, processes; those who ask for more have it with every driver. */
const KITS = process.env['CHAOS_SEEDS'] === undefined ? DRIVER_KITS.slice(0, 1) : DRIVER_KITS;

let platform: Platform;

type Kill = (random: () => number, games: Promise<string>[]) => Promise<void>;

const VICTIMS: [string, Kill][] = [
  ['Lobby', (random) => killProcesses(() => [platform.lobby.process], random)],
  ["Game Master's api", (random) => killProcesses(() => platform.gm.apis, random)],
  ["Game Master's worker", (random) => killProcesses(() => platform.gm.workers, random)],
  ['Runtime Manager', (random) => killProcesses(() => [platform.manager.process], random)],
  ['Notification', (random) => killProcesses(() => [platform.notification.process], random)],
  ['every service at once', (random) => killProcesses(() => platform.processes, random)],
  ['every engine', killEngines],
];
const TRIALS = VICTIMS.flatMap(([name, kill]) => chaosSeeds(1).map((seed) => [name, seed, kill] as const));

describe.each(KITS)('with engines of the %s driver', (driver, startKit) => {
  beforeAll(async () => {
    platform = await Platform.start({
      kit: await startKit(),
      env: {
        // Until the turns of a container have been read.
        runtimeManager: { RTMANAGER_RETENTION: driver === 'docker' ? '5s' : '1s' },
        gameMaster: { GAMEMASTER_MEMBERSHIP_CACHE_TTL: '1s' },
      },
      engine: { ENGINE_FINISH_TURN: FINISH_TURN.toString() },
    });
    await platform.addVersion('1.0.0', platform.kit.images.engine);
  }, 180_000);
  afterAll(async () => {
    await platform.stop();
  });

  test.each(TRIALS)(
    '%s killed at a random moment (seed %i): all games end the same, and nothing happened twice',
    async (_name, seed, kill) => {
      const random = mulberry32(seed);
      const begun = Array.from({ length: GAMES }, async (_, index) => {
        await delay(index * 700 * random());
        return enrolledGame();
      });
      let isOver = false;
      const killing = kill(random, begun);
      const mailing = sendMails(() => isOver);
      const counting = countEngines(() => isOver);
      const played = Promise.all(begun.map(async (gameId) => play(await gameId)));
      const [games] = await Promise.all([played, killing]).finally(() => (isOver = true));

      const faults = await Promise.all(
        games.map(async ({ gameId, turnLog }) =>
          (await faultsOfPipeline(gameId, turnLog)).map((fault) => `${gameId}: ${fault}`),
        ),
      );
      expect(faults.flat()).toEqual([]);
      expect(await counting).toEqual([]);
      await expectMails(await mailing);
      await platform.lobby.untilQuiet(TIMEOUT_MS);
      expect(await platform.deadLetters()).toEqual({});
      expect(
        platform.processes.flatMap(({ lines }) => lines.filter((line) => /"level":"fatal"/.test(line))),
      ).toEqual([]);
    },
    3 * TIMEOUT_MS,
  );
});

async function killProcesses(victims: () => ServiceProcess[], random: () => number): Promise<void> {
  const [moment, away] = [random() * KILL_WITHIN_MS, random() * AWAY_AT_MOST_MS];
  await delay(moment);
  await Promise.all(victims().map((victim) => victim.crash()));
  await delay(away);
  await Promise.all(victims().map((victim) => victim.startAgain()));
}

/** Each at its own moment, once it is up: whoever dies before has failed to start. */
async function killEngines(random: () => number, games: Promise<string>[]): Promise<void> {
  const { manager, kit, gm } = platform;
  const moments = games.map(() => random() * (KILL_WITHIN_MS - 1_000));
  await Promise.all(
    games.map(async (begun, index) => {
      const gameId = await begun;
      await manager.untilRuntime(gameId, { status: 'running' });
      await delay(moments[index]);
      // The last turn is not waited for: a game that is over needs no engine.
      if ((await gm.record(gameId))['status'] === 'finished') return;
      // It may be over since.
      await kit.signal(gameId, 'SIGKILL').catch(() => undefined);
      // The operator, who sees that the game has no engine.
      await waitFor(
        async () => {
          const { status } = await gm.record(gameId);
          if (status === 'finished') return true;
          if (status !== undefined && status !== 'engine_unreachable') return false;
          if ((await manager.runtime(gameId))['status'] !== 'exited') return false;
          return (await manager.call('POST', `/${gameId}/restart`)).status === 200;
        },
        { timeout: TIMEOUT_MS, describe: `the engine of ${gameId} to be restarted` },
      );
    }),
  );
}

/** Repeats a call that may not be answered, as its caller would, until what it asks for is so. */
function insist<T>(call: () => Promise<LobbyReply>, found: () => Promise<T | undefined>): Promise<T> {
  return waitFor(
    async () => {
      const before = await found();
      if (before !== undefined) return before;
      await call();
      return found();
    },
    { timeout: TIMEOUT_MS, describe: `an answer to ${call.toString()}` },
  );
}

const lobbyPath = (gameId: string, words = '') => `/api/v1/lobby/games/${gameId}${words}`;

async function isStatus(gameId: string, ...statuses: string[]): Promise<true | undefined> {
  return statuses.includes(String((await platform.lobby.game(gameId))['status'])) ? true : undefined;
}

/** A game with its players that has been asked to start. */
async function enrolledGame(): Promise<string> {
  const { lobby } = platform;
  // A draft whose answer was lost stays a draft.
  const gameId = await waitFor(() => lobby.createGame({ turn_schedule: EVERY_SECOND }), {
    timeout: TIMEOUT_MS,
  });
  const post = (words: string, body?: Json, headers: Record<string, string> = ADMIN) =>
    lobby.call('POST', lobbyPath(gameId, words), { headers, ...(body && { body }) });
  await insist(
    () => post('/open-enrollment'),
    () => isStatus(gameId, 'enrollment'),
  );
  for (const user of PLAYERS) {
    const applications = async () =>
      ((await lobby.call('GET', lobbyPath(gameId, '/applications'))).body['applications'] as Json[]).find(
        ({ user_id }) => user_id === user,
      );
    const { application_id } = await insist(
      () => post('/applications', { race_name: `Race of ${user}` }, as(user)),
      applications,
    );
    await insist(
      () => post(`/applications/${String(application_id)}/approve`),
      async () => (await lobby.members(gameId)).find(({ user_id }) => user_id === user),
    );
  }
  await insist(
    () => post('/start'),
    () => isStatus(gameId, 'starting', 'running', 'paused', 'finished'),
  );
  return gameId;
}

/** Plays until the game is finished: a command of each player, and an administrator who resumes what was paused. Returns what its engine made. */
async function play(gameId: string): Promise<{ gameId: string; turnLog: number[] }> {
  const { lobby } = platform;
  const waiting = new Set(PLAYERS);
  let last: Json = {};
  await waitFor(
    async () => {
      last = await lobby.game(gameId);
      if (last['status'] === 'paused') await lobby.call('POST', lobbyPath(gameId, '/resume'));
      for (const user of waiting) {
        if ((await platform.command(gameId, user)).status === 200) waiting.delete(user);
      }
      return last['status'] === 'finished';
    },
    {
      timeout: TIMEOUT_MS,
      interval: 200,
      describe: () => `${gameId} to be finished: ${JSON.stringify(last)}`,
    },
  );
  return { gameId, turnLog: await platform.turnLog(gameId) };
}

/** Mails to administrators while something is killed: Game Master's intents of a game whose turns fail. */
async function sendMails(isOver: () => boolean): Promise<{ gameId: string; count: number }> {
  const { gm } = platform;
  const gameId = freshGameId();
  let count = 0;
  while (!isOver()) {
    const intent = gameGenerationFailed({
      gameId,
      registrationId: 'run',
      occurredAtMs: Date.now(),
      occurrenceId: `turn-${++count}`,
      turnNumber: count,
      failureReason: 'engine_unreachable',
    });
    await gm.redis.xadd(gm.streams.intents, '*', ...Object.entries(toStreamFields(intent)).flat());
    await delay(200);
  }
  return { gameId, count };
}

async function expectMails({ gameId, count }: { gameId: string; count: number }): Promise<void> {
  const { notification } = platform;
  await waitFor(() => notification.mails(gameId).length >= count, { timeout: TIMEOUT_MS });
  // One that was taken when its sender died comes again under its Message-ID, and is one here.
  expect(notification.mails(gameId).sort()).toEqual(
    Array.from({ length: count }, (_, index) => `Turn ${index + 1} of ${gameId} could not be made`).sort(),
  );
}

/** Watches how many engines each game has. Returns the games that had more than one at a time. */
async function countEngines(isOver: () => boolean): Promise<string[]> {
  const doubled = new Set<string>();
  while (!isOver()) {
    const games = await platform.kit.engines();
    for (const gameId of games.filter((game, index) => games.indexOf(game) !== index)) doubled.add(gameId);
    await delay(250);
  }
  return [...doubled];
}

/** What is wrong with a game that is finished, in words. */
async function faultsOfPipeline(gameId: string, turnLog: number[]): Promise<string[]> {
  const { gm, lobby, manager, notification, kit } = platform;
  const faults = await faultsOf(gm, { gameId, engine: { turn: FINISH_TURN, turnLog } });
  // That the game is over was there to be seen before its stop job was sent.
  await lobby.untilQuiet(TIMEOUT_MS);
  const compare = (what: string, found: unknown, expected: unknown): void => {
    const [is, be] = [JSON.stringify(found), JSON.stringify(expected)];
    if (is !== be) faults.push(`${what}: ${is} instead of ${be}`);
  };

  const operations = await operationsOf(gm, gameId);
  compare(
    'registrations',
    operations.filter((operation) => operation.startsWith('register') && operation.endsWith('ok')).length,
    1,
  );

  const { status, runtime } = (await lobby.game(gameId)) as { status: string; runtime: Json };
  compare(
    "Lobby's game",
    [status, runtime['runtime_status'], runtime['current_turn']],
    ['finished', 'finished', FINISH_TURN],
  );
  const told = await statsTold(gm, gameId);
  for (const { user_id, stats, capable } of await lobby.members(gameId)) {
    const expected = told.get(String(user_id));
    const { max_planets, max_population, planets, population } = stats as Json;
    compare(
      `what Lobby summed up of ${String(user_id)}`,
      [planets, population, max_planets, max_population, capable],
      [
        expected?.planets,
        expected?.population,
        expected?.maxPlanets,
        expected?.maxPopulation,
        isCapable(expected ?? null),
      ],
    );
  }

  // A process that dies between sending a job and forgetting it has it sent again, as the same job, with the same result.
  const { startJobs, stopJobs } = {
    startJobs: await lobby.entries('startJobs', gameId),
    stopJobs: await lobby.entries('stopJobs', gameId),
  };
  compare('start jobs', distinct(startJobs).length, 1);
  compare(
    'stop jobs',
    distinct(stopJobs).map(({ reason }) => reason),
    ['finished'],
  );
  await manager.untilResults(gameId, startJobs.length + stopJobs.length);
  compare(
    'job results',
    distinct(await manager.results(gameId)).map(({ job, outcome }) => `${job} ${outcome}`),
    ['start success', 'stop success'],
  );
  await waitFor(async () => (await manager.call('GET', `/${gameId}`)).status === 404, {
    timeout: TIMEOUT_MS,
    describe: `${gameId} to be forgotten`,
  });
  compare('containers', await kit.create().inspect(gameId), null);
  compare(
    'engines',
    (await kit.engines()).filter((game) => game === gameId),
    [],
  );

  const pushes = PLAYERS.flatMap((user) => [
    `${user}: game.finished ${FINISH_TURN}`,
    ...Array.from({ length: FINISH_TURN - 1 }, (_, turn) => `${user}: game.turn.ready ${turn + 1}`),
  ]);
  await waitFor(async () => (await notification.pushes(gameId)).length >= pushes.length, {
    timeout: TIMEOUT_MS,
  });
  compare('pushes', (await notification.pushes(gameId)).sort(), pushes.sort());
  const paused = distinct(await lobby.entries('intents', gameId)).filter(({ notification_type }) =>
    notification_type?.startsWith('lobby.'),
  );
  await waitFor(() => notification.mails(gameId).length >= paused.length, { timeout: TIMEOUT_MS });
  compare('mails', notification.mails(gameId).length, paused.length);
  return faults;
}

function distinct<T extends object>(entries: T[]): T[] {
  return [...new Map(entries.map((entry) => [JSON.stringify(entry), entry])).values()];
}
