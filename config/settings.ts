import type { z } from 'zod';
import {
  address,
  baseUrl,
  duration,
  flag,
  integer,
  list,
  oneOf,
  optional,
  size,
  text,
  unknownSettings,
  url,
  type Address,
  type CrossCheck,
  type Settings,
  type Values,
} from './env';

/** Every setting there is, with its default. docs/configuration.md says what each is for. */
export const sharedSettings = {
  GAMEMASTER_POSTGRES_DSN: url('postgres', 'postgresql'),
  GAMEMASTER_POSTGRES_POOL_SIZE: optional(integer(1, 1_000), '10'),
  GAMEMASTER_POSTGRES_CONNECT_TIMEOUT: optional(duration(), '1s'),
  GAMEMASTER_POSTGRES_QUERY_TIMEOUT: optional(duration(), '1s'),
  GAMEMASTER_TEMPORAL_ADDRESS: address(),
  GAMEMASTER_TEMPORAL_NAMESPACE: optional(text(), 'default'),
  GAMEMASTER_TEMPORAL_TASK_QUEUE: optional(text(), 'gamemaster'),
  GAMEMASTER_LOBBY_BASE_URL: baseUrl(),
  GAMEMASTER_RTM_BASE_URL: baseUrl(),
  GAMEMASTER_ENGINE_HOSTS: optional(
    // An IPv6 address is what has several colons.
    list(
      /^(?:[\w.*-]+|[\da-f.*]*(?::[\da-f.*]*){2,}|\[[\da-f.:*]+\])$/i,
      'host names without port, in which * stands for anything',
    ),
    'galaxy-game-*',
  ),
  GAMEMASTER_SCHEDULE_ALLOW_SECONDS: optional(flag(), 'false'),
  // Less than the half minute after which an orchestrator usually kills.
  GAMEMASTER_SHUTDOWN_TIMEOUT: optional(duration(), '25s'),
  GAMEMASTER_LOG_LEVEL: optional(oneOf(['trace', 'debug', 'info', 'warn', 'error', 'fatal']), 'info'),
  GAMEMASTER_METRICS_ADDR: address().optional(),
  GAMEMASTER_AUTO_MIGRATE: optional(flag(), 'true'),
};

export const apiSettings = {
  ...sharedSettings,
  GAMEMASTER_HTTP_ADDR: optional(address(), '127.0.0.1:8097'),
  GAMEMASTER_HTTP_BODY_LIMIT: optional(size(64 * 2 ** 20), '1MiB'),
  GAMEMASTER_API_TOKENS: list(
    /^(lobby|gateway|admin|operator):[\x21-\x2b\x2d-\x7e]+$/,
    'caller:token, the caller one of lobby, gateway, admin, operator',
  ).optional(),
  GAMEMASTER_API_DOCS: optional(flag(), 'true'),
  GAMEMASTER_LIFECYCLE_WAIT: optional(duration(), '55s'),
  GAMEMASTER_ENGINE_HOT_TIMEOUT: optional(duration(), '5s'),
  GAMEMASTER_LOBBY_TIMEOUT: optional(duration(), '2s'),
  GAMEMASTER_MEMBERSHIP_CACHE_TTL: optional(duration(), '30s'),
  GAMEMASTER_MEMBERSHIP_CACHE_MAX_GAMES: optional(integer(1, 1_000_000), '10000'),
};

export const workerSettings = {
  ...sharedSettings,
  GAMEMASTER_REDIS_URL: url('redis', 'rediss'),
  GAMEMASTER_ENGINE_TURN_TIMEOUT: optional(duration(), '60s'),
  GAMEMASTER_ENGINE_TURN_ATTEMPTS: optional(integer(1, 100), '3'),
  GAMEMASTER_ENGINE_TURN_DEADLINE: optional(duration(), '10m'),
  GAMEMASTER_ENGINE_ADMIN_TIMEOUT: optional(duration(), '10s'),
  GAMEMASTER_ENGINE_IF_MATCH: optional(flag(), 'true'),
  GAMEMASTER_RTM_TIMEOUT: optional(duration(), '10s'),
  GAMEMASTER_TICK_SPREAD: optional(duration({ zero: true }), '0'),
  GAMEMASTER_HEALTH_PROBE_THRESHOLD: optional(integer(1, 1_000), '3'),
  GAMEMASTER_STREAM_LOBBY_EVENTS: optional(text(), 'gm:lobby_events'),
  GAMEMASTER_STREAM_NOTIFICATION_INTENTS: optional(text(), 'notification:intents'),
  GAMEMASTER_STREAM_HEALTH_EVENTS: optional(text(), 'runtime:health_events'),
  GAMEMASTER_STREAM_MAX_LENGTH: optional(integer(1, 1_000_000_000), '10000'),
  GAMEMASTER_WORKER_BUILD_ID: text().optional(),
  GAMEMASTER_WORKER_CACHED_WORKFLOWS: optional(integer(1, 1_000_000), '1000'),
};

/**
 * What a process reads: the settings that are its own, and, because whoever sets up one process sets up both, those of
 * the other where they are there.
 */
export const readByApi = { ...optionalOnes(workerSettings), ...apiSettings };
export const readByWorker = { ...optionalOnes(apiSettings), ...workerSettings };

