import { randomUUID } from 'node:crypto';
import type { RuntimeRow } from '../../../domain/runtime-record';
import type { RuntimeStatus } from '../../../domain/runtime-status';
import { EngineVersionStore } from '../../../stores/engine-versions';
import { migrate } from '../../../stores/migrate';
import { OperationLogStore, type OperationEntry } from '../../../stores/operation-log';
import { OutboxStore } from '../../../stores/outbox';
import { PlayerMappingStore } from '../../../stores/player-mappings';
import { openDatabase, type Database, type DatabaseOptions } from '../../../stores/postgres';
import { RuntimeRecordStore } from '../../../stores/runtime-records';
import { freshDatabase, freshGameId } from '../../support/stack';

export const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** Statements are patient here, unless a test is about those that are not: a busy server is no failure. */
export function open(dsn: string, options: Partial<DatabaseOptions> = {}): Database {
  return openDatabase({
    dsn,
    poolSize: 10,
    queryTimeoutMs: 30_000,
    connectTimeoutMs: 30_000,
    applicationName: 'test',
    onPoolError: () => undefined,
    ...options,
  });
}

export function storesOn(database: Database) {
  return {
    database,
    records: new RuntimeRecordStore(database),
    operations: new OperationLogStore(database),
    mappings: new PlayerMappingStore(database),
    outbox: new OutboxStore(database),
    versions: new EngineVersionStore(database),
  };
}

export type Stores = ReturnType<typeof storesOn>;

export const VERSION = '1.0.0';
export const IMAGE = 'galaxy/engine:1.0.0';

/** A migrated database of the caller's own, with one engine version. */
export async function freshStores(): Promise<Stores & { dsn: string; end: () => Promise<void> }> {
  const { dsn, drop } = await freshDatabase();
  await migrate(dsn, silent);
  const stores = storesOn(open(dsn));
  await stores.versions.create({ version: VERSION, imageRef: IMAGE });
  return {
    ...stores,
    dsn,
    end: async () => {
      await stores.database.close();
      await drop();
    },
  };
}

export interface Game {
  gameId: string;
  registrationId: string;
}

export function newGame(gameId = freshGameId()): Game {
  return { gameId, registrationId: randomUUID() };
}

export function registrationOf(game: Game, version = VERSION) {
  return {
    ...game,
    registrationKey: `key of ${game.registrationId}`,
    engineEndpoint: `http://galaxy-${game.gameId}:8080`,
    engineVersion: version,
    turnSchedule: '0 8 * * *',
    revision: 1,
  };
}

/** How a game comes to a status, by the legal changes from `starting` on. */
const WAYS: Record<RuntimeStatus, RuntimeStatus[]> = {
  starting: [],
  running: ['running'],
  generation_in_progress: ['running', 'generation_in_progress'],
  generation_failed: ['running', 'generation_in_progress', 'generation_failed'],
  engine_unreachable: ['running', 'engine_unreachable'],
  stopped: ['running', 'stopped'],
  finished: ['running', 'generation_in_progress', 'finished'],
};

/** Registers a game and brings it to a status. */
export async function gameIn(status: RuntimeStatus, { records }: Stores): Promise<RuntimeRow> {
  const game = newGame();
  let { row } = await records.insertStarting(registrationOf(game));
  for (const to of WAYS[status]) {
    ({ row } = await records.change({ ...game, revision: row.revision + 1, to }));
  }
  return row;
}

export function operationOn(game: Game, entry: Partial<OperationEntry> = {}): OperationEntry {
  return {
    operationId: randomUUID(),
    gameId: game.gameId,
    registrationId: game.registrationId,
    kind: 'turn',
    source: 'scheduler',
    actor: null,
    statusFrom: 'running',
    statusTo: 'running',
    outcome: 'success',
    errorCode: null,
    errorMessage: null,
    startedAt: new Date('2030-01-02T03:04:05.678Z'),
    ...entry,
  };
}

export function failureOf(game: Game, entry: Partial<OperationEntry> = {}): OperationEntry {
  return operationOn(game, {
    kind: 'register',
    source: 'lobby',
    statusFrom: 'starting',
    statusTo: null,
    outcome: 'failure',
    errorCode: 'engine_unreachable',
    errorMessage: 'the engine did not answer',
    ...entry,
  });
}
