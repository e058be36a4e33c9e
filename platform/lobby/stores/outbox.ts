/** Entries on their way to a stream, written in the transaction of the change that they tell. */
import type { Queries } from './postgres';

export interface OutgoingEntry {
  stream: string;
  gameId: string;
  /** As the stream will have them. */
  fields: Record<string, string>;
}

export async function enqueue(queries: Queries, { stream, gameId, fields }: OutgoingEntry): Promise<void> {
  await queries.query('INSERT INTO lobby.outbox (stream, game_id, fields) VALUES ($1, $2, $3)', [
    stream,
    gameId,
    JSON.stringify(fields),
  ]);
}

/** The next entries, in the order in which they are to be sent. */
export async function pendingEntries(
  queries: Queries,
  limit: number,
): Promise<(OutgoingEntry & { id: number })[]> {
  return queries.query(
    'SELECT id, stream, game_id AS "gameId", fields FROM lobby.outbox ORDER BY id LIMIT $1',
    [limit],
  );
}

export async function removeEntry(queries: Queries, id: number): Promise<void> {
  await queries.query('DELETE FROM lobby.outbox WHERE id = $1', [id]);
}

export async function countEntries(queries: Queries): Promise<number> {
  const [row] = await queries.query<{ count: number }>('SELECT count(*)::int AS count FROM lobby.outbox');
  return row?.count ?? 0;
}