const tokensCheck = {
  settings: ['GAMEMASTER_API_TOKENS' as const],
  holds: ({ GAMEMASTER_API_TOKENS: entries = [] }: { GAMEMASTER_API_TOKENS?: string[] | undefined }) => {
    const tokens = entries.map(tokenOf);
    return new Set(tokens).size === tokens.length;
  },
  must: 'must have no token twice',
};

export const apiChecks: CrossCheck<typeof readByApi>[] = [
  tokensCheck,
  {
    settings: ['GAMEMASTER_HTTP_ADDR', 'GAMEMASTER_METRICS_ADDR'],
    holds: ({ GAMEMASTER_HTTP_ADDR: http, GAMEMASTER_METRICS_ADDR: metrics }) =>
      metrics === undefined || http.port === 0 || http.host !== metrics.host || http.port !== metrics.port,
    must: 'must be two addresses',
  },
];

export const workerChecks: CrossCheck<typeof readByWorker>[] = [
  tokensCheck,
  {
    settings: ['GAMEMASTER_ENGINE_TURN_TIMEOUT', 'GAMEMASTER_ENGINE_TURN_DEADLINE'],
    holds: (values) => values.GAMEMASTER_ENGINE_TURN_TIMEOUT <= values.GAMEMASTER_ENGINE_TURN_DEADLINE,
    must: 'must be in this order: one call is not longer than the whole turn',
  },
  {
    settings: [
      'GAMEMASTER_STREAM_LOBBY_EVENTS',
      'GAMEMASTER_STREAM_NOTIFICATION_INTENTS',
      'GAMEMASTER_STREAM_HEALTH_EVENTS',
    ],
    holds: (values) =>
      new Set([
        values.GAMEMASTER_STREAM_LOBBY_EVENTS,
        values.GAMEMASTER_STREAM_NOTIFICATION_INTENTS,
        values.GAMEMASTER_STREAM_HEALTH_EVENTS,
      ]).size === 3,
    must: 'must be three streams',
  },
];

/** What both processes are told. Times in milliseconds, sizes in bytes. */
export interface SharedConfig {
  postgres: { dsn: string; poolSize: number; connectTimeoutMs: number; queryTimeoutMs: number };
  temporal: { address: string; namespace: string; taskQueue: string };
  lobbyBaseUrl: string;
  rtmBaseUrl: string;
  /** Patterns of the hosts that engines may be on; `*` stands for any characters. */
  engineHosts: string[];
  /** Whether six-field cron is taken as well. */
  allowSeconds: boolean;
  shutdownTimeoutMs: number;
  logLevel: string;
  /** Where health and metrics are served; nowhere when undefined. */
  metricsAddress: Address | undefined;
  /** Whether the process brings schema and search attributes up to date itself. */
  autoMigrate: boolean;
  /** Lines to log: what was set and has no meaning. */
  warnings: string[];
}

export function toSharedConfig(values: Values<typeof sharedSettings>, env: NodeJS.ProcessEnv): SharedConfig {
  const known = Object.keys({ ...apiSettings, ...workerSettings });
  const temporal = values.GAMEMASTER_TEMPORAL_ADDRESS;
  return {
    postgres: {
      dsn: values.GAMEMASTER_POSTGRES_DSN,
      poolSize: values.GAMEMASTER_POSTGRES_POOL_SIZE,
      connectTimeoutMs: values.GAMEMASTER_POSTGRES_CONNECT_TIMEOUT,
      queryTimeoutMs: values.GAMEMASTER_POSTGRES_QUERY_TIMEOUT,
    },
    temporal: {
      address: formatAddress(temporal),
      namespace: values.GAMEMASTER_TEMPORAL_NAMESPACE,
      taskQueue: values.GAMEMASTER_TEMPORAL_TASK_QUEUE,
    },
    lobbyBaseUrl: values.GAMEMASTER_LOBBY_BASE_URL,
    rtmBaseUrl: values.GAMEMASTER_RTM_BASE_URL,
    engineHosts: values.GAMEMASTER_ENGINE_HOSTS,
    allowSeconds: values.GAMEMASTER_SCHEDULE_ALLOW_SECONDS,
    shutdownTimeoutMs: values.GAMEMASTER_SHUTDOWN_TIMEOUT,
    logLevel: values.GAMEMASTER_LOG_LEVEL,
    metricsAddress: values.GAMEMASTER_METRICS_ADDR,
    autoMigrate: values.GAMEMASTER_AUTO_MIGRATE,
    warnings: unknownSettings(env, 'GAMEMASTER_', known).map(
      (name) => `${name} is set, but there is no such setting`,
    ),
  };
}

/** The same forms, and nothing is required. */
function optionalOnes<S extends Settings>(settings: S): { [Name in keyof S]: z.ZodOptional<S[Name]> } {
  const entries = Object.entries(settings).map(([name, setting]) => [name, setting.optional()]);
  return Object.fromEntries(entries) as { [Name in keyof S]: z.ZodOptional<S[Name]> };
}

/** The token of a `caller:token` entry. */
export function tokenOf(entry: string): string {
  return entry.slice(entry.indexOf(':') + 1);
}

/** As Temporal and a listener take it. */
export function formatAddress({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
