/**
 * Brings the Postgres schema up to date, and with GAMEMASTER_TEMPORAL_ADDRESS also the search attributes of the
 * Temporal namespace. For deployments whose processes run with GAMEMASTER_AUTO_MIGRATE=false.
 *
 *   node dist/tools/migrate.js
 *
 * Exit code 0 when everything is as it should be, 1 otherwise. May be repeated, and run twice at once.
 */
import { Connection } from '@temporalio/client';
import type { DestinationStream } from 'pino';
import { InvalidConfig } from '../config/env';
import { createLogger } from '../config/logging';
import { loadMigrationConfig, type MigrationConfig } from '../config/migration';
import { migrate } from '../stores/migrate';
import { registerSearchAttributes } from '../worker/search-attributes';

/**
 * Does what `env` asks for and returns the exit code; failures are in the log.
 * @throws InvalidConfig with every problem of `env`
 */
export async function migrateAll(env: NodeJS.ProcessEnv, output?: DestinationStream): Promise<number> {
  const config = loadMigrationConfig(env);
  const log = createLogger({ level: config.logLevel, name: 'migrate' }, output);
  try {
    const migrations = await migrate(config.dsn, log);
    log.info({ migrations }, 'the schema is up to date');
    if (config.temporal !== undefined) {
      await register(config.temporal);
      log.info({ namespace: config.temporal.namespace }, 'the search attributes are registered');
    }
    return 0;
  } catch (error) {
    log.fatal(error, 'migration failed');
    return 1;
  }
}

async function register({ address, namespace }: NonNullable<MigrationConfig['temporal']>): Promise<void> {
  const connection = await Connection.connect({ address, connectTimeout: '10s' });
  try {
    await registerSearchAttributes(connection, namespace);
  } finally {
    await connection.close();
  }
}

if (require.main === module) {
  migrateAll(process.env).then(
    (exitCode) => {
      process.exitCode = exitCode;
    },
    (error: unknown) => {
      console.error(error instanceof InvalidConfig ? error.problems.join('\n') : error);
      process.exitCode = 1;
    },
  );
}
