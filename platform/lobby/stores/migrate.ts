import { join } from 'node:path';
import type { Logger } from '../../service/logging';

/** Beside `stores/` in the sources and in the build alike. */
const MIGRATIONS = join(__dirname, '..', 'migrations');
const LOCK_TIMEOUT_MS = 60_000;

/**
 * Brings Lobby's schema up to date. Any number of processes may do so at once: one works, the others wait for it and
 * find nothing left to do. Throws what Postgres threw when a migration fails or the server cannot be reached.
 */
export async function migrate(dsn: string, log: Logger): Promise<void> {
  const { runner } = await import('node-pg-migrate');
  await runner({
    databaseUrl: {
      connectionString: dsn,
      connectionTimeoutMillis: 10_000,
      lock_timeout: LOCK_TIMEOUT_MS,
      application_name: 'lobby-migrate',
    },
    dir: MIGRATIONS,
    direction: 'up',
    migrationsSchema: 'lobby',
    createMigrationsSchema: true,
    migrationsTable: 'migrations',
    singleTransaction: true,
    advisoryLockMode: 'wait',
    logger: {
      info: (message) => log.debug(message),
      warn: (message) => log.warn(message),
      error: (message) => log.error(message),
    },
  });
}
