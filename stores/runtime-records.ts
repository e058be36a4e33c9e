import { sql } from 'kysely';
import type { EngineHealth } from '../domain/engine-health';
import { isPatchUpgrade } from '../domain/engine-version';
import { GameMasterError } from '../domain/errors';
import type { PlayerTurnStats } from '../domain/player-stats';
import type { RuntimeRow } from '../domain/runtime-record';
import { canBecome, isTerminal, sourcesOf, type RuntimeStatus } from '../domain/runtime-status';
import { imageOfActive } from './engine-versions';
import { RecordDiverged } from './errors';
import type { RuntimeRecords } from './generated/schema';
import { INSERT_OPERATIONS, toOperationRecords, type OperationEntry } from './operation-log';
import type { OutboxEvent } from './outbox';
import type { PlayerMapping } from './player-mappings';
import { runIn, type Database, type GamemasterTransaction, type Statement } from './postgres';

/** Which write of which registration: what a record is compared with before it changes. */
export interface WriteIdentity {
  gameId: string;
  registrationId: string;
  /** The workflow numbers its writes, from 1 (the insert) on. */
  revision: number;
}

export interface Change {
  to: RuntimeStatus;
  /**
   * The statuses that the write may follow; all that may become `to` when absent. Naming `to` itself allows a write
   * that keeps the status.
   */
  from?: readonly RuntimeStatus[];
  set?: {
    currentTurn?: number;
    nextGenerationAt?: Date | null;
    skippedTickAt?: Date | null;
    playerTurnStats?: PlayerTurnStats[];
    engineHealth?: EngineHealth;
    imageRef?: string;
    engineVersion?: string;
    startedAt?: Date;
    stoppedAt?: Date;
    finishedAt?: Date;
  };
  /** Rows of the operation log that belong to the change; at most one that succeeded has a key. */
  operations?: readonly OperationEntry[];
  /** Events that tell of the change. */
  events?: readonly OutboxEvent[];
  /** The reply to remember under the key of the operation that succeeded, made from the changed row. JSON. */
  respond?: (row: RuntimeRow) => unknown;
}

export type StatusChange = WriteIdentity & Change;

export interface ChangeResult {
  /** False when the record had this change, or a later one, already: a repetition. */
  applied: boolean;
  row: RuntimeRow;
}

/** A place in the list of records. `createdAt` is Postgres' own text: a Date would lose the microseconds. */
export interface RuntimeCursor {
  createdAt: string;
  gameId: string;
}

const COLUMNS = {
  gameId: 'game_id',
  registrationId: 'registration_id',
  registrationKey: 'registration_key',
  revision: 'revision',
  status: 'status',
  engineEndpoint: 'engine_endpoint',
  imageRef: 'current_image_ref',
  engineVersion: 'current_engine_version',
  turnSchedule: 'turn_schedule',
  currentTurn: 'current_turn',
  nextGenerationAt: 'next_generation_at',
  skippedTickAt: 'skipped_tick_at',
  engineHealth: 'engine_health',
  playerTurnStats: 'player_turn_stats',
  membershipEpoch: 'membership_epoch',
  createdAt: 'created_at',
  updatedAt: 'updated_at',
  startedAt: 'started_at',
  stoppedAt: 'stopped_at',
  finishedAt: 'finished_at',
} as const satisfies Record<keyof RuntimeRow, keyof RuntimeRecords>;

const ROW = Object.entries(COLUMNS)
  .map(([field, column]) => `${column} AS "${field}"`)
  .join(', ');

const FIND: Statement = {
  name: 'runtime_find',
  text: `SELECT ${ROW} FROM gamemaster.runtime_records WHERE game_id = $1`,
};

/** One text for every change, so that it is planned once: `$6` holds the columns to set, absent ones stay. */
const CHANGE: Statement = {
  name: 'runtime_change',
  text: `
    WITH changed AS (
      UPDATE gamemaster.runtime_records SET
        revision = $3,
        status = $4,
        patch_target_version = NULL,
        updated_at = now(),
        current_turn = COALESCE(($6::jsonb->>'currentTurn')::integer, current_turn),
        next_generation_at = CASE WHEN $6::jsonb ? 'nextGenerationAt'
          THEN ($6::jsonb->>'nextGenerationAt')::timestamptz ELSE next_generation_at END,
        skipped_tick_at = CASE WHEN $6::jsonb ? 'skippedTickAt'
          THEN ($6::jsonb->>'skippedTickAt')::timestamptz ELSE skipped_tick_at END,
        player_turn_stats = COALESCE($6::jsonb->'playerTurnStats', player_turn_stats),
        engine_health = COALESCE($6::jsonb->>'engineHealth', engine_health),
        current_image_ref = COALESCE($6::jsonb->>'imageRef', current_image_ref),
        current_engine_version = COALESCE($6::jsonb->>'engineVersion', current_engine_version),
        started_at = COALESCE(($6::jsonb->>'startedAt')::timestamptz, started_at),
        stopped_at = COALESCE(($6::jsonb->>'stoppedAt')::timestamptz, stopped_at),
        finished_at = COALESCE(($6::jsonb->>'finishedAt')::timestamptz, finished_at)
      WHERE game_id = $1 AND registration_id = $2 AND revision < $3 AND status = ANY($5::text[])
      RETURNING *
    ), logged AS (
      ${INSERT_OPERATIONS('$7', 'changed')}
    ), queued AS (
      INSERT INTO gamemaster.outbox (game_id, registration_id, seq, stream, event_id, payload)
      SELECT $1, $2, event.seq, event.stream, event."eventId", event.payload
      FROM changed, jsonb_to_recordset($8::jsonb) AS event(seq bigint, stream text, "eventId" text, payload jsonb)
    )
    SELECT ${ROW} FROM changed`,
};

