import { ServiceError } from '../../service/errors';
import type { Game, Registration } from '../domain/game';
import { mayBecome, type GameStatus } from '../domain/game-status';
import type { RuntimeView } from '../domain/runtime-view';
import type { Queries } from './postgres';

type Row = Omit<Game, 'runtime'> & { [Name in keyof RuntimeView]: RuntimeView[Name] | null } & {
  position: number;
};

const COLUMNS = `
  game_id AS "gameId", position, name, owner_user_id AS "ownerUserId", status, status_reason AS "statusReason",
  target_engine_version AS "targetEngineVersion", turn_schedule AS "turnSchedule", min_players AS "minPlayers",
  max_players AS "maxPlayers", start_requested_at_ms AS "startRequestedAtMs", registration,
  current_turn AS "currentTurn", runtime_status AS "runtimeStatus", engine_health AS "engineHealth",
  told_at AS "toldAt", created_at AS "createdAt", updated_at AS "updatedAt", started_at AS "startedAt",
  finished_at AS "finishedAt",
  (SELECT count(*)::int FROM lobby.members m WHERE m.game_id = games.game_id AND m.status = 'active') AS "activePlayers"`;

export type NewGame = Pick<
  Game,
  'gameId' | 'name' | 'ownerUserId' | 'targetEngineVersion' | 'turnSchedule' | 'minPlayers' | 'maxPlayers'
>;

export async function insertGame(queries: Queries, game: NewGame): Promise<Game> {
  const [row] = await queries.query<Row>(
    `INSERT INTO lobby.games (game_id, name, owner_user_id, target_engine_version, turn_schedule, min_players, max_players)
     VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING ${COLUMNS}`,
    [
      game.gameId,
      game.name,
      game.ownerUserId,
      game.targetEngineVersion,
      game.turnSchedule,
      game.minPlayers,
      game.maxPlayers,
    ],
  );
  return toGame(row);
}

export async function findGame(queries: Queries, gameId: string): Promise<Game | null> {
  const [row] = await queries.query<Row>(`SELECT ${COLUMNS} FROM lobby.games WHERE game_id = $1`, [gameId]);
  return row === undefined ? null : toGame(row);
}

/** @throws ServiceError game_not_found */
export async function getGame(queries: Queries, gameId: string): Promise<Game> {
  return (await findGame(queries, gameId)) ?? noSuchGame();
}

/** The game, which nobody else changes until the transaction ends; null where there is none. */
export async function findAndLockGame(queries: Queries, gameId: string): Promise<Game | null> {
  // Looked at again once the lock is held: the members that are counted with it may have changed meanwhile.
  const locked = await queries.query('SELECT FROM lobby.games WHERE game_id = $1 FOR UPDATE', [gameId]);
  return locked.length === 0 ? null : findGame(queries, gameId);
}

/** @throws ServiceError game_not_found */
export async function lockGame(queries: Queries, gameId: string): Promise<Game> {
  return (await findAndLockGame(queries, gameId)) ?? noSuchGame();
}

export interface GamePageQuery {
  status: GameStatus | undefined;
  /** Only games before this position. */
  before: number | undefined;
  limit: number;
}

/** Newest first; `next` is the position to go on before, null on the last page. */
export async function listGames(
  queries: Queries,
  { status, before, limit }: GamePageQuery,
): Promise<{ games: Game[]; next: number | null }> {
  const rows = await queries.query<Row>(
    `SELECT ${COLUMNS} FROM lobby.games
     WHERE ($1::text IS NULL OR status = $1) AND ($2::bigint IS NULL OR position < $2)
     ORDER BY position DESC LIMIT $3`,
    [status ?? null, before ?? null, limit + 1],
  );
  const page = rows.slice(0, limit);
  return { games: page.map(toGame), next: rows.length > limit ? (page.at(-1)?.position ?? null) : null };
}

/** What may be written beside a status. What is left out stays, the reason excepted: it belongs to the status. */
export interface GameChanges {
  statusReason?: string | null;
  startRequestedAtMs?: number;
  registration?: Registration | null;
  startedAt?: Date;
}

