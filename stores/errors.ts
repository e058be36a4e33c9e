import { DatabaseError } from 'pg';
import type { RuntimeRow } from '../domain/runtime-record';

/**
 * Postgres could not be asked, or did not answer in time: nothing is known about what became of the statement.
 * The same call may be repeated. Everything else that a store throws is a GameMasterError or a bug.
 */
export class StoreUnavailable extends Error {
  override readonly name = 'StoreUnavailable';
}

/**
 * A write found a record that its game's workflow cannot have left behind: gone, another registration's, or at an
 * older revision but in a status the write may not follow. Retrying cannot help; somebody has to look.
 */
export class RecordDiverged extends Error {
  override readonly name = 'RecordDiverged';

  constructor(
    readonly gameId: string,
    readonly expected: { registrationId: string; revision?: number },
    readonly found: RuntimeRow | null,
  ) {
    const present =
      found === null
        ? 'there is no record'
        : `the record is ${found.status} at revision ${found.revision} of registration ${found.registrationId}`;
    const revision = expected.revision === undefined ? '' : `revision ${expected.revision} of `;
    super(`Game ${gameId}: cannot write ${revision}registration ${expected.registrationId}, ${present}`);
  }
}

/** SQLSTATE classes that tell of the server's state and not of the statement. */
const UNAVAILABLE_CLASSES = [
  '08', // connection exception
  '25', // this session cannot do it: its transaction timed out, or the server became a standby
  '40', // deadlock or serialization failure: a repetition may succeed
  '53', // out of connections, memory or disk
  '57', // shutdown, crash, statement timeout
  '58', // I/O error
];
const LOCK_NOT_AVAILABLE = '55P03';
const INVALID_STATEMENT_NAME = '26000';
const FEATURE_NOT_SUPPORTED = '0A000';

/** The error to throw for what `pg` threw while a statement ran. */
export function toStoreError(error: unknown): unknown {
  if (error instanceof DatabaseError) return saysUnavailable(error) ? unavailable(error) : error;
  // Without an answer of the server's the state of the connection is unknown; a TypeError was ours before sending.
  return error instanceof TypeError ? error : unavailable(error);
}

/** The error to throw when no connection could be had, whatever the reason. */
export function toConnectError(error: unknown): StoreUnavailable {
  return unavailable(error);
}

function unavailable(cause: unknown): StoreUnavailable {
  // A connection that failed at several addresses has its errors inside and no message.
  const { message, code } = cause as Partial<NodeJS.ErrnoException>;
  return new StoreUnavailable(`Postgres is not available: ${message || code || 'no reason given'}`, {
    cause,
  });
}

function saysUnavailable({ code = '', message }: DatabaseError): boolean {
  return (
    UNAVAILABLE_CLASSES.includes(code.slice(0, 2)) ||
    code === LOCK_NOT_AVAILABLE ||
    // A prepared statement that outlived a migration or a change of pooled server: a new connection prepares anew.
    code === INVALID_STATEMENT_NAME ||
    (code === FEATURE_NOT_SUPPORTED && message.includes('cached plan'))
  );
}
