import { loadApiConfig } from '../../../config/api';
import { InvalidConfig } from '../../../config/env';
import { loadMigrationConfig } from '../../../config/migration';
import { loadWorkerConfig } from '../../../config/worker';

const required = {
  GAMEMASTER_POSTGRES_DSN: 'postgres://gm:secret@db:5432/gamemaster',
  GAMEMASTER_TEMPORAL_ADDRESS: 'temporal:7233',
  GAMEMASTER_LOBBY_BASE_URL: 'http://lobby:8080/',
  GAMEMASTER_RTM_BASE_URL: 'http://rtmanager:8080',
};
const requiredOfWorker = { ...required, GAMEMASTER_REDIS_URL: 'redis://redis:6379' };

function problemsOf(load: () => unknown): readonly string[] {
  try {
    load();
  } catch (error) {
    if (error instanceof InvalidConfig) return error.problems;
    throw error;
  }
  return [];
}

describe('the defaults', () => {
  it('of the api', () => {
    expect(loadApiConfig(required)).toEqual({
      postgres: {
        dsn: 'postgres://gm:secret@db:5432/gamemaster',
        poolSize: 10,
        connectTimeoutMs: 1_000,
        queryTimeoutMs: 1_000,
      },
      temporal: { address: 'temporal:7233', namespace: 'default', taskQueue: 'gamemaster' },
      lobbyBaseUrl: 'http://lobby:8080',
      rtmBaseUrl: 'http://rtmanager:8080',
      engineHosts: ['galaxy-game-*'],
      allowSeconds: false,
      shutdownTimeoutMs: 25_000,
      logLevel: 'info',
      metricsAddress: undefined,
      autoMigrate: true,
      warnings: [],
      httpAddress: { host: '127.0.0.1', port: 8097 },
      bodyLimit: 1_048_576,
      apiTokens: [],
      apiDocs: true,
      lifecycleWaitMs: 55_000,
      engineHotTimeoutMs: 5_000,
      lobbyTimeoutMs: 2_000,
      membershipCache: { ttlMs: 30_000, maxGames: 10_000 },
    });
  });

  it('of the worker', () => {
    expect(loadWorkerConfig(requiredOfWorker)).toMatchObject({
      redisUrl: 'redis://redis:6379',
      engine: {
        turnTimeoutMs: 60_000,
        turnAttempts: 3,
        turnDeadlineMs: 600_000,
        adminTimeoutMs: 10_000,
        ifMatch: true,
      },
      rtmTimeoutMs: 10_000,
      tickSpreadMs: 0,
      healthProbeThreshold: 3,
      streams: {
        lobbyEvents: 'gm:lobby_events',
        notificationIntents: 'notification:intents',
        healthEvents: 'runtime:health_events',
        maxLength: 10_000,
      },
      buildId: undefined,
    });
  });

  it('of the migration tool, which needs no Temporal', () => {
    const { GAMEMASTER_POSTGRES_DSN, GAMEMASTER_TEMPORAL_ADDRESS } = required;
    expect(loadMigrationConfig({ GAMEMASTER_POSTGRES_DSN }).temporal).toBeUndefined();
    expect(loadMigrationConfig({ GAMEMASTER_POSTGRES_DSN, GAMEMASTER_TEMPORAL_ADDRESS }).temporal).toEqual({
      address: 'temporal:7233',
      namespace: 'default',
    });
  });
});

describe('what is required', () => {
  it('is named all at once, and an empty variable counts as missing', () => {
    expect(problemsOf(() => loadWorkerConfig({ GAMEMASTER_REDIS_URL: ' ' }))).toEqual([
      'GAMEMASTER_POSTGRES_DSN is required',
      'GAMEMASTER_TEMPORAL_ADDRESS is required',
      'GAMEMASTER_LOBBY_BASE_URL is required',
      'GAMEMASTER_RTM_BASE_URL is required',
      'GAMEMASTER_REDIS_URL is required',
    ]);
    expect(problemsOf(() => loadApiConfig({}))).toHaveLength(4);
  });

  it('is reported together with what is wrong, and no value is shown', () => {
    const problems = problemsOf(() =>
      loadApiConfig({
        ...required,
        GAMEMASTER_POSTGRES_DSN: 'hunter2',
        GAMEMASTER_API_TOKENS: 'lobby:hunter2,nobody:hunter2',
        GAMEMASTER_LIFECYCLE_WAIT: '55',
        GAMEMASTER_AUTO_MIGRATE: 'yes',
      }),
    );
    expect(problems).toEqual([
      'GAMEMASTER_POSTGRES_DSN must be a URL that begins with postgres:// or postgresql://',
      'GAMEMASTER_AUTO_MIGRATE must be true or false',
      'GAMEMASTER_API_TOKENS must be a comma-separated list of caller:token, the caller one of lobby, gateway, admin, operator',
      'GAMEMASTER_LIFECYCLE_WAIT must be a duration such as 500ms, 30s, 5m or 1h, of less than 25 days',
    ]);
  });
});

