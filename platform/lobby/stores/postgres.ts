import { DatabaseError, Pool, types, TypeOverrides, type PoolClient } from 'pg';
import { ServiceError } from '../../service/errors';

/** Where statements run: on any connection of the pool, or inside a transaction. */
export interface Queries {
  /** @throws ServiceError service_unavailable while Postgres cannot be used */
  query: <Row>(text: string, values?: readonly unknown[]) => Promise<Row[]>;
}

/** Postgres could not be asked or did not answer: what became of the statement is not known. */
class PostgresAway extends ServiceError {
  constructor(cause: unknown) {
    super(503, 'service_unavailable', 'the store is not available', { cause });
  }
}

const POOL_SIZE = 10;

/** SQLSTATE classes that tell of the server's state and not of the statement. */
const UNAVAILABLE = ['08', '25', '40', '53', '57', '58'];
const LOCK_NOT_AVAILABLE = '55P03';
/** Class 22, and values that a column does not take: the same statement never works. */
const BAD_VALUE = /^22|^23502$|^23514$/;

/** Numbers of rows and milliseconds stay far below 2^53. */
const parsers = new TypeOverrides();
parsers.setTypeParser(types.builtins.INT8, Number);

/** Lobby's schema of one Postgres. */
export class Database implements Queries {
  private readonly pool: Pool;

  /**
   * `timeoutMs` is the longest time for a statement, and for a connection. `onLost` is told of idle connections that
   * broke; they are replaced when needed.
   */
  constructor(dsn: string, timeoutMs: number, onLost: (error: Error) => void) {
    this.pool = new Pool({
      connectionString: dsn,
      max: POOL_SIZE,
      application_name: 'lobby',
      connectionTimeoutMillis: timeoutMs,
      query_timeout: timeoutMs,
      statement_timeout: timeoutMs,
      idle_in_transaction_session_timeout: 2 * timeoutMs,
      keepAlive: true,
      types: parsers,
    });
    // The pool's error has the whole client in it, which is too much for a log line.
    this.pool.on('error', (error) => onLost(new PostgresAway(error)));
    // The pool listens to idle connections only, and one that fails unheard ends the process. Whoever uses it is told by
    // their statement.
    this.pool.on('connect', (client) => client.on('error', () => undefined));
  }

  query<Row>(text: string, values?: readonly unknown[]): Promise<Row[]> {
    return this.withClient((client) => ask<Row>(client, text, values));
  }

  /** Commits what `work` did, or rolls it back when it throws. Each statement sees what was committed before it. */
  transaction<T>(work: (queries: Queries) => Promise<T>): Promise<T> {
    return this.withClient(async (client) => {
      await ask(client, 'BEGIN');
      const result = await work({ query: (text, values) => ask(client, text, values) });
      await ask(client, 'COMMIT');
      return result;
    });
  }

  async ping(): Promise<void> {
    await this.query('SELECT 1');
  }

  close(): Promise<void> {
    return this.pool.end();
  }

  private async withClient<T>(work: (client: PoolClient) => Promise<T>): Promise<T> {
    const client = await this.pool.connect().catch((error: unknown) => {
      throw new PostgresAway(error);
    });
    let failed = true;
    try {
      const result = await work(client);
      failed = false;
      return result;
    } catch (error) {
      // After a refusal, or a mistake of ours, the connection is as good as before.
      failed = error instanceof PostgresAway || !(await rolledBack(client));
      throw error;
    } finally {
      client.release(failed);
    }
  }
}

async function ask<Row>(client: PoolClient, text: string, values: readonly unknown[] = []): Promise<Row[]> {
  try {
    return (await client.query(text, [...values])).rows as Row[];
  } catch (error) {
    throw saysUnavailable(error) ? new PostgresAway(error) : error;
  }
}

function rolledBack(client: PoolClient): Promise<boolean> {
  return client.query('ROLLBACK').then(
    () => true,
    () => false,
  );
}

/** Whether Postgres refused the values of a statement, now and whenever it is repeated. */
export function refusesValues(error: unknown): error is DatabaseError {
  return error instanceof DatabaseError && BAD_VALUE.test(error.code ?? '');
}

/** Whether our own code failed, which does the same again; Postgres, and what was away, may do better later. */
export function isOwnFault(error: unknown): boolean {
  return !(error instanceof DatabaseError || (error instanceof ServiceError && error.status === 503));
}

/** Without an answer of the server's the state of the connection is unknown; a TypeError was ours before sending. */
function saysUnavailable(error: unknown): boolean {
  if (!(error instanceof DatabaseError)) return !(error instanceof TypeError);
  const { code = '' } = error;
  return UNAVAILABLE.includes(code.slice(0, 2)) || code === LOCK_NOT_AVAILABLE;
}
