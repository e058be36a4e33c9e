import { join } from 'node:path';

/** Beside `stores/` in the sources and in the build alike. */
const MIGRATIONS = join(__dirname, '..', 'migrations');

/** Milliseconds to wait for the migrator that goes first, or for a lock on a table in use. */
const LOCK_TIMEOUT_MS = 60_000;

export interface MigrationLog {
  info: (message: string) => void;
  warn: (message: string) => void;
  error: (message: string) => void;
}

/**
 * Brings the schema up to date and returns the names of the migrations it ran. Any number of processes may do so at
 * once: one works, the others wait for it and find nothing left to do. All pending migrations are one transaction.
 * Throws what Postgres threw when a migration fails or the server cannot be reached.
 */
export async function migrate(dsn: string, log: MigrationLog, directory = MIGRATIONS): Promise<string[]> {
  const { runner } = await import('node-pg-migrate');
  const migrations = await runner({
    databaseUrl: {
      connectionString: dsn,
      connectionTimeoutMillis: 10_000,
      lock_timeout: LOCK_TIMEOUT_MS,
      application_name: 'gamemaster-migrate',
    },
    dir: directory,
    direction: 'up',
    migrationsSchema: 'gamemaster',
    createMigrationsSchema: true,
    migrationsTable: 'migrations',
    singleTransaction: true,
    advisoryLockMode: 'wait',
    logger: log,
  });
  return migrations.map(({ name }) => name);
}