const CLAIM_TURN: Statement = {
  name: 'runtime_claim_turn',
  text: `
    UPDATE gamemaster.runtime_records SET turn_claim = $4
    WHERE game_id = $1 AND registration_id = $2 AND revision = $3 AND status = 'generation_in_progress'
      AND turn_claim IS DISTINCT FROM $4
    RETURNING true AS claimed`,
};

/** The records of games. Everything here is idempotent: a write whose reply was lost is simply repeated. */
export class RuntimeRecordStore {
  constructor(private readonly database: Database) {}

  async find(gameId: string): Promise<RuntimeRow | null> {
    const [row] = await this.database.run<RuntimeRow>(FIND, [gameId]);
    return row ?? null;
  }

  /** Oldest first. `next` is the `after` of the next page, null on the last one. */
  async list(query: {
    status?: RuntimeStatus;
    limit: number;
    after?: RuntimeCursor;
  }): Promise<{ rows: RuntimeRow[]; next: RuntimeCursor | null }> {
    const { status, limit, after } = query;
    const { rows } = await sql<RuntimeRow & { exactCreatedAt: string }>`
      SELECT ${sql.raw(ROW)},
        to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS "exactCreatedAt"
      FROM gamemaster.runtime_records
      WHERE true
        ${status === undefined ? sql`` : sql`AND status = ${status}`}
        ${after === undefined ? sql`` : sql`AND (created_at, game_id) > (${after.createdAt}::timestamptz, ${after.gameId})`}
      ORDER BY created_at, game_id
      LIMIT ${limit + 1}`.execute(this.database.kysely);
    const page = rows.slice(0, limit).map(({ exactCreatedAt, ...row }) => ({ row, exactCreatedAt }));
    const last = rows.length > limit ? page.at(-1) : undefined;
    return {
      rows: page.map(({ row }) => row),
      next: last === undefined ? null : { createdAt: last.exactCreatedAt, gameId: last.row.gameId },
    };
  }

  /**
   * Inserts the record of a registration, `starting` and with the image of its version; finding it there already is
   * success.
   * @throws GameMasterError `conflict` when the game has another registration, or this one has failed and been rolled
   * back; `engine_version_not_found`, `engine_version_deprecated`
   */
  async insertStarting(registration: {
    gameId: string;
    registrationId: string;
    registrationKey: string;
    engineEndpoint: string;
    engineVersion: string;
    turnSchedule: string;
    revision: number;
  }): Promise<{ row: RuntimeRow }> {
    const { gameId, registrationId, engineVersion } = registration;
    return this.database.transaction(async (transaction) => {
      await lockRegistration(transaction, gameId);
      const [found] = await runIn<RuntimeRow>(transaction, FIND, [gameId]);
      if (found?.registrationId === registrationId) return { row: found };
      if (found !== undefined) throw new GameMasterError('conflict', `game ${gameId} is already registered`);
      if (await hasFailed(transaction, gameId, registrationId)) {
        throw new GameMasterError('conflict', `this registration of game ${gameId} has failed`);
      }
      const imageRef = await holdVersion(transaction, engineVersion);
      const [row] = await runIn<RuntimeRow>(
        transaction,
        {
          text: `
            INSERT INTO gamemaster.runtime_records (game_id, registration_id, registration_key, revision, status,
              engine_endpoint, current_image_ref, current_engine_version, turn_schedule)
            VALUES ($1, $2, $3, $4, 'starting', $5, $6, $7, $8)
            RETURNING ${ROW}`,
        },
        [
          gameId,
          registrationId,
          registration.registrationKey,
          registration.revision,
          registration.engineEndpoint,
          imageRef,
          engineVersion,
          registration.turnSchedule,
        ],
      );
      if (row === undefined) throw new Error(`Inserting the record of game ${gameId} gave no row`);
      return { row };
    });
  }

