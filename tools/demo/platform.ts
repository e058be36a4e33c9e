import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { Redis } from 'ioredis';
import {
  gameMasterClient,
  GameMasterRefusal,
  orThrow,
  type GameMasterClient,
  type GameMasterSchemas,
} from '../../clients/gamemaster';
import { gameWorkflowId } from '../../workflows/messages';
import { createDatabase, dropDatabase, startStack, type Stack } from '../stack';
import { claimPort } from '../stack/ports';
import { Reaper } from '../stack/reaper';
import { serveContainerStops } from './container-stopper';
import { startEngine, stopEngine } from './engines';
import { OWN_NAMES, sharedNames, type Names } from './names';
import { programProcess, type AtEnd } from './program-process';

/** Everything that runs, with two games being played. */
export interface Platform {
  gameMaster: GameMasterClient;
  /** Origin of the api. */
  apiUrl: string;
  names: Names;
  redisUrl: string;
  /** Page of the Temporal UI that lists the games; undefined where the server did not say where its UI is. */
  gamesPage: string | undefined;
  /** Folder with the log of each process. */
  dataDir: string;
  /** A line for each process that has ended and should not have. */
  troubles(): string[];
}

const API_PORT = 8097;
const ENGINE_VERSION = '1.0.0';
const IMAGE_REF = `galaxy/engine:${ENGINE_VERSION}`;
/** How long the processes may take to end: Ctrl-C is to take a few seconds. */
const SHUTDOWN_TIMEOUT = '4s';

/** One game soon comes to its end, the other goes on until it is stopped. */
const QUICK = {
  schedule: '*/5 * * * * *',
  engine: { ENGINE_FINISH_TURN: '8', ENGINE_TURN_DURATION: '200ms' },
  members: [
    { user_id: 'ann', race_name: 'Aelinari' },
    { user_id: 'bob', race_name: 'Borg' },
  ],
};
const ENDLESS = {
  schedule: '*/10 * * * * *',
  engine: { ENGINE_FINISH_TURN: '0', ENGINE_TURN_DURATION: '1s' },
  members: [
    { user_id: 'cleo', race_name: 'Cylons' },
    { user_id: 'dan', race_name: 'Drengin' },
    { user_id: 'eve', race_name: 'Eldar' },
  ],
};

/**
 * Starts servers, engines, api and worker, and registers two games over REST.
 * @throws Error saying what failed; `atEnd` has been told of everything that was started till then
 */
