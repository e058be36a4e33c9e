/**
 * Brings the Postgres schema up to date, and with GAMEMASTER_TEMPORAL_ADDRESS also the search attributes of the
 * Temporal namespace. For deployments whose processes run with GAMEMASTER_AUTO_MIGRATE=false.
 *
 *   node dist/tools/migrate.js
 *
 * Exit code 0 when everything is as it should be, 1 otherwise. May be repeated, and run twice at once.
 */
import { Connection } from '@temporalio/client';
import { InvalidConfig } from '../config/env';
import { createLogger } from '../config/logging';
import { loadMigrationConfig, type MigrationConfig } from '../config/migration';
import { migrate } from '../stores/migrate';
import { registerSearchAttributes } from '../worker/search-attributes';

async function main(): Promise<void> {
  const config = loadMigrationConfig(process.env);
  const log = createLogger({ level: config.logLevel, name: 'migrate' });
  try {
    const ran = await migrate(config.dsn, log);
    log.info(
      { migrations: ran },
      ran.length === 0 ? 'the schema was up to date' : 'the schema is up to date',
    );
    if (config.temporal !== undefined) {
      await register(config.temporal);
      log.info({ namespace: config.temporal.namespace }, 'the search attributes are registered');
    }
  } catch (error) {
    log.fatal(error, 'migration failed');
    process.exitCode = 1;
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

main().catch((error: unknown) => {
  console.error(error instanceof InvalidConfig ? error.problems.join('\n') : error);
  process.exitCode = 1;
});
