/** What is still to be done about a game, most of it to be asked of Game Master. Written with the change that makes it necessary. */
import type { Queries } from './postgres';

/** `give_up_start` is due when the result of a start job has not come in time, `invalidate` when nobody else has told. */
export const TASK_KINDS = ['give_up_start', 'register', 'banish', 'stop', 'invalidate'] as const;
export type TaskKind = (typeof TASK_KINDS)[number];

export interface Task {
  /** One that is added again after it was done is another task. */
  taskId: number;
  gameId: string;
  kind: TaskKind;
  /** The user whose race is to be banished; of `invalidate` something unique; empty for the other kinds. */
  subject: string;
  attempts: number;
  /** How many attempts Game Master answered: a new idempotency key is due after each. */
  answered: number;
}

const COLUMNS = 'task_id AS "taskId", game_id AS "gameId", kind, subject, attempts, answered';

/** Due at once, or after `delayMs`. One that is there already is left as it is. Returns it, or null where it was there. */
export async function addTask(
  queries: Queries,
  gameId: string,
  kind: TaskKind,
  { subject = '', delayMs = 0 }: { subject?: string; delayMs?: number } = {},
): Promise<Task | null> {
  const [task] = await queries.query<Task>(
    `INSERT INTO lobby.tasks (game_id, kind, subject, next_try_at)
     VALUES ($1, $2, $3, now() + $4 * interval '1 millisecond') ON CONFLICT DO NOTHING RETURNING ${COLUMNS}`,
    [gameId, kind, subject, delayMs],
  );
  return task ?? null;
}

/**
 * What is due, oldest first, of each kind not more than `limit`. Races of games that Game Master does not have yet cannot
 * be banished: those wait.
 */
export async function dueTasks(queries: Queries, limit: number): Promise<Task[]> {
  return queries.query<Task>(
    `SELECT ${COLUMNS} FROM (
       SELECT tasks.*, row_number() OVER (PARTITION BY kind ORDER BY next_try_at) AS place
       FROM lobby.tasks JOIN lobby.games USING (game_id)
       WHERE next_try_at <= now() AND (kind <> 'banish' OR started_at IS NOT NULL)) AS due
     WHERE place <= $1 ORDER BY next_try_at`,
    [limit],
  );
}

/** Whether it is still to be done: what happened meanwhile may have settled it. */
export async function hasTask(queries: Queries, { taskId }: Task): Promise<boolean> {
  return (await queries.query('SELECT FROM lobby.tasks WHERE task_id = $1', [taskId])).length > 0;
}

export async function postpone(
  queries: Queries,
  { taskId }: Task,
  { delayMs, wasAnswered }: { delayMs: number; wasAnswered: boolean },
): Promise<void> {
  await queries.query(
    `UPDATE lobby.tasks
     SET attempts = attempts + 1, answered = answered + $2, next_try_at = now() + $3 * interval '1 millisecond'
     WHERE task_id = $1`,
    [taskId, wasAnswered ? 1 : 0, delayMs],
  );
}

export async function removeTask(queries: Queries, { taskId }: Task): Promise<void> {
  await queries.query('DELETE FROM lobby.tasks WHERE task_id = $1', [taskId]);
}

/** Forgets a task of a game whose time has passed: the game is registered, or its engine was heard of. */
export async function removeTaskOfKind(
  queries: Queries,
  gameId: string,
  kind: 'register' | 'give_up_start',
): Promise<void> {
  await queries.query('DELETE FROM lobby.tasks WHERE game_id = $1 AND kind = $2', [gameId, kind]);
}

/** Forgets what a game that is over, or has no engine, no longer needs: all but to have it stopped, and who plays told. */
export async function removeTasksOfGame(queries: Queries, gameId: string): Promise<void> {
  await queries.query(`DELETE FROM lobby.tasks WHERE game_id = $1 AND kind NOT IN ('stop', 'invalidate')`, [
    gameId,
  ]);
}

export async function countTasks(queries: Queries): Promise<Record<TaskKind, number>> {
  const rows = await queries.query<{ kind: TaskKind; count: number }>(
    'SELECT kind, count(*)::int AS count FROM lobby.tasks GROUP BY kind',
  );
  const counts = new Map(rows.map(({ kind, count }) => [kind, count]));
  return Object.fromEntries(TASK_KINDS.map((kind) => [kind, counts.get(kind) ?? 0])) as Record<
    TaskKind,
    number
  >;
}