describe('a value', () => {
  const wait = (text: string) =>
    loadApiConfig({ ...required, GAMEMASTER_LIFECYCLE_WAIT: text }).lifecycleWaitMs;
  it.each([
    ['500ms', 500],
    ['30s', 30_000],
    ['5m', 300_000],
    ['1h', 3_600_000],
    [' 2s ', 2_000],
  ])('of a duration may be %j', (text, ms) => {
    expect(wait(text)).toBe(ms);
  });
  it.each(['0s', '-1s', '1.5s', '1d', '5', 's', '1s 2s', '1S', '600h', '99999999999999999999s'])(
    'of a duration may not be %j',
    (text) => {
      expect(problemsOf(() => wait(text))).toHaveLength(1);
    },
  );

  const http = (text: string) => loadApiConfig({ ...required, GAMEMASTER_HTTP_ADDR: text }).httpAddress;
  it.each([
    ['0.0.0.0:80', { host: '0.0.0.0', port: 80 }],
    ['localhost:0', { host: 'localhost', port: 0 }],
    ['[::1]:65535', { host: '::1', port: 65_535 }],
  ])('of an address may be %j', (text, address) => {
    expect(http(text)).toEqual(address);
  });
  it.each([':80', 'host', 'host:', 'host:65536', 'http://host:80', '::1:80', 'ho st:80'])(
    'of an address may not be %j',
    (text) => {
      expect(problemsOf(() => http(text))).toHaveLength(1);
    },
  );

  const limit = (text: string) => loadApiConfig({ ...required, GAMEMASTER_HTTP_BODY_LIMIT: text }).bodyLimit;
  it.each([
    ['65536', 65_536],
    ['64KiB', 65_536],
    ['2MiB', 2_097_152],
  ])('of a size may be %j', (text, bytes) => {
    expect(limit(text)).toBe(bytes);
  });
  it.each(['0', '1MB', '1 MiB', '1GiB', '-1', '0x10'])('of a size may not be %j', (text) => {
    expect(problemsOf(() => limit(text))).toHaveLength(1);
  });

  it.each(['ftp://lobby', 'lobby:8080', 'http://user:pw@lobby', 'http://lobby?x=1', 'http://'])(
    'of a base URL may not be %j',
    (text) => {
      expect(problemsOf(() => loadApiConfig({ ...required, GAMEMASTER_LOBBY_BASE_URL: text }))).toHaveLength(
        1,
      );
    },
  );

  it('of a whole number is within its limits', () => {
    for (const text of ['0', '1.0', '1e3', '', '101']) {
      const load = () => loadWorkerConfig({ ...requiredOfWorker, GAMEMASTER_ENGINE_TURN_ATTEMPTS: text });
      expect(problemsOf(load)).toHaveLength(text === '' ? 0 : 1);
    }
  });

  it('of a spread may be zero', () => {
    const spread = (text: string) =>
      loadWorkerConfig({ ...requiredOfWorker, GAMEMASTER_TICK_SPREAD: text }).tickSpreadMs;
    expect(['0', '0s', '45s'].map(spread)).toEqual([0, 0, 45_000]);
    expect(problemsOf(() => spread('45'))).toHaveLength(1);
  });

  it('of the tokens names callers', () => {
    const load = (text: string) => loadApiConfig({ ...required, GAMEMASTER_API_TOKENS: text }).apiTokens;
    expect(load('lobby:a:b=, admin:c')).toEqual([
      { caller: 'lobby', token: 'a:b=' },
      { caller: 'admin', token: 'c' },
    ]);
    expect(problemsOf(() => load('lobby:'))).toHaveLength(1);
    expect(problemsOf(() => load('lobby:a,,admin:b'))).toHaveLength(1);
    expect(problemsOf(() => load('lobby:same,admin:same'))).toEqual([
      'GAMEMASTER_API_TOKENS must have no token twice',
    ]);
  });

  it('of the engine hosts is a list of patterns', () => {
    const load = (text: string) => loadApiConfig({ ...required, GAMEMASTER_ENGINE_HOSTS: text }).engineHosts;
    expect(load('galaxy-*, 127.0.0.1,localhost')).toEqual(['galaxy-*', '127.0.0.1', 'localhost']);
    expect(load('::1,[::1],fd00::*')).toHaveLength(3);
    expect(problemsOf(() => load('http://galaxy'))).toHaveLength(1);
  });

  it.each(['foo:8080', 'galaxy-game-*:8080', '127.0.0.1:80', '[::1]:80'])(
    'of the engine hosts has no port, as in %j',
    (text) => {
      expect(
        problemsOf(() => loadApiConfig({ ...required, GAMEMASTER_ENGINE_HOSTS: `galaxy-*,${text}` })),
      ).toEqual([expect.stringContaining('GAMEMASTER_ENGINE_HOSTS must be')]);
    },
  );
});