/** Writes a game's status. The game is locked. @throws Error where the table of statuses does not have it */
export async function changeStatus(
  queries: Queries,
  game: Pick<Game, 'gameId' | 'status'>,
  to: GameStatus,
  changes: GameChanges = {},
): Promise<void> {
  if (!mayBecome(game.status, to))
    throw new Error(`game ${game.gameId} cannot become ${to}: it is ${game.status}`);
  const { statusReason = null, startRequestedAtMs, registration, startedAt } = changes;
  await queries.query(
    `UPDATE lobby.games
     SET status = $2, status_reason = $3,
         start_requested_at_ms = COALESCE($4, start_requested_at_ms),
         registration = CASE WHEN $5 THEN $6::jsonb ELSE registration END,
         started_at = COALESCE(started_at, $7),
         finished_at = CASE WHEN $2 IN ('finished', 'cancelled') THEN now() END,
         updated_at = now()
     WHERE game_id = $1`,
    [
      game.gameId,
      to,
      statusReason,
      startRequestedAtMs ?? null,
      registration !== undefined,
      registration ? JSON.stringify(registration) : null,
      startedAt ?? null,
    ],
  );
}

/**
 * The time of a new job for Runtime Manager. It names the job and says which of two jobs came first, so that it rises
 * with each job of a game, whatever the clock does. The game is locked.
 */
export async function nextJobTime(queries: Queries, gameId: string): Promise<number> {
  const [row] = await queries.query<{ time: number }>(
    `UPDATE lobby.games SET last_job_at_ms = GREATEST($2, last_job_at_ms + 1)
     WHERE game_id = $1 RETURNING last_job_at_ms AS "time"`,
    [gameId, Date.now()],
  );
  if (row === undefined) throw new Error(`there is no game ${gameId}`);
  return row.time;
}

/** Keeps what is to be registered. The game is locked. */
export async function setRegistration(
  queries: Queries,
  gameId: string,
  registration: Registration,
): Promise<void> {
  await queries.query('UPDATE lobby.games SET registration = $2, updated_at = now() WHERE game_id = $1', [
    gameId,
    JSON.stringify(registration),
  ]);
}

/** Keeps what Game Master told. Where it says nothing of the engine's health the last word on it stays. */
export async function setRuntimeView(queries: Queries, gameId: string, view: RuntimeView): Promise<void> {
  await queries.query(
    `UPDATE lobby.games
     SET current_turn = $2, runtime_status = $3, engine_health = COALESCE($4, engine_health), told_at = $5,
         started_at = COALESCE(started_at, $5), updated_at = now()
     WHERE game_id = $1`,
    [gameId, view.currentTurn, view.runtimeStatus, view.engineHealth, view.toldAt],
  );
}

/** The games that a user owns, or is in, or wants to be in, that are not over; in the order in which they are locked. */
export async function gamesOfUser(queries: Queries, userId: string): Promise<string[]> {
  const rows = await queries.query<{ gameId: string }>(
    `SELECT game_id AS "gameId" FROM lobby.games g
     WHERE status NOT IN ('finished', 'cancelled')
       AND (owner_user_id = $1
         OR EXISTS (SELECT FROM lobby.members m WHERE m.game_id = g.game_id AND m.user_id = $1 AND m.status = 'active')
         OR EXISTS (SELECT FROM lobby.applications a
                    WHERE a.game_id = g.game_id AND a.user_id = $1 AND a.status = 'submitted')
         OR EXISTS (SELECT FROM lobby.invites i WHERE i.game_id = g.game_id AND i.user_id = $1 AND i.status = 'open'))
     ORDER BY game_id`,
    [userId],
  );
  return rows.map(({ gameId }) => gameId);
}

/** The games that Game Master has or may have, and that are not over. */
export async function gamesUnderWay(queries: Queries): Promise<string[]> {
  const rows = await queries.query<{ gameId: string }>(
    `SELECT game_id AS "gameId" FROM lobby.games
     WHERE status IN ('starting', 'running', 'paused') AND registration IS NOT NULL ORDER BY game_id`,
  );
  return rows.map(({ gameId }) => gameId);
}

function toGame(row: Row | undefined): Game {
  if (row === undefined) throw new Error('a row was written and is not there');
  const { currentTurn, runtimeStatus, engineHealth, toldAt, position: _position, ...game } = row;
  const isTold = currentTurn !== null && runtimeStatus !== null && toldAt !== null;
  return { ...game, runtime: isTold ? { currentTurn, runtimeStatus, engineHealth, toldAt } : null };
}

function noSuchGame(): never {
  throw new ServiceError(404, 'game_not_found', 'there is no such game');
}
