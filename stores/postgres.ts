import { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import {
  CompiledQuery,
  Kysely,
  PostgresDialect,
  type PostgresPool,
  type PostgresPoolClient,
  type PostgresQueryResult,
  type QueryResult,
  type Transaction,
} from 'kysely';
import { Pool, types, TypeOverrides, type PoolClient, type QueryConfig } from 'pg';
import { StoreUnavailable, toConnectError, toStoreError } from './errors';
import type { DB } from './generated/schema';

export interface DatabaseOptions {
  dsn: string;
  poolSize: number;
  /** Milliseconds a statement may take, seen from here: a server that is silent for longer has failed. */
  queryTimeoutMs: number;
  /** Milliseconds to wait for a connection, new or from the pool. */
  connectTimeoutMs: number;
  /** Milliseconds after which the server itself gives a statement up; `queryTimeoutMs` when absent. */
  statementTimeoutMs?: number;
  applicationName: string;
  /** Told of idle connections that broke; they are replaced when needed. */
  onPoolError: (error: Error) => void;
}

/** SQL that is planned once a connection: `name` is unique in the process. */
export interface Statement {
  name: string;
  text: string;
}

export type GamemasterTransaction = Transaction<DB>;

const CLOSE_TIMEOUT_MS = 2_000;

/** Our 64-bit columns count writes and rows and stay far below 2^53. */
const typeParsers = new TypeOverrides();
typeParsers.setTypeParser(types.builtins.INT8, Number);

/**
 * One checked-out connection. Once the connection itself has failed, or a statement on it went unanswered, every
 * further statement (a rollback too) fails at once, and the connection is closed instead of going back to the pool.
 */
class Session implements PostgresPoolClient {
  #failure: StoreUnavailable | undefined;

  constructor(private readonly client: PoolClient) {
    client.on('error', this.#onError);
  }

  query<R>(text: string, values: readonly unknown[]): Promise<PostgresQueryResult<R>>;
  query(cursor: never): never;
  query<R>(text: string, values: readonly unknown[] = []): Promise<PostgresQueryResult<R>> {
    return this.execute<R>({ text, values: [...values] });
  }

  async execute<R>(query: QueryConfig & { query_timeout?: number }): Promise<PostgresQueryResult<R>> {
    if (this.#failure !== undefined) throw toConnectError(this.#failure);
    try {
      return (await this.client.query(query)) as unknown as PostgresQueryResult<R>;
    } catch (error) {
      const mapped = toStoreError(error);
      if (mapped instanceof StoreUnavailable) this.#failure = mapped;
      throw mapped;
    }
  }

  release(): void {
    this.client.off('error', this.#onError);
    this.client.release(this.#failure !== undefined);
  }

  readonly #onError = (error: Error): void => {
    this.#failure ??= toConnectError(error);
  };
}

/** The `gamemaster` schema of one Postgres. Every method throws StoreUnavailable while the server cannot be used. */
export class Database {
  readonly pool: Pool;
  readonly kysely: Kysely<DB>;
  readonly #sockets = new Set<Socket>();

  constructor(options: DatabaseOptions) {
    this.pool = new Pool({
      connectionString: options.dsn,
      max: options.poolSize,
      application_name: options.applicationName,
      connectionTimeoutMillis: options.connectTimeoutMs,
      query_timeout: options.queryTimeoutMs,
      // The server forgets a statement, and the locks of a transaction, whose client has given up or is gone.
      statement_timeout: options.statementTimeoutMs ?? options.queryTimeoutMs,
      idle_in_transaction_session_timeout: 2 * options.queryTimeoutMs,
      idleTimeoutMillis: 30_000,
      keepAlive: true,
      keepAliveInitialDelayMillis: 10_000,
      types: typeParsers,
      stream: () => this.#openSocket(),
    });
    // The pool's error has the whole client in it, and hides nothing of it from a log line.
    this.pool.on('error', (error) => options.onPoolError(toConnectError(error)));
    // The pool listens to idle connections only, and one that fails unheard ends the process: a server that shuts down
    // can end a connection in the very packet that opens it, before whoever asked for it can listen.
    this.pool.on('connect', (client) => client.on('error', () => undefined));
    const pool: PostgresPool = { connect: () => this.#checkOut(), end: () => this.close() };
    this.kysely = new Kysely<DB>({ dialect: new PostgresDialect({ pool }) }).withSchema('gamemaster');
  }

  /** Runs one prepared statement on a connection of the pool. */
  async run<R>(statement: Statement, values: readonly unknown[]): Promise<R[]> {
    const session = await this.#checkOut();
    try {
      return (await session.execute<R>({ ...statement, values: [...values] })).rows;
    } finally {
      session.release();
    }
  }

  /** READ COMMITTED: every statement sees what was committed before it, so a lock is followed by a fresh look. */
  transaction<T>(work: (transaction: GamemasterTransaction) => Promise<T>): Promise<T> {
    return this.kysely.transaction().execute(work);
  }

  /** Resolves when Postgres answers within `timeoutMs`. */
  async ping(timeoutMs: number): Promise<void> {
    if (!(await within(timeoutMs, this.#select1(timeoutMs)))) {
      throw new StoreUnavailable(`Postgres did not answer within ${timeoutMs} ms`);
    }
  }

  /** Whether the tables are there. A role that may not change the schema need not see which migrations were run. */
  async hasSchema(): Promise<boolean> {
    const text = `SELECT to_regclass('gamemaster.runtime_records') IS NOT NULL AS there`;
    const rows = await this.run<{ there: boolean }>({ name: 'has_schema', text }, []);
    return rows[0]?.there === true;
  }

  /** The time on the server's clock. */
  async now(): Promise<Date> {
    const [row] = await this.run<{ now: Date }>({ name: 'now', text: 'SELECT clock_timestamp() AS now' }, []);
    if (row === undefined) throw new Error('Postgres does not tell the time');
    return row.now;
  }

  /** Waits a little for statements under way, then closes every connection. */
  async close(): Promise<void> {
    if (this.pool.ending || (await within(CLOSE_TIMEOUT_MS, this.pool.end()))) return;
    for (const socket of this.#sockets) socket.destroy();
  }

  async #select1(timeoutMs: number): Promise<void> {
    const session = await this.#checkOut();
    try {
      await session.execute({ text: 'SELECT 1', query_timeout: timeoutMs });
    } finally {
      session.release();
    }
  }

  async #checkOut(): Promise<Session> {
    let client: PoolClient;
    try {
      client = await this.pool.connect();
    } catch (error) {
      throw toConnectError(error);
    }
    return new Session(client);
  }

  #openSocket(): Socket {
    const socket = new Socket();
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    return socket;
  }
}

export function openDatabase(options: DatabaseOptions): Database {
  return new Database(options);
}

/** Runs a statement inside a transaction. */
export async function runIn<R>(
  transaction: GamemasterTransaction,
  { text }: Pick<Statement, 'text'>,
  values: readonly unknown[],
): Promise<R[]> {
  const result: QueryResult<R> = await transaction.executeQuery<R>(CompiledQuery.raw(text, [...values]));
  return result.rows;
}

/** Whether `work` was done in time. What it does later is nobody's concern. */
async function within(timeoutMs: number, work: Promise<void>): Promise<boolean> {
  const timer = new AbortController();
  const late = delay(timeoutMs, false, { signal: timer.signal });
  late.catch(() => undefined);
  try {
    return await Promise.race([work.then(() => true), late]);
  } finally {
    timer.abort();
  }
}
