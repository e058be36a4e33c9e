import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { buildApp } from '../../../api/app';
import { checkReadiness } from '../../../api/readiness';
import { connectTemporal, pingTemporal } from '../../../clients/temporal';
import { loadApiConfig } from '../../../config/api';
import { createMetrics, type Metrics } from '../../../config/telemetry';
import { migrate } from '../../../stores/migrate';
import { openDatabase, type Database } from '../../../stores/postgres';
import { freshDatabase, freshTaskQueue, stackAddresses } from '../../support/stack';

export interface Reply {
  status: number;
  headers: Headers;
  body: Record<string, unknown>;
}

/** An api of its own in this process, on a database of its own. Nobody works on its task queue. */
export class FrontDoor {
  private constructor(
    readonly baseUrl: string,
    readonly dsn: string,
    readonly database: Database,
    readonly metrics: Metrics,
    readonly lines: Record<string, unknown>[],
    private readonly cleanUp: () => Promise<void>,
  ) {}

  /** `GAMEMASTER_POSTGRES_DSN` in `settings` is another way to a database that is there already. */
  static async open(settings: Record<string, string> = {}): Promise<FrontDoor> {
    const quiet = (): void => undefined;
    const given = settings['GAMEMASTER_POSTGRES_DSN'];
    const { dsn, drop } =
      given === undefined ? await freshDatabase() : { dsn: given, drop: () => Promise.resolve() };
    if (given === undefined) await migrate(dsn, { info: quiet, warn: quiet, error: quiet });
    const config = loadApiConfig({
      GAMEMASTER_POSTGRES_DSN: dsn,
      GAMEMASTER_TEMPORAL_ADDRESS: stackAddresses().temporalAddress,
      GAMEMASTER_TEMPORAL_TASK_QUEUE: freshTaskQueue(),
      GAMEMASTER_LOBBY_BASE_URL: 'http://127.0.0.1:1',
      GAMEMASTER_RTM_BASE_URL: 'http://127.0.0.1:1',
      // This process has the tests to run as well, and may come late to an answer that is there.
      GAMEMASTER_POSTGRES_CONNECT_TIMEOUT: '10s',
      GAMEMASTER_POSTGRES_QUERY_TIMEOUT: '10s',
      ...settings,
    });
    const lines: Record<string, unknown>[] = [];
    const log = pino({ level: 'info' }, { write: (line) => lines.push(JSON.parse(line) as never) });
    const metrics = createMetrics('api');
    const database = openDatabase({ ...config.postgres, applicationName: 'test', onPoolError: quiet });
    const temporal = connectTemporal(config.temporal);
    const readiness = checkReadiness({
      postgres: () => database.ping(1_000),
      temporal: () => pingTemporal(temporal, 1_000),
    });
    const app = buildApp({ config, database, temporal, readiness, metrics, log });
    await app.listen({ host: '127.0.0.1', port: 0 });
    const { port } = app.server.address() as AddressInfo;
    return new FrontDoor(`http://127.0.0.1:${port}`, dsn, database, metrics, lines, async () => {
      await app.close();
      await temporal.connection.close();
      await database.close();
      await drop();
    });
  }

  async call(
    method: string,
    path: string,
    options: { body?: unknown; headers?: Record<string, string> } = {},
  ): Promise<Reply> {
    const { body, headers } = options;
    const response = await fetch(`${this.baseUrl}${path}`, {
      method,
      headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      body: (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>,
    };
  }

  register(game: string, headers: Record<string, string> = {}, change: object = {}): Promise<Reply> {
    const body = { ...REGISTRATION, ...change };
    return this.call('POST', `${API}/games/${game}/register-runtime`, { body, headers });
  }

  force(game: string, headers: Record<string, string> = {}): Promise<Reply> {
    return this.call('POST', `${API}/runtimes/${game}/force-next-turn`, { headers });
  }

  stop(game: string, headers: Record<string, string> = {}, reason = 'over'): Promise<Reply> {
    return this.call('POST', `${API}/runtimes/${game}/stop`, { body: { reason }, headers });
  }

  async createVersion(version = REGISTRATION.target_engine_version): Promise<void> {
    const body = { version, image_ref: `engine:${version}` };
    const { status } = await this.call('POST', `${API}/engine-versions`, { body });
    if (status !== 201) throw new Error(`engine version was not created: ${status}`);
  }

  /** Puts a record there that no workflow has written, registered under `key`. */
  async insertGame(game: string, status = 'running', key = 'registered'): Promise<void> {
    await this.database.pool.query(
      `INSERT INTO gamemaster.runtime_records (game_id, registration_id, registration_key, revision, status,
         engine_endpoint, current_image_ref, current_engine_version, turn_schedule)
       VALUES ($1, 'run', $3, 2, $2, 'http://galaxy-game-1', 'engine:1.0.0', '1.0.0', '0 18 * * *')`,
      [game, status, key],
    );
  }

  close(): Promise<void> {
    return this.cleanUp();
  }
}

/** A registration that passes every check of the edge. */
export const REGISTRATION = {
  engine_endpoint: 'http://galaxy-game-orion:8080',
  members: [{ user_id: 'ann', race_name: 'Aelinari' }],
  target_engine_version: '1.0.0',
  turn_schedule: '0 18 * * *',
};

/** What a deadline of two or three seconds bounds takes no longer; Postgres may stand still for the rest. */
export const SOON_MS = 5_000;

/**
 * How long the call took, in milliseconds, beside its reply: by the clock, and without what this process stood still,
 * in which the api runs too.
 */
export async function timed(call: Promise<Reply>): Promise<Reply & { ms: number; awakeMs: number }> {
  const begin = performance.now();
  let awakeMs = 0;
  let last = begin;
  const count = (): void => {
    const now = performance.now();
    awakeMs += Math.min(now - last, 100);
    last = now;
  };
  const timer = setInterval(count, 20);
  try {
    const reply = await call;
    count();
    return { ...reply, ms: performance.now() - begin, awakeMs };
  } finally {
    clearInterval(timer);
  }
}

export const API = '/api/v1/internal';
