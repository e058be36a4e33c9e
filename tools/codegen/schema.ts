/**
 * Writes stores/generated/schema.ts, the types of the query builder, from the schema that the migrations make.
 *
 *   node dist/tools/codegen/schema.js [--check]
 *
 * With `--check` nothing is written, and the exit code is 1 when the file is not what would be written.
 */
import { randomBytes } from 'node:crypto';
import { Kysely, PostgresDialect } from 'kysely';
import { generate, PostgresDialect as CodegenDialect } from 'kysely-codegen';
import { Pool } from 'pg';
import { migrate } from '../../stores/migrate';
import { createDatabase, dropDatabase, startStack } from '../stack';
import { writeOrCheck } from './generated-file';

const SCHEMA_FILE = 'stores/generated/schema.ts';

/** Columns of which the domain knows more than Postgres does. */
const columns = {
  'engine_versions.status': 'Generated<EngineVersionStatus>',
  'engine_versions.options': 'ColumnType<JsonObject, string | undefined, string>',
  'operation_log.kind': 'OperationKind',
  'operation_log.source': 'OperationSource | null',
  'operation_log.status_from': 'RuntimeStatus | null',
  'operation_log.status_to': 'RuntimeStatus | null',
  'operation_log.outcome': 'OperationOutcome',
  'operation_log.error_code': 'ErrorCode | null',
  'operation_log.response': 'ColumnType<unknown, string | null, string | null>',
  'runtime_records.status': 'RuntimeStatus',
  'runtime_records.engine_health': 'Generated<EngineHealth>',
  'runtime_records.player_turn_stats': 'ColumnType<PlayerTurnStats[], string | undefined, string>',
};

const customImports = {
  EngineHealth: '../../domain/engine-health',
  EngineVersionStatus: '../../domain/engine-version',
  ErrorCode: '../../domain/errors',
  OperationKind: '../../domain/operation',
  OperationOutcome: '../../domain/operation',
  OperationSource: '../../domain/operation',
  PlayerTurnStats: '../../domain/player-stats',
  RuntimeStatus: '../../domain/runtime-status',
};

/** The types of the migrated database at `dsn`, as the schema file has them. */
export async function schemaTypes(dsn: string): Promise<string> {
  const pool = new Pool({ connectionString: dsn, max: 1 });
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
  try {
    return await generate({
      db,
      // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- declared with implements
      dialect: new CodegenDialect({ defaultSchemas: ['gamemaster'] }),
      defaultSchemas: ['gamemaster'],
      excludePattern: 'gamemaster.migrations',
      customImports,
      overrides: { columns },
      // As the type parsers of stores/postgres.ts have it.
      typeMapping: { int8: 'number' },
      typeOnlyImports: true,
      outFile: null,
    });
  } finally {
    await db.destroy();
  }
}

async function main(check: boolean): Promise<void> {
  const stack = await startStack({ components: ['postgres'], durable: false, log: console.log });
  const name = `codegen_${randomBytes(6).toString('hex')}`;
  try {
    const dsn = await createDatabase(stack.postgres.dsn, name);
    await migrate(dsn, { info: () => undefined, warn: console.warn, error: console.error });
    const content = await schemaTypes(dsn);
    await writeOrCheck({ file: SCHEMA_FILE, source: 'the migrations', content }, check);
  } finally {
    await dropDatabase(stack.postgres.dsn, name).catch(console.warn);
    await stack.stop();
  }
}

if (require.main === module) {
  main(process.argv.includes('--check')).catch((error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  });
}