describe('what only the other process reads', () => {
  it('is checked for its form', () => {
    const ofWorker = {
      GAMEMASTER_REDIS_URL: 'garbage',
      GAMEMASTER_ENGINE_TURN_TIMEOUT: '1',
      GAMEMASTER_ENGINE_TURN_ATTEMPTS: 'abc',
    };
    const ofApi = {
      GAMEMASTER_HTTP_BODY_LIMIT: 'abc',
      GAMEMASTER_API_TOKENS: 'foo',
      GAMEMASTER_LIFECYCLE_WAIT: 'zzz',
    };
    const named = (problems: readonly string[]) => problems.map((problem) => problem.split(' ')[0]);
    expect(named(problemsOf(() => loadApiConfig({ ...required, ...ofWorker })))).toEqual(
      Object.keys(ofWorker),
    );
    expect(named(problemsOf(() => loadWorkerConfig({ ...requiredOfWorker, ...ofApi })))).toEqual(
      Object.keys(ofApi),
    );
  });

  it('may be missing, and need not go together with its own', () => {
    expect(problemsOf(() => loadApiConfig({ ...required, GAMEMASTER_ENGINE_TURN_TIMEOUT: '11m' }))).toEqual(
      [],
    );
    expect(
      problemsOf(() => loadWorkerConfig({ ...requiredOfWorker, GAMEMASTER_METRICS_ADDR: '127.0.0.1:8097' })),
    ).toEqual([]);
  });
});

describe('what goes together', () => {
  it('is checked', () => {
    expect(
      problemsOf(() =>
        loadWorkerConfig({
          ...requiredOfWorker,
          GAMEMASTER_ENGINE_TURN_TIMEOUT: '2m',
          GAMEMASTER_ENGINE_TURN_DEADLINE: '1m',
          GAMEMASTER_STREAM_LOBBY_EVENTS: 'x',
          GAMEMASTER_STREAM_HEALTH_EVENTS: 'x',
        }),
      ),
    ).toEqual([
      'GAMEMASTER_ENGINE_TURN_TIMEOUT and GAMEMASTER_ENGINE_TURN_DEADLINE must be in this order: one call is not longer than the whole turn',
      'GAMEMASTER_STREAM_LOBBY_EVENTS and GAMEMASTER_STREAM_NOTIFICATION_INTENTS and GAMEMASTER_STREAM_HEALTH_EVENTS must be three streams',
    ]);
    expect(
      problemsOf(() => loadApiConfig({ ...required, GAMEMASTER_METRICS_ADDR: '127.0.0.1:8097' })),
    ).toEqual(['GAMEMASTER_HTTP_ADDR and GAMEMASTER_METRICS_ADDR must be two addresses']);
  });

  it('is reported together with single values that are wrong', () => {
    expect(
      problemsOf(() =>
        loadWorkerConfig({
          ...requiredOfWorker,
          GAMEMASTER_ENGINE_TURN_TIMEOUT: '11m',
          GAMEMASTER_ENGINE_TURN_ATTEMPTS: 'many',
        }),
      ),
    ).toHaveLength(2);
  });
});

it('warns of names that mean nothing, and not of those of the other process', () => {
  const env = {
    ...requiredOfWorker,
    GAMEMASTER_HTTP_ADRR: 'x',
    PATH: '/bin',
    GAMEMASTER_ENGINE_TURN_ATTEMPTS: '3',
  };
  const warnings = ['GAMEMASTER_HTTP_ADRR is set, but there is no such setting'];
  expect(loadApiConfig(env).warnings).toEqual(warnings);
  expect(loadWorkerConfig({ ...env, GAMEMASTER_API_TOKENS: 'lobby:x' }).warnings).toEqual(warnings);
});
