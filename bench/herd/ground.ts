import { randomBytes } from 'node:crypto';
import type { Client } from '@temporalio/client';
import { Redis } from 'ioredis';
import { connectTemporal } from '../../clients/temporal';
import { EngineVersionStore } from '../../stores/engine-versions';
import { migrate } from '../../stores/migrate';
import { openDatabase, type Database } from '../../stores/postgres';
import { createDatabase, dropDatabase, type Stack } from '../../tools/stack';

export const ENGINE_VERSION = '1.0.0';

/** What all designs of one herd stand on: the servers, and a database, streams and task queues of their own. */
export interface Ground {
  /** Begins every name that is ours on the servers. */
  readonly name: string;
  readonly dsn: string;
  readonly redisUrl: string;
  readonly temporalAddress: string;
  readonly database: Database;
  readonly redis: Redis;
  readonly temporal: Client;
  /** Takes all of it away. */
  clear(): Promise<void>;
}

/** The rows of the designs that have no record: what is due, and how far it is. */
const HERD_TABLE = `
  CREATE SCHEMA herd;
  CREATE TABLE herd.games (
    game_id text PRIMARY KEY,
    endpoint text NOT NULL,
    turn integer NOT NULL DEFAULT 0,
    player_turn_stats jsonb NOT NULL DEFAULT '[]',
    due_at timestamptz,
    updated_at timestamptz NOT NULL DEFAULT now()
  );
  CREATE INDEX games_due ON herd.games (due_at) WHERE due_at IS NOT NULL`;

export async function prepareGround(stack: Stack): Promise<Ground> {
  const name = `herd_${randomBytes(4).toString('hex')}`;
  const dsn = await createDatabase(stack.postgres.dsn, name);
  await migrate(dsn, { info: ignore, warn: ignore, error: ignore });
  const database = openDatabase({
    dsn,
    poolSize: 4,
    queryTimeoutMs: 30_000,
    connectTimeoutMs: 5_000,
    applicationName: 'herd-measure',
    onPoolError: ignore,
  });
  await database.pool.query(HERD_TABLE);
  await new EngineVersionStore(database).create({
    version: ENGINE_VERSION,
    imageRef: `galaxy/game:${ENGINE_VERSION}`,
  });
  const redis = new Redis(stack.redis.url);
  const temporal = connectTemporal({ address: stack.temporal.address, namespace: 'default' });
  return {
    name,
    dsn,
    redisUrl: stack.redis.url,
    temporalAddress: stack.temporal.address,
    database,
    redis,
    temporal,
    async clear() {
      const keys = await redis.keys(`*${name}*`);
      if (keys.length > 0) await redis.del(keys);
      redis.disconnect();
      await temporal.connection.close();
      await database.close();
      await dropDatabase(stack.postgres.dsn, name);
    },
  };
}

function ignore(): void {
  // Only what fails for good is of interest, and that is thrown.
}
