/** Opaque cursors: where a page ended, in a form that only the list which gave it takes back. */
import { GameMasterError } from '../domain/errors';

const DEFAULT_LIMIT = 50;

export function readLimit(limit: string | undefined): number {
  return limit === undefined ? DEFAULT_LIMIT : Number(limit);
}

export function writeCursor(list: string, position: readonly string[]): string {
  return Buffer.from(JSON.stringify([list, ...position])).toString('base64url');
}

/**
 * The position that a cursor of `list` was made from. The caller checks what the texts mean.
 *
 * @throws GameMasterError invalid_request
 */
export function readCursor<Length extends number>(
  list: string,
  cursor: string,
  length: Length,
): string[] & { length: Length } {
  const [from, ...position] = decode(cursor);
  if (from !== list || !hasLength(position, length)) throw unknownCursor();
  return position;
}

/** A time with microseconds, as the stores write it and Postgres will read it. */
export function isExactTime(text: string): boolean {
  if (!/^(?!0000)\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z$/.test(text)) return false;
  const time = new Date(text);
  // A date that does not exist is silently moved to one that does.
  return !Number.isNaN(time.getTime()) && time.toISOString().slice(0, 19) === text.slice(0, 19);
}

export function unknownCursor(): GameMasterError {
  return new GameMasterError(
    'invalid_request',
    'cursor: must be the next_cursor of an earlier page of this list',
  );
}

function decode(cursor: string): string[] {
  try {
    const value: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    if (Array.isArray(value) && value.every((part) => typeof part === 'string')) return value;
  } catch {
    // Not one of ours: told below.
  }
  throw unknownCursor();
}

function hasLength<Length extends number>(
  position: string[],
  length: Length,
): position is string[] & { length: Length } {
  return position.length === length;
}