  /**
   * Stores what the engine's init answered. Does nothing once the registration is past `starting`.
   * @throws RecordDiverged when the record is gone or another registration's
   */
  async saveInitialState(initial: {
    gameId: string;
    registrationId: string;
    mappings: readonly PlayerMapping[];
    playerTurnStats: readonly PlayerTurnStats[];
  }): Promise<void> {
    const { gameId, registrationId, mappings, playerTurnStats } = initial;
    await this.database.transaction(async (transaction) => {
      const row = await this.#lock(transaction, { gameId, registrationId });
      if (row.status !== 'starting') return;
      await runIn(
        transaction,
        {
          text: `
            UPDATE gamemaster.runtime_records SET player_turn_stats = $2::jsonb, updated_at = now()
            WHERE game_id = $1`,
        },
        [gameId, JSON.stringify(playerTurnStats)],
      );
      await runIn(
        transaction,
        {
          text: `
            INSERT INTO gamemaster.player_mappings (game_id, user_id, race_name, engine_player_uuid)
            SELECT $1, player."userId", player."raceName", player."enginePlayerUuid"
            FROM jsonb_to_recordset($2::jsonb)
              AS player("userId" text, "raceName" text, "enginePlayerUuid" uuid)
            ON CONFLICT (game_id, user_id) DO UPDATE
              SET race_name = excluded.race_name, engine_player_uuid = excluded.engine_player_uuid`,
        },
        [gameId, JSON.stringify(mappings)],
      );
    });
  }

  /**
   * Makes one change of a record together with its operations and events, or none of them: the compare-and-set that
   * everything else relies on.
   * @throws RecordDiverged when neither this change nor a later one is in the record and it may not be made
   */
  async change(change: StatusChange): Promise<ChangeResult> {
    const { respond } = change;
    const row =
      respond === undefined
        ? (await this.database.run<RuntimeRow>(CHANGE, changeValues(change)))[0]
        : await this.database.transaction((transaction) => changeAndRespond(transaction, change, respond));
    if (row !== undefined) return { applied: true, row };
    // The statement's own snapshot may be older than the write that made it find nothing: look again.
    return { applied: false, row: expectWritten(change, await this.find(change.gameId)) };
  }

  /**
   * A change that depends on the record: `decide` sees it locked, and returns the change to make or null for none.
   * It is not asked when the record has this write, or a later one, already.
   * @throws RecordDiverged as `change` does
   */
  async changeLocked(
    identity: WriteIdentity,
    decide: (row: RuntimeRow) => Change | null,
  ): Promise<ChangeResult> {
    return this.database.transaction(async (transaction) => {
      const found = await this.#lock(transaction, identity);
      if (found.revision >= identity.revision) return { applied: false, row: found };
      const decided = decide(found);
      if (decided === null) return { applied: false, row: found };
      const change = { ...identity, ...decided };
      const row =
        decided.respond === undefined
          ? (await runIn<RuntimeRow>(transaction, CHANGE, changeValues(change)))[0]
          : await changeAndRespond(transaction, change, decided.respond);
      if (row === undefined) throw new RecordDiverged(change.gameId, change, found);
      return { applied: true, row };
    });
  }

  /**
   * Claims the one call of the engine's turn that an operation may make, where the engine ignores `If-Match`. True
   * for a single call ever; `revision` is that of the write which began the turn, so a late claim of an earlier turn
   * gets nothing.
   */
  async claimTurn(identity: WriteIdentity, operationId: string): Promise<boolean> {
    const { gameId, registrationId, revision } = identity;
    const rows = await this.database.run(CLAIM_TURN, [gameId, registrationId, revision, operationId]);
    return rows.length > 0;
  }

  /**
   * Reserves a version for the game's patch, so that it cannot be deleted before the record tells of it. The next
   * status write ends the reservation. Returns the version's image.
   * @throws GameMasterError `semver_patch_only`, `engine_version_not_found`, `engine_version_deprecated`
   */
  async reservePatch(patch: {
    gameId: string;
    registrationId: string;
    version: string;
    currentVersion: string;
  }): Promise<string> {
    const { version, currentVersion } = patch;
    // Before the registry is asked: that a game may not go there holds for versions that nobody knows as well.
    if (!isPatchUpgrade(currentVersion, version)) {
      throw new GameMasterError('semver_patch_only', `${version} is not a later patch of ${currentVersion}`);
    }
    return this.database.transaction(async (transaction) => {
      const imageRef = await holdVersion(transaction, version);
      await this.#lock(transaction, patch);
      await setPatchTarget(transaction, patch.gameId, version);
      return imageRef;
    });
  }

  /** Ends the reservation of a patch that did not happen. */
  async releasePatch(game: { gameId: string; registrationId: string }): Promise<void> {
    await this.database.transaction(async (transaction) => {
      await this.#lock(transaction, game);
      await setPatchTarget(transaction, game.gameId, null);
    });
  }

