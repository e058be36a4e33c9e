import { Client, Connection } from '@temporalio/client';
import { Redis } from 'ioredis';
import { Pool } from 'pg';
import { migrate } from '../../stores/migrate';
import { ServiceProcess } from './service-process';
import {
  freePort,
  freshDatabase,
  freshGameId,
  freshKeyPrefix,
  freshTaskQueue,
  stackAddresses,
} from './stack';
import type { TestEngine } from './test-engine';
import { repeatWhile, waitFor } from './wait-for';

/** Once a year, so that nothing ticks while a test forces turns. */
export const NEVER_SOON = '0 0 1 1 *';
export const EVERY_SECOND = '* * * * * *';

/** A JSON object of an answer: the tests say what they expect in it, the contract tests check its shape. */
export type Json = Record<string, unknown>;

export interface Reply {
  status: number;
  headers: Headers;
  body: Json | undefined;
}

export interface GameMasterOptions {
  apis?: number;
  workers?: number;
  /** More environment for both processes. */
  env?: Record<string, string>;
  /** Servers other than the shared ones, for tests that stop or freeze them. */
  addresses?: Partial<ReturnType<typeof stackAddresses>>;
}

/**
 * A Game Master of its own for one test file: real processes on the shared servers, with its own database, task queue
 * and streams.
 */
export class GameMaster {
  readonly apis: GameMasterProcess[] = [];
  readonly workers: GameMasterProcess[] = [];
  private replica = 0;

  private constructor(
    readonly environment: Readonly<Record<string, string>>,
    readonly database: Pool,
    readonly redis: Redis,
    readonly temporal: Client,
    readonly streams: { lobbyEvents: string; intents: string },
    private readonly cleanUp: () => Promise<void>,
  ) {}

  static async start(options: GameMasterOptions = {}): Promise<GameMaster> {
    const addresses = { ...stackAddresses(), ...options.addresses };
    const database = await freshDatabase(options.addresses?.postgresDsn);
    const prefix = freshKeyPrefix();
    const streams = { lobbyEvents: `${prefix}lobby_events`, intents: `${prefix}intents` };
    const environment = {
      GAMEMASTER_POSTGRES_DSN: database.dsn,
      GAMEMASTER_REDIS_URL: addresses.redisUrl,
      GAMEMASTER_TEMPORAL_ADDRESS: addresses.temporalAddress,
      GAMEMASTER_TEMPORAL_TASK_QUEUE: freshTaskQueue(),
      GAMEMASTER_LOBBY_BASE_URL: 'http://127.0.0.1:1',
      GAMEMASTER_RTM_BASE_URL: 'http://127.0.0.1:1',
      GAMEMASTER_ENGINE_HOSTS: '127.0.0.1',
      GAMEMASTER_SCHEDULE_ALLOW_SECONDS: 'true',
      GAMEMASTER_STREAM_LOBBY_EVENTS: streams.lobbyEvents,
      GAMEMASTER_STREAM_NOTIFICATION_INTENTS: streams.intents,
      GAMEMASTER_STREAM_HEALTH_EVENTS: `${prefix}health_events`,
      GAMEMASTER_SHUTDOWN_TIMEOUT: '10s',
      ...options.env,
    };
    const quiet = { info: ignore, warn: ignore, error: ignore };
    await migrate(database.dsn, quiet);
    const pool = new Pool({ connectionString: database.dsn, max: 4 });
    pool.on('error', ignore);
    const redis = new Redis(addresses.redisUrl);
    redis.on('error', ignore);
    const connection = await Connection.connect({ address: addresses.temporalAddress });
    const gameMaster = new GameMaster(
      environment,
      pool,
      redis,
      new Client({ connection }),
      streams,
      async () => {
        await pool.end();
        redis.disconnect();
        await connection.close();
        await database.drop().catch(ignore);
      },
    );
    try {
      await Promise.all([
        ...Array.from({ length: options.workers ?? 1 }, () => gameMaster.addWorker()),
        ...Array.from({ length: options.apis ?? 1 }, () => gameMaster.addApi()),
      ]);
    } catch (error) {
      await gameMaster.stop();
      throw error;
    }
    return gameMaster;
  }

  async addWorker(env: Record<string, string> = {}): Promise<GameMasterProcess> {
    const metricsPort = await freePort();
    const worker = new GameMasterProcess('worker', `http://127.0.0.1:${metricsPort}`, {
      ...this.environment,
      GAMEMASTER_METRICS_ADDR: `127.0.0.1:${metricsPort}`,
      ...env,
    });
    this.workers.push(worker);
    await worker.untilReady();
    return worker;
  }

