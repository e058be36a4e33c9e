/** What has to be asked of Game Master until it is done. Written with the change that makes it necessary. */
import type { Queries } from './postgres';

export type TaskKind = 'register' | 'banish' | 'stop';

export interface Task {
  /** One that is added again after it was done is another task. */
  taskId: number;
  gameId: string;
  kind: TaskKind;
  /** The user whose race is to be banished; empty for the other kinds. */
  subject: string;
  attempts: number;
  /** How many attempts Game Master answered: a new idempotency key is due after each. */
  answered: number;
}

const COLUMNS = 'task_id AS "taskId", game_id AS "gameId", kind, subject, attempts, answered';
const SAME = 'game_id = $1 AND kind = $2 AND subject = $3';

type TaskName = Pick<Task, 'gameId' | 'kind' | 'subject'>;

const nameOf = ({ gameId, kind, subject }: TaskName): string[] => [gameId, kind, subject];

/** Due at once. One that is there already is left as it is. */
export async function addTask(queries: Queries, gameId: string, kind: TaskKind, subject = ''): Promise<void> {
  await queries.query(
    'INSERT INTO lobby.tasks (game_id, kind, subject) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING',
    [gameId, kind, subject],
  );
}

/** What is due, oldest first. Races of games that Game Master does not have yet cannot be banished: those wait. */
export async function dueTasks(queries: Queries, limit: number): Promise<Task[]> {
  return queries.query<Task>(
    `SELECT ${COLUMNS} FROM lobby.tasks JOIN lobby.games USING (game_id)
     WHERE next_try_at <= now() AND (kind <> 'banish' OR started_at IS NOT NULL)
     ORDER BY next_try_at LIMIT $1`,
    [limit],
  );
}

export async function hasTask(queries: Queries, task: TaskName): Promise<boolean> {
  return (await queries.query(`SELECT FROM lobby.tasks WHERE ${SAME}`, nameOf(task))).length > 0;
}

export async function postpone(
  queries: Queries,
  task: TaskName,
  { delayMs, wasAnswered }: { delayMs: number; wasAnswered: boolean },
): Promise<void> {
  await queries.query(
    `UPDATE lobby.tasks
     SET attempts = attempts + 1, answered = answered + $4, next_try_at = now() + $5 * interval '1 millisecond'
     WHERE ${SAME}`,
    [...nameOf(task), wasAnswered ? 1 : 0, delayMs],
  );
}

export async function removeTask(queries: Queries, task: TaskName): Promise<void> {
  await queries.query(`DELETE FROM lobby.tasks WHERE ${SAME}`, nameOf(task));
}

/** Forgets what a game that is over no longer needs: its registration and its banishments. */
export async function removeTasksOfGame(queries: Queries, gameId: string): Promise<void> {
  await queries.query(`DELETE FROM lobby.tasks WHERE game_id = $1 AND kind <> 'stop'`, [gameId]);
}

export async function countTasks(queries: Queries): Promise<Record<TaskKind, number>> {
  const rows = await queries.query<{ kind: TaskKind; count: number }>(
    'SELECT kind, count(*)::int AS count FROM lobby.tasks GROUP BY kind',
  );
  return {
    register: 0,
    banish: 0,
    stop: 0,
    ...Object.fromEntries(rows.map(({ kind, count }) => [kind, count])),
  };
}
