import { copyFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { migrate } from '../../../stores/migrate';
import { schemaTypes } from '../../../tools/codegen/schema';
import { freshDatabase, freePort } from '../../support/stack';
import { silent } from './records';

const MIGRATIONS = join(__dirname, '../../../migrations');

let dsn: string;
let drop: () => Promise<void>;

beforeEach(async () => {
  ({ dsn, drop } = await freshDatabase());
});
afterEach(() => drop());

async function query<R extends object>(text: string): Promise<R[]> {
  const client = new Client({ connectionString: dsn });
  await client.connect();
  try {
    return (await client.query<R>(text)).rows;
  } finally {
    await client.end();
  }
}

async function tables(): Promise<string[]> {
  const rows = await query<{ name: string }>(
    `SELECT table_schema || '.' || table_name AS name FROM information_schema.tables
     WHERE table_schema NOT IN ('pg_catalog', 'information_schema') ORDER BY 1`,
  );
  return rows.map(({ name }) => name);
}

const ALL_TABLES = [
  'gamemaster.engine_versions',
  'gamemaster.migrations',
  'gamemaster.operation_log',
  'gamemaster.outbox',
  'gamemaster.player_mappings',
  'gamemaster.runtime_records',
];

it('makes the schema, and does nothing the second time', async () => {
  const files = (await readdir(MIGRATIONS)).map((file) => file.replace(/\.sql$/, ''));
  expect(await migrate(dsn, silent)).toEqual(files.sort());
  expect(await tables()).toEqual(ALL_TABLES);
  expect(await migrate(dsn, silent)).toEqual([]);
  expect(await tables()).toEqual(ALL_TABLES);
});

it('is done by one of many migrators, and all the others wait for it', async () => {
  const runs = await Promise.all(Array.from({ length: 6 }, () => migrate(dsn, silent)));
  expect(runs.filter((names) => names.length > 0)).toHaveLength(1);
  expect(await tables()).toEqual(ALL_TABLES);
  const ran = await query('SELECT name FROM gamemaster.migrations');
  expect(ran).toHaveLength((await readdir(MIGRATIONS)).length);
});

it('has no time without a time zone, also where the first migration alone had run', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'migrations-'));
  try {
    await copyFile(join(MIGRATIONS, '00001_init.sql'), join(directory, '00001_init.sql'));
    await migrate(dsn, silent, directory);
  } finally {
    await rm(directory, { recursive: true });
  }
  await Promise.all([migrate(dsn, silent), migrate(dsn, silent)]);
  const vague = await query(
    `SELECT table_name, column_name FROM information_schema.columns
     WHERE table_schema = 'gamemaster' AND data_type = 'timestamp without time zone'`,
  );
  expect(vague).toEqual([]);
});

it('reports a migration that fails, undoes all of that run, and works once it is corrected', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'migrations-'));
  try {
    for (const file of await readdir(MIGRATIONS))
      await copyFile(join(MIGRATIONS, file), join(directory, file));
    const broken = join(directory, '99999_broken.sql');
    await writeFile(
      broken,
      'CREATE TABLE gamemaster.half (id int);\nSELECT * FROM gamemaster.nothing_there;\n',
    );
    await expect(migrate(dsn, silent, directory)).rejects.toThrow('nothing_there');
    expect(await tables()).toEqual(['gamemaster.migrations']);

    await writeFile(broken, 'CREATE TABLE gamemaster.half (id int);\n');
    await expect(migrate(dsn, silent, directory)).resolves.toContain('99999_broken');
    expect(await tables()).toContain('gamemaster.half');
  } finally {
    await rm(directory, { recursive: true });
  }
});

it('refuses a migration that is put before those that have run', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'migrations-'));
  try {
    await writeFile(join(directory, '00002_second.sql'), 'SELECT 1;\n');
    await migrate(dsn, silent, directory);
    await writeFile(join(directory, '00001_first.sql'), 'SELECT 1;\n');
    await expect(migrate(dsn, silent, directory)).rejects.toThrow('00001_first');
  } finally {
    await rm(directory, { recursive: true });
  }
});

it('reports a server that is not there', async () => {
  const url = new URL(dsn);
  url.host = `127.0.0.1:${await freePort()}`;
  await expect(migrate(url.toString(), silent)).rejects.toThrow('ECONNREFUSED');
});

it('makes the schema that the generated types describe', async () => {
  await migrate(dsn, silent);
  const committed = await readFile(join(__dirname, '../../../stores/generated/schema.ts'), 'utf8');
  // A difference means: run "npm run codegen".
  expect(committed).toBe(await schemaTypes(dsn));
});