  async addApi(env: Record<string, string> = {}): Promise<GameMasterProcess> {
    const port = await freePort();
    const api = new GameMasterProcess('api', `http://127.0.0.1:${port}`, {
      ...this.environment,
      GAMEMASTER_HTTP_ADDR: `127.0.0.1:${port}`,
      ...env,
    });
    this.apis.push(api);
    await api.untilReady();
    return api;
  }

  /** One REST call, to the replicas in turn. */
  async call(
    method: string,
    pathname: string,
    options: { body?: unknown; headers?: Record<string, string>; signal?: AbortSignal } = {},
  ): Promise<Reply> {
    const api = this.apis[this.replica++ % this.apis.length];
    if (api === undefined) throw new Error('no api runs');
    const response = await fetch(api.baseUrl + pathname, {
      method,
      headers: {
        ...(options.body !== undefined && { 'content-type': 'application/json' }),
        ...options.headers,
      },
      ...(options.body !== undefined && { body: JSON.stringify(options.body) }),
      ...(options.signal && { signal: options.signal }),
    });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      body: text === '' ? undefined : (JSON.parse(text) as Json),
    };
  }

  /**
   * The call as its caller is told to make it: again, under its key, for as long as the answer says nothing of what
   * becomes of it. A busy machine needs more time to take it than the front door waits.
   */
  async ask(...[method, pathname, options]: Parameters<GameMaster['call']>): Promise<Reply> {
    const headers = new Headers(options?.headers);
    return repeatWhile(isOpen, PATIENCE_MS, async () => {
      const reply = await this.call(method, pathname, { ...options, headers: Object.fromEntries(headers) });
      const key = reply.headers.get('idempotency-key');
      if (key !== null) headers.set('idempotency-key', key);
      return reply;
    });
  }

  async createVersion(version = '1.0.0'): Promise<void> {
    const body = { version, image_ref: `galaxy/game:${version}` };
    const { status } = await this.ask('POST', '/api/v1/internal/engine-versions', { body });
    if (status !== 201 && status !== 409) throw new Error(`engine version was not created: ${status}`);
  }

  /** The body of a registration with this engine. */
  registration(engine: Pick<TestEngine, 'endpoint'>, changes: Record<string, unknown> = {}) {
    return {
      engine_endpoint: engine.endpoint,
      members: [
        { user_id: 'ann', race_name: 'Aelinari' },
        { user_id: 'bob', race_name: 'Borg' },
      ],
      target_engine_version: '1.0.0',
      turn_schedule: NEVER_SOON,
      ...changes,
    };
  }

  register(gameId: string, body: object, headers: Record<string, string> = {}): Promise<Reply> {
    return this.ask('POST', `/api/v1/internal/games/${gameId}/register-runtime`, { body, headers });
  }

  /** A registered game on this engine; returns its id. */
  async running(
    engine: Pick<TestEngine, 'endpoint'>,
    changes: Record<string, unknown> = {},
  ): Promise<string> {
    await this.createVersion();
    const gameId = freshGameId();
    const body = this.registration(engine, changes);
    const reply = await untilTold(() => this.register(gameId, body, { 'Idempotency-Key': 'running' }));
    if (reply.status !== 201) throw new Error(`not registered: ${JSON.stringify(reply.body)}`);
    return gameId;
  }

  force(gameId: string, headers: Record<string, string> = {}): Promise<Reply> {
    return this.ask('POST', `/api/v1/internal/runtimes/${gameId}/force-next-turn`, { headers });
  }

  stopGame(gameId: string, headers: Record<string, string> = {}, reason = 'test'): Promise<Reply> {
    return this.ask('POST', `/api/v1/internal/runtimes/${gameId}/stop`, { body: { reason }, headers });
  }

  /** The same calls, made once: for tests of what is answered where nobody takes them. */
  readonly once = {
    register: (gameId: string, body: object, headers: Record<string, string> = {}): Promise<Reply> =>
      this.call('POST', `/api/v1/internal/games/${gameId}/register-runtime`, { body, headers }),
    force: (gameId: string, headers: Record<string, string> = {}): Promise<Reply> =>
      this.call('POST', `/api/v1/internal/runtimes/${gameId}/force-next-turn`, { headers }),
    stopGame: (gameId: string, headers: Record<string, string> = {}, reason = 'test'): Promise<Reply> =>
      this.call('POST', `/api/v1/internal/runtimes/${gameId}/stop`, { body: { reason }, headers }),
  };

  async record(gameId: string): Promise<Json> {
    return (await this.ask('GET', `/api/v1/internal/runtimes/${gameId}`)).body ?? {};
  }

  /** Waits until the game's record has these fields. */
  untilRecord(gameId: string, fields: Record<string, unknown>, timeout = 30_000): Promise<Json> {
    return waitFor(
      async () => {
        const record = await this.record(gameId);
        return Object.entries(fields).every(([name, value]) => record[name] === value) && record;
      },
      { timeout, describe: `the record of ${gameId} to have ${JSON.stringify(fields)}` },
    );
  }

  /** Rows of the operation log of the game, oldest first. */
  async operations(gameId: string): Promise<Record<string, unknown>[]> {
    const { rows } = await this.database.query<Record<string, unknown>>(
      'SELECT * FROM gamemaster.operation_log WHERE game_id = $1 ORDER BY position',
      [gameId],
    );
    return rows;
  }

  /** The game's entries on a stream as they stand there, oldest first. */
  async entries(stream: keyof GameMaster['streams'], gameId: string): Promise<Record<string, string>[]> {
    const found = await this.redis.xrange(this.streams[stream], '-', '+');
    return found
      .map(([, fields]) => {
        const entry: Record<string, string> = {};
        for (let i = 0; i < fields.length; i += 2) entry[fields[i] ?? ''] = fields[i + 1] ?? '';
        return entry;
      })
      .filter((entry) => (JSON.parse(entry['payload'] ?? '') as { game_id: string }).game_id === gameId);
  }

  /** The same with `payload` parsed. */
  async events(stream: keyof GameMaster['streams'], gameId: string): Promise<Record<string, unknown>[]> {
    return (await this.entries(stream, gameId)).map((entry) => ({
      ...entry,
      payload: JSON.parse(entry['payload'] ?? '') as Record<string, unknown>,
    }));
  }

  /** Waits until nothing of the game is left in the outbox. */
  async untilOutboxEmpty(gameId: string, timeout = 30_000): Promise<void> {
    await waitFor(
      async () => {
        const { rows } = await this.database.query('SELECT 1 FROM gamemaster.outbox WHERE game_id = $1', [
          gameId,
        ]);
        return rows.length === 0;
      },
      { timeout, describe: `the outbox of ${gameId} to be empty` },
    );
  }

  workflow(gameId: string) {
    return this.temporal.workflow.getHandle(`game-${gameId}`);
  }

  async stop(): Promise<void> {
    // Games of this test would otherwise wait on the shared server for ever.
    await this.terminateGames();
    await Promise.all([...this.apis, ...this.workers].map((child) => child.stop()));
    await this.cleanUp();
  }

  private async terminateGames(): Promise<void> {
    const { rows } = await this.database
      .query<{ game_id: string }>('SELECT DISTINCT game_id FROM gamemaster.operation_log')
      .catch(() => ({ rows: [] }));
    await Promise.all(
      rows.map(({ game_id }) => this.workflow(game_id).terminate('the test is over').catch(ignore)),
    );
  }
}

/** How long callers repeat what they are not told about. */
const PATIENCE_MS = 60_000;

/** Whatever else is answered 503 or 429 is an outcome, and stays what it is. */
const NOT_TOLD =
  /repeat with the same Idempotency-Key|came too late|store is not available|took too long|process is overloaded/;

/** Whether an answer leaves open what becomes of the call. */
export function isOpen({ status, body }: { status: number; body?: unknown }): boolean {
  return (status === 503 || status === 429) && NOT_TOLD.test(JSON.stringify(body));
}

/**
 * Repeats a call for as long as it is answered 503 or 429, whatever the reason. The call must have a key of its own.
 */
export function untilTold(call: () => Promise<Reply>, repeated = [429, 503]): Promise<Reply> {
  return repeatWhile(({ status }) => repeated.includes(status), PATIENCE_MS, call);
}

/** One api or worker process. */
export class GameMasterProcess extends ServiceProcess {
  constructor(
    readonly kind: 'api' | 'worker',
    baseUrl: string,
    env: Record<string, string>,
  ) {
    super(kind, `${kind}/main.js`, baseUrl, env);
  }
}

function ignore(): void {
  // Servers go away on purpose in these tests.
}
