import { Client, type Pool } from 'pg';
import { waitFor } from './wait-for';

const GATED_TABLES = ['runtime_records', 'player_mappings', 'operation_log', 'outbox'] as const;

/** A closed gate. */
export interface Gate {
  /** Resolves when a write waits before it. */
  reached(): Promise<void>;
  open(): Promise<void>;
}

/** Tells these locks from the product's own. */
const LOCK_CLASS = 4711;
const KEY = `hashtext('gate ' || $1 || ' ' || $2)`;

/**
 * Gates before the tables of a Game Master's database: a test closes one to have a game stand still exactly there,
 * in the middle of a transaction, while all others go on.
 */
export async function installGates(database: Pool): Promise<void> {
  await database.query(`
    CREATE FUNCTION public.gate() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      PERFORM pg_advisory_xact_lock_shared(${LOCK_CLASS}, hashtext('gate ' || TG_TABLE_NAME || ' ' || NEW.game_id));
      RETURN NEW;
    END $$`);
  for (const table of GATED_TABLES) {
    await database.query(
      `CREATE TRIGGER gate BEFORE INSERT ON gamemaster.${table} FOR EACH ROW EXECUTE FUNCTION public.gate()`,
    );
  }
}

/** Closes the gate before inserts of this game into a table, until it is opened. */
export async function closeGate(
  database: Pool,
  table: (typeof GATED_TABLES)[number],
  gameId: string,
): Promise<Gate> {
  const { connectionString } = database.options;
  const client = new Client({ connectionString });
  client.on('error', () => undefined);
  await client.connect();
  await client.query(`SELECT pg_advisory_lock(${LOCK_CLASS}, ${KEY})`, [table, gameId]);
  return {
    async reached() {
      await waitFor(
        async () => {
          const { rows } = await database.query(
            `SELECT 1 FROM pg_locks
             WHERE locktype = 'advisory' AND NOT granted AND classid = ${LOCK_CLASS} AND objid = ${KEY}::oid`,
            [table, gameId],
          );
          return rows.length > 0;
        },
        { describe: `game ${gameId} to write into ${table}` },
      );
    },
    open: () => client.end(),
  };
}
