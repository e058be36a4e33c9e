import { readSettings } from './env';
import { readByWorker, toSharedConfig, workerChecks, type SharedConfig } from './settings';

/** What the worker process is told. Times in milliseconds. */
export interface WorkerConfig extends SharedConfig {
  redisUrl: string;
  engine: {
    /** Of one call of a turn. */
    turnTimeoutMs: number;
    /** How often the engine itself may fail in a turn. */
    turnAttempts: number;
    /** Of a turn in all. */
    turnDeadlineMs: number;
    /** Of init, status and banish. */
    adminTimeoutMs: number;
    /** Whether the engines compare `If-Match` when they apply a turn. */
    ifMatch: boolean;
  };
  rtmTimeoutMs: number;
  tickSpreadMs: number;
  healthProbeThreshold: number;
  streams: {
    lobbyEvents: string;
    notificationIntents: string;
    healthEvents: string;
    /** Entries that a stream keeps, approximately. */
    maxLength: number;
  };
  /** The version of this worker where Worker Versioning is used; undefined where it is not. */
  buildId: string | undefined;
  cachedWorkflows: number;
}

/** @throws InvalidConfig with every problem */
export function loadWorkerConfig(env: NodeJS.ProcessEnv): WorkerConfig {
  const values = readSettings(env, readByWorker, workerChecks);
  return {
    ...toSharedConfig(values, env),
    redisUrl: values.GAMEMASTER_REDIS_URL,
    engine: {
      turnTimeoutMs: values.GAMEMASTER_ENGINE_TURN_TIMEOUT,
      turnAttempts: values.GAMEMASTER_ENGINE_TURN_ATTEMPTS,
      turnDeadlineMs: values.GAMEMASTER_ENGINE_TURN_DEADLINE,
      adminTimeoutMs: values.GAMEMASTER_ENGINE_ADMIN_TIMEOUT,
      ifMatch: values.GAMEMASTER_ENGINE_IF_MATCH,
    },
    rtmTimeoutMs: values.GAMEMASTER_RTM_TIMEOUT,
    tickSpreadMs: values.GAMEMASTER_TICK_SPREAD,
    healthProbeThreshold: values.GAMEMASTER_HEALTH_PROBE_THRESHOLD,
    streams: {
      lobbyEvents: values.GAMEMASTER_STREAM_LOBBY_EVENTS,
      notificationIntents: values.GAMEMASTER_STREAM_NOTIFICATION_INTENTS,
      healthEvents: values.GAMEMASTER_STREAM_HEALTH_EVENTS,
      maxLength: values.GAMEMASTER_STREAM_MAX_LENGTH,
    },
    buildId: values.GAMEMASTER_WORKER_BUILD_ID,
    cachedWorkflows: values.GAMEMASTER_WORKER_CACHED_WORKFLOWS,
  };
}