  /**
   * Takes back a registration that failed: its record and mappings go, its failure stays in the log, and a late
   * insert of it does nothing any more.
   * @throws RecordDiverged when the registration had succeeded
   */
  async rollBackRegistration(rollback: {
    gameId: string;
    registrationId: string;
    operation: OperationEntry;
  }): Promise<void> {
    const { gameId, registrationId, operation } = rollback;
    await this.database.transaction(async (transaction) => {
      await lockRegistration(transaction, gameId);
      const [found] = await runIn<RuntimeRow>(transaction, FIND, [gameId]);
      if (found?.registrationId === registrationId) {
        if (found.status !== 'starting') throw new RecordDiverged(gameId, { registrationId }, found);
        await transaction.deleteFrom('runtime_records').where('game_id', '=', gameId).execute();
      }
      await runIn(transaction, { text: INSERT_OPERATIONS('$1') }, [
        JSON.stringify(toOperationRecords([operation])),
      ]);
    });
  }

  async #lock(
    transaction: GamemasterTransaction,
    identity: { gameId: string; registrationId: string; revision?: number },
  ): Promise<RuntimeRow> {
    const { gameId, registrationId } = identity;
    const [row] = await runIn<RuntimeRow>(transaction, { text: `${FIND.text} FOR UPDATE` }, [gameId]);
    if (row?.registrationId !== registrationId) throw new RecordDiverged(gameId, identity, row ?? null);
    return row;
  }
}

/** Inserting and rolling back registrations of one game go one after the other, also while there is no row to lock. */
async function lockRegistration(transaction: GamemasterTransaction, gameId: string): Promise<void> {
  const text = `SELECT pg_advisory_xact_lock(hashtextextended('gamemaster.registration ' || $1, 0))`;
  await runIn(transaction, { text }, [gameId]);
}

async function hasFailed(
  transaction: GamemasterTransaction,
  gameId: string,
  registrationId: string,
): Promise<boolean> {
  const failure = await transaction
    .selectFrom('operation_log')
    .select('operation_id')
    .where('game_id', '=', gameId)
    .where('registration_id', '=', registrationId)
    .where('kind', '=', 'register')
    .where('outcome', '=', 'failure')
    .limit(1)
    .executeTakeFirst();
  return failure !== undefined;
}

/** The image of an active version, which can be neither deprecated nor deleted before the transaction ends. */
async function holdVersion(transaction: GamemasterTransaction, version: string): Promise<string> {
  const found = await transaction
    .selectFrom('engine_versions')
    .select(['image_ref as imageRef', 'status'])
    .where('version', '=', version)
    .forShare()
    .executeTakeFirst();
  return imageOfActive(version, found);
}

async function setPatchTarget(transaction: GamemasterTransaction, gameId: string, version: string | null) {
  await transaction
    .updateTable('runtime_records')
    .set({ patch_target_version: version })
    .where('game_id', '=', gameId)
    .execute();
}

/** The row after the change, or undefined when it did not apply. */
async function changeAndRespond(
  transaction: GamemasterTransaction,
  change: StatusChange,
  respond: (row: RuntimeRow) => unknown,
): Promise<RuntimeRow | undefined> {
  const asked = change.operations?.find(({ key, outcome }) => key !== undefined && outcome === 'success');
  if (asked === undefined) throw new Error('A reply is remembered under a key, and no operation has one');
  const [row] = await runIn<RuntimeRow>(transaction, CHANGE, changeValues(change));
  if (row === undefined) return undefined;
  const response = JSON.stringify(respond(row) ?? null);
  await transaction
    .updateTable('operation_log')
    .set({ response })
    .where('operation_id', '=', asked.operationId)
    .execute();
  return row;
}

function changeValues(change: StatusChange): unknown[] {
  const {
    gameId,
    registrationId,
    revision,
    to,
    from = sourcesOf(to),
    set = {},
    operations = [],
    events = [],
  } = change;
  for (const source of from) {
    const keepsStatus = source === to && !isTerminal(to);
    if (!keepsStatus && !canBecome(source, to)) throw new Error(`A ${source} runtime never becomes ${to}`);
  }
  return [
    gameId,
    registrationId,
    revision,
    to,
    from,
    JSON.stringify(set),
    JSON.stringify(toOperationRecords(operations)),
    JSON.stringify(events),
  ];
}

/** The record as it is, if it had the write that found nothing to change. */
function expectWritten(identity: WriteIdentity, found: RuntimeRow | null): RuntimeRow {
  if (found?.registrationId !== identity.registrationId || found.revision < identity.revision) {
    throw new RecordDiverged(identity.gameId, identity, found);
  }
  return found;
}
