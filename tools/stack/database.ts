import { Client, escapeIdentifier } from 'pg';

/**
 * Creates database `name` on the server of `dsn` unless it is there.
 * @returns the DSN of that database
 */
export async function createDatabase(dsn: string, name: string): Promise<string> {
  await withClient(dsn, async (client) => {
    const found = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [name]);
    if (found.rowCount === 0) await client.query(`CREATE DATABASE ${escapeIdentifier(name)}`);
  });
  const url = new URL(dsn);
  url.pathname = `/${encodeURIComponent(name)}`;
  return url.toString();
}

/** Drops database `name` on the server of `dsn`, ending the connections it still has. */
export async function dropDatabase(dsn: string, name: string): Promise<void> {
  await withClient(dsn, (client) =>
    client.query(`DROP DATABASE IF EXISTS ${escapeIdentifier(name)} WITH (FORCE)`),
  );
}

/** Resolves when the server of `dsn` answers a query within 2 s, else rejects. */
export async function databaseAnswers(dsn: string): Promise<void> {
  await withClient(dsn, (client) => client.query('SELECT 1'));
}

async function withClient(dsn: string, use: (client: Client) => Promise<unknown>): Promise<void> {
  const client = new Client({ connectionString: dsn, connectionTimeoutMillis: 2000 });
  // A server that goes away while the client is idle must not end this process.
  client.on('error', () => undefined);
  try {
    await client.connect();
    await use(client);
  } finally {
    await client.end();
  }
}
