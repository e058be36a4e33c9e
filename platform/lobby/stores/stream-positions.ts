/** How far each stream has been read. */
import type { Queries } from './postgres';

/** The last entry that took effect; null before the first. */
export async function findPosition(queries: Queries, stream: string): Promise<string | null> {
  const [row] = await queries.query<{ entryId: string }>(
    'SELECT entry_id AS "entryId" FROM lobby.stream_positions WHERE stream = $1',
    [stream],
  );
  return row?.entryId ?? null;
}

/**
 * Moves the position to `entryId`, in the transaction of the entry's effect. Returns false, and moves nothing, when it is
 * there or further already: the entry has had its effect.
 */
export async function movePosition(queries: Queries, stream: string, entryId: string): Promise<boolean> {
  // An id is two numbers, and they are compared as such.
  const moved = await queries.query(
    `INSERT INTO lobby.stream_positions (stream, entry_id) VALUES ($1, $2)
     ON CONFLICT (stream) DO UPDATE SET entry_id = EXCLUDED.entry_id
       WHERE string_to_array(stream_positions.entry_id, '-')::numeric[] < string_to_array(EXCLUDED.entry_id, '-')::numeric[]
     RETURNING stream`,
    [stream, entryId],
  );
  return moved.length > 0;
}