export async function startPlatform(say: (line: string) => void, atEnd: AtEnd): Promise<Platform> {
  say('Starting Temporal, Postgres and Redis');
  const stack = await startStack({ log: (line) => say(`  ${line}`) });
  atEnd(() => stack.stop());
  const reaper = new Reaper();
  atEnd(() => reaper.close());
  const { dataDir } = stack;

  const ownServers = [stack.temporal, stack.postgres, stack.redis].every(
    ({ server }) => server !== undefined,
  );
  const names = ownServers ? OWN_NAMES : sharedNames();
  const postgresDsn = await databaseOf(stack, names, atEnd);

  say('Starting two engines, the api and the worker');
  const games = [
    { ...QUICK, gameId: names.quick },
    { ...ENDLESS, gameId: names.endless },
  ];
  const engines = await Promise.all(
    games.map(({ gameId, engine }) => startEngine({ dataDir, gameId, settings: engine }, reaper, atEnd)),
  );
  const stopper = await serveContainerStops((gameId) => stopEngine(engines, gameId));
  atEnd(() => stopper.close());
  const env = {
    GAMEMASTER_POSTGRES_DSN: postgresDsn,
    GAMEMASTER_REDIS_URL: stack.redis.url,
    GAMEMASTER_TEMPORAL_ADDRESS: stack.temporal.address,
    GAMEMASTER_TEMPORAL_TASK_QUEUE: names.taskQueue,
    // Nothing of the demo asks Lobby for anything yet.
    GAMEMASTER_LOBBY_BASE_URL: 'http://127.0.0.1:1',
    GAMEMASTER_RTM_BASE_URL: stopper.baseUrl,
    GAMEMASTER_ENGINE_HOSTS: '127.0.0.1',
    GAMEMASTER_SCHEDULE_ALLOW_SECONDS: 'true',
    GAMEMASTER_STREAM_LOBBY_EVENTS: names.streams.lobbyEvents,
    GAMEMASTER_STREAM_NOTIFICATION_INTENTS: names.streams.notificationIntents,
    GAMEMASTER_STREAM_HEALTH_EVENTS: names.streams.healthEvents,
    GAMEMASTER_SHUTDOWN_TIMEOUT: SHUTDOWN_TIMEOUT,
  };
  const apiPort = await claimPort(API_PORT);
  atEnd(() => apiPort.release());
  const apiUrl = `http://127.0.0.1:${apiPort.number}`;
  const workerPort = await claimPort();
  atEnd(() => workerPort.release());
  const api = programProcess(
    {
      name: 'The api',
      script: 'api/main.js',
      env: { ...env, GAMEMASTER_HTTP_ADDR: `127.0.0.1:${apiPort.number}` },
      folder: path.join(dataDir, 'api'),
      readyUrl: `${apiUrl}/readyz`,
    },
    reaper,
  );
  const worker = programProcess(
    {
      name: 'The worker',
      script: 'worker/main.js',
      env: { ...env, GAMEMASTER_METRICS_ADDR: `127.0.0.1:${workerPort.number}` },
      folder: path.join(dataDir, 'worker'),
      readyUrl: `http://127.0.0.1:${workerPort.number}/readyz`,
    },
    reaper,
  );
  atEnd(async () => {
    await Promise.all([api.stop(), worker.stop()]);
  });
  await Promise.all([api.start(), worker.start()]);
  if (!ownServers) atEnd(() => leaveServersAsFound(stack, names));

  say('Registering two games over REST');
  const gameMaster = gameMasterClient({ baseUrl: apiUrl });
  await orThrow(
    gameMaster.POST('/api/v1/internal/engine-versions', {
      body: { version: ENGINE_VERSION, image_ref: IMAGE_REF },
    }),
  );
  await Promise.all(
    games.map(({ gameId, schedule, members }) =>
      register(gameMaster, gameId, {
        engine_endpoint: engines.find((engine) => engine.gameId === gameId)?.endpoint ?? '',
        members,
        target_engine_version: ENGINE_VERSION,
        turn_schedule: schedule,
      }),
    ),
  );

  return {
    gameMaster,
    apiUrl,
    names,
    redisUrl: stack.redis.url,
    gamesPage: stack.temporal.uiUrl && gamesPage(stack.temporal.uiUrl, names.taskQueue),
    dataDir,
    troubles: () =>
      [api, worker, ...engines.filter(({ stopped }) => !stopped).map(({ server }) => server)]
        .filter(({ pid }) => pid === undefined)
        .map(({ name }) => `${name} has ended: see its server.log below ${dataDir}`),
  };
}

async function databaseOf(stack: Stack, { database }: Names, atEnd: AtEnd): Promise<string> {
  const { dsn } = stack.postgres;
  if (database === null) return dsn;
  const own = await createDatabase(dsn, database);
  atEnd(() => dropDatabase(dsn, database));
  return own;
}

function gamesPage(uiUrl: string, taskQueue: string): string {
  const query = `WorkflowType="game" AND TaskQueue="${taskQueue}"`;
  return `${uiUrl}/namespaces/default/workflows?query=${encodeURIComponent(query)}`;
}

/** On servers that go on after the demo: ends its games and removes its streams. */
async function leaveServersAsFound({ temporal, redis }: Stack, names: Names): Promise<void> {
  const connection = await Connection.connect({ address: temporal.address, connectTimeout: 2_000 });
  const { workflow } = new Client({ connection });
  await Promise.all(
    [names.quick, names.endless].map((gameId) =>
      // One that has finished cannot be terminated.
      workflow
        .getHandle(gameWorkflowId(gameId))
        .terminate('the demo is over')
        .catch(() => undefined),
    ),
  );
  await connection.close();
  const client = new Redis(redis.url);
  try {
    await client.del(Object.values(names.streams).flatMap((stream) => [stream, `{${stream}}:sent`]));
  } finally {
    client.disconnect();
  }
}

const REGISTERED_WITHIN_MS = 30_000;
const REPEAT_AFTER_MS = 1_000;

/** A 503 says that the outcome is not known: the same key finds it out, or tries again. */
async function register(
  gameMaster: GameMasterClient,
  gameId: string,
  body: GameMasterSchemas['RegisterRuntimeRequest'],
): Promise<void> {
  const deadline = Date.now() + REGISTERED_WITHIN_MS;
  const header = { 'Idempotency-Key': randomUUID() };
  for (;;) {
    try {
      await orThrow(
        gameMaster.POST('/api/v1/internal/games/{game_id}/register-runtime', {
          params: { path: { game_id: gameId }, header },
          body,
        }),
      );
      return;
    } catch (error) {
      if (!(error instanceof GameMasterRefusal && error.status === 503) || Date.now() > deadline) throw error;
      await delay(REPEAT_AFTER_MS);
    }
  }
}
