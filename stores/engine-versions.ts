import { comparePrecedence, type EngineVersionStatus } from '../domain/engine-version';
import { GameMasterError } from '../domain/errors';
import type { JsonObject } from './generated/schema';
import type { Database, GamemasterTransaction } from './postgres';

export interface EngineVersionRow {
  version: string;
  imageRef: string;
  options: JsonObject;
  status: EngineVersionStatus;
  createdAt: Date;
  updatedAt: Date;
}

const COLUMNS = [
  'version',
  'image_ref as imageRef',
  'options',
  'status',
  'created_at as createdAt',
  'updated_at as updatedAt',
] as const;

/**
 * The registry of engine versions. A registration holds its version's row while it inserts its record
 * (RuntimeRecordStore.insertStarting), so deprecating or deleting waits for it and then sees the record.
 */
export class EngineVersionStore {
  constructor(private readonly database: Database) {}

  /** @throws GameMasterError `conflict` when the version exists */
  async create(entry: {
    version: string;
    imageRef: string;
    options?: JsonObject;
  }): Promise<EngineVersionRow> {
    const created = await this.database.kysely
      .insertInto('engine_versions')
      .values({
        version: entry.version,
        image_ref: entry.imageRef,
        options: JSON.stringify(entry.options ?? {}),
      })
      .onConflict((conflict) => conflict.column('version').doNothing())
      .returning(COLUMNS)
      .executeTakeFirst();
    if (created === undefined) {
      throw new GameMasterError('conflict', `engine version ${entry.version} already exists`);
    }
    return created;
  }

  async find(version: string): Promise<EngineVersionRow | null> {
    const found = await this.database.kysely
      .selectFrom('engine_versions')
      .select(COLUMNS)
      .where('version', '=', version)
      .executeTakeFirst();
    return found ?? null;
  }

  /** In the order of semver precedence, prereleases before their release. */
  async list(status?: EngineVersionStatus): Promise<EngineVersionRow[]> {
    const rows = await this.database.kysely
      .selectFrom('engine_versions')
      .select(COLUMNS)
      .$if(status !== undefined, (query) => query.where('status', '=', status ?? 'active'))
      .execute();
    return rows.sort((a, b) => comparePrecedence(a.version, b.version));
  }

  /** @throws GameMasterError `engine_version_not_found`, `engine_version_deprecated` */
  async resolveImageRef(version: string): Promise<string> {
    return imageOfActive(version, (await this.find(version)) ?? undefined);
  }

  /** Changes what `change` names. @throws GameMasterError `engine_version_not_found` */
  async update(
    version: string,
    change: { imageRef?: string; options?: JsonObject; status?: EngineVersionStatus },
  ): Promise<EngineVersionRow> {
    const updated = await this.database.kysely
      .updateTable('engine_versions')
      .set(({ fn }) => ({
        ...(change.imageRef !== undefined && { image_ref: change.imageRef }),
        ...(change.options !== undefined && { options: JSON.stringify(change.options) }),
        ...(change.status !== undefined && { status: change.status }),
        updated_at: fn<Date>('now'),
      }))
      .where('version', '=', version)
      .returning(COLUMNS)
      .executeTakeFirst();
    return updated ?? notFound(version);
  }

  /** Closes the version to new games and upgrades; again without effect. @throws `engine_version_not_found` */
  async deprecate(version: string): Promise<EngineVersionRow> {
    return this.database.transaction(async (transaction) => {
      const found = await lockVersion(transaction, version);
      if (found.status === 'deprecated') return found;
      return transaction
        .updateTable('engine_versions')
        .set(({ fn }) => ({ status: 'deprecated', updated_at: fn<Date>('now') }))
        .where('version', '=', version)
        .returning(COLUMNS)
        .executeTakeFirstOrThrow();
    });
  }

  /** @throws GameMasterError `engine_version_not_found`, or `engine_version_in_use` by a game that is not over */
  async delete(version: string): Promise<void> {
    await this.database.transaction(async (transaction) => {
      await lockVersion(transaction, version);
      // After the lock: a registration that held the row has committed its record by now.
      const user = await transaction
        .selectFrom('runtime_records')
        .select('game_id')
        .where((eb) =>
          eb.or([eb('current_engine_version', '=', version), eb('patch_target_version', '=', version)]),
        )
        .where('status', 'not in', ['stopped', 'finished'])
        .limit(1)
        .executeTakeFirst();
      if (user !== undefined) {
        throw new GameMasterError('engine_version_in_use', `engine version ${version} is in use`);
      }
      await transaction.deleteFrom('engine_versions').where('version', '=', version).execute();
    });
  }
}

/** The image of a version that new games and upgrades may use. @throws GameMasterError when they may not */
export function imageOfActive(
  version: string,
  found: Pick<EngineVersionRow, 'imageRef' | 'status'> | undefined,
): string {
  const { imageRef, status } = found ?? notFound(version);
  if (status === 'deprecated') {
    throw new GameMasterError('engine_version_deprecated', `engine version ${version} is deprecated`);
  }
  return imageRef;
}

async function lockVersion(transaction: GamemasterTransaction, version: string): Promise<EngineVersionRow> {
  const found = await transaction
    .selectFrom('engine_versions')
    .select(COLUMNS)
    .where('version', '=', version)
    .forUpdate()
    .executeTakeFirst();
  return found ?? notFound(version);
}

function notFound(version: string): never {
  throw new GameMasterError('engine_version_not_found', `there is no engine version ${version}`);
}
