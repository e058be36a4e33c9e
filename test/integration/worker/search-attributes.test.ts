import { randomUUID } from 'node:crypto';
import { Connection } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time';
import { registerSearchAttributes, SEARCH_ATTRIBUTES } from '../../../worker/search-attributes';
import { migrateAll } from '../../../tools/migrate';
import { freePort, freshDatabase, stackAddresses, waitFor } from '../../support/stack';

/** temporal.api.enums.v1.IndexedValueType */
const TYPES = { Text: 1, Keyword: 2, Int: 3, Datetime: 6 };

let connection: Connection;

beforeAll(async () => {
  connection = await Connection.connect({ address: stackAddresses().temporalAddress });
});
afterAll(() => connection.close());

/** A namespace without any search attribute. */
async function freshNamespace(): Promise<string> {
  const namespace = `test-${randomUUID()}`;
  await connection.workflowService.registerNamespace({
    namespace,
    workflowExecutionRetentionPeriod: msToTs('24h'),
  });
  await waitFor(() => listed(namespace), { describe: 'the namespace to be there', timeout: 20_000 });
  return namespace;
}

async function listed(namespace: string): Promise<Record<string, number>> {
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
  return customAttributes;
}

async function add(namespace: string, searchAttributes: Record<string, number>): Promise<void> {
  await connection.operatorService.addSearchAttributes({ namespace, searchAttributes });
}

const wanted = Object.fromEntries(
  Object.entries(SEARCH_ATTRIBUTES).map(([name, type]) => [name, TYPES[type]]),
);

it('registers the attributes of games, by several processes at once and again', async () => {
  const namespace = await freshNamespace();
  expect(await listed(namespace)).not.toMatchObject(wanted);
  await Promise.all(Array.from({ length: 4 }, () => registerSearchAttributes(connection, namespace)));
  expect(await listed(namespace)).toMatchObject(wanted);
  await registerSearchAttributes(connection, namespace);
  expect(await listed(namespace)).toMatchObject(wanted);
});

it('adds those that are missing', async () => {
  const namespace = await freshNamespace();
  await add(namespace, { CurrentTurn: TYPES.Int });
  await registerSearchAttributes(connection, namespace);
  expect(await listed(namespace)).toMatchObject(wanted);
});

it('says what to do about one of another type', async () => {
  const namespace = await freshNamespace();
  await add(namespace, { GameStatus: TYPES.Int });
  await waitFor(async () => (await listed(namespace))['GameStatus'], {
    describe: 'the attribute to be listed',
  });
  await expect(registerSearchAttributes(connection, namespace)).rejects.toThrow(
    /GameStatus .* type other than Keyword: remove it/,
  );
  expect(await listed(namespace)).not.toHaveProperty('CurrentTurn');
});

describe('the migration tool', () => {
  const lines: string[] = [];
  const output = { write: (line: string) => void lines.push(line) };

  beforeEach(() => lines.splice(0));

  it('migrates the database and registers the attributes', async () => {
    const { dsn, drop } = await freshDatabase();
    try {
      const env = {
        GAMEMASTER_POSTGRES_DSN: dsn,
        GAMEMASTER_TEMPORAL_ADDRESS: stackAddresses().temporalAddress,
        GAMEMASTER_TEMPORAL_NAMESPACE: await freshNamespace(),
      };
      expect(await migrateAll(env, output)).toBe(0);
      expect(lines.join('')).toContain('00001_init');
      expect(await listed(env.GAMEMASTER_TEMPORAL_NAMESPACE)).toMatchObject(wanted);
      expect(await migrateAll(env, output)).toBe(0);
    } finally {
      await drop();
    }
  });

  it('fails when a server is not there, without showing the password', async () => {
    const dsn = `postgres://user:hunter2@127.0.0.1:${await freePort()}/none`;
    expect(await migrateAll({ GAMEMASTER_POSTGRES_DSN: dsn }, output)).toBe(1);
    expect(lines.join('')).toContain('ECONNREFUSED');
    expect(lines.join('')).not.toContain('hunter2');
  });

  it('fails without a database to migrate', async () => {
    await expect(migrateAll({}, output)).rejects.toMatchObject({
      problems: ['GAMEMASTER_POSTGRES_DSN is required'],
    });
  });
});
