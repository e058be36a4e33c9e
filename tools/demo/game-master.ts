import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import {
  GameMasterRefusal,
  gameMasterClient,
  orThrow,
  type GameMasterClient,
} from '../../clients/gamemaster';
import { SHUTDOWN_TIMEOUT, type Ground, type ServiceProgram } from './ground';

const API_PORT = 8097;

/** Game Master before it is started: others have to know its address. */
export interface GameMaster {
  client: GameMasterClient;
  /** Origin of the api. */
  url: string;
  programs: ServiceProgram[];
}

export async function planGameMaster(
  ground: Ground,
  neighbours: { lobbyUrl: string; runtimeManagerUrl: string },
): Promise<GameMaster> {
  const { names, stack, postgresDsn } = ground;
  const env = {
    GAMEMASTER_POSTGRES_DSN: postgresDsn,
    // A machine that does other things as well may stand still for a moment.
    GAMEMASTER_POSTGRES_QUERY_TIMEOUT: '5s',
    GAMEMASTER_LOBBY_TIMEOUT: '5s',
    GAMEMASTER_REDIS_URL: stack.redis.url,
    GAMEMASTER_TEMPORAL_ADDRESS: stack.temporal.address,
    GAMEMASTER_TEMPORAL_TASK_QUEUE: names.taskQueue,
    GAMEMASTER_LOBBY_BASE_URL: neighbours.lobbyUrl,
    GAMEMASTER_RTM_BASE_URL: neighbours.runtimeManagerUrl,
    GAMEMASTER_ENGINE_HOSTS: '127.0.0.1',
    // A hanging engine is given up soon, so that it can be watched.
    GAMEMASTER_ENGINE_TURN_TIMEOUT: '3s',
    GAMEMASTER_ENGINE_TURN_ATTEMPTS: '2',
    GAMEMASTER_ENGINE_ADMIN_TIMEOUT: '2s',
    GAMEMASTER_HEALTH_PROBE_THRESHOLD: '5',
    GAMEMASTER_SCHEDULE_ALLOW_SECONDS: 'true',
    GAMEMASTER_STREAM_LOBBY_EVENTS: names.streams.lobbyEvents,
    GAMEMASTER_STREAM_NOTIFICATION_INTENTS: names.streams.notificationIntents,
    GAMEMASTER_STREAM_HEALTH_EVENTS: names.streams.healthEvents,
    GAMEMASTER_SHUTDOWN_TIMEOUT: SHUTDOWN_TIMEOUT,
  };
  const apiPort = await ground.port(API_PORT);
  const workerPort = await ground.port();
  const url = `http://127.0.0.1:${apiPort}`;
  return {
    url,
    client: gameMasterClient({ baseUrl: url }),
    programs: [
      {
        name: 'The api',
        folder: 'api',
        script: 'api/main.js',
        addressVariable: 'GAMEMASTER_HTTP_ADDR',
        port: apiPort,
        env,
      },
      {
        name: 'The worker',
        folder: 'worker',
        script: 'worker/main.js',
        addressVariable: 'GAMEMASTER_METRICS_ADDR',
        port: workerPort,
        env,
      },
    ],
  };
}

/** Makes an engine version known to Game Master. */
export async function addVersion(
  client: GameMasterClient,
  body: { version: string; image_ref: string },
): Promise<void> {
  await orThrow(client.POST('/api/v1/internal/engine-versions', { body }));
}

const TOLD_WITHIN_MS = 30_000;
const REPEAT_AFTER_MS = 1_000;

/** A 503 says that the outcome is not known: the same key finds it out, or tries again. */
export async function untilTold<Data>(
  call: (header: {
    'Idempotency-Key': string;
  }) => Promise<{ data?: Data; error?: unknown; response: Response }>,
): Promise<Data> {
  const deadline = Date.now() + TOLD_WITHIN_MS;
  const header = { 'Idempotency-Key': randomUUID() };
  for (;;) {
    try {
      return await orThrow(call(header));
    } catch (error) {
      if (!(error instanceof GameMasterRefusal && error.status === 503) || Date.now() > deadline) throw error;
      await delay(REPEAT_AFTER_MS);
    }
  }
}
