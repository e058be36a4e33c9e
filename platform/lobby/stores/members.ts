import type { MemberStatus } from '../domain/enrolment';
import type { Player } from '../domain/game';
import type { PlayerStats } from '../domain/player-stats';
import type { Queries } from './postgres';

export interface Member {
  userId: string;
  raceName: string;
  status: MemberStatus;
  stats: PlayerStats | null;
  /** Null until the game is finished, and for members who left. */
  capable: boolean | null;
  joinedAt: Date;
}

type Row = Omit<Member, 'stats'> & { [Name in keyof PlayerStats]: PlayerStats[Name] | null };

const COLUMNS = `
  user_id AS "userId", race_name AS "raceName", status, planets, population, initial_planets AS "initialPlanets",
  initial_population AS "initialPopulation", max_planets AS "maxPlanets", max_population AS "maxPopulation", capable,
  joined_at AS "joinedAt"`;

/** In the order of joining. */
export async function listMembers(queries: Queries, gameId: string): Promise<Member[]> {
  const rows = await queries.query<Row>(
    `SELECT ${COLUMNS} FROM lobby.members WHERE game_id = $1 ORDER BY joined_at, user_id`,
    [gameId],
  );
  return rows.map(toMember);
}

export async function findMember(queries: Queries, gameId: string, userId: string): Promise<Member | null> {
  const [row] = await queries.query<Row>(
    `SELECT ${COLUMNS} FROM lobby.members WHERE game_id = $1 AND user_id = $2`,
    [gameId, userId],
  );
  return row === undefined ? null : toMember(row);
}

/** Those that play, as they are registered: in the order of joining. */
export async function activePlayers(queries: Queries, gameId: string): Promise<Player[]> {
  return queries.query<Player>(
    `SELECT user_id, race_name FROM lobby.members WHERE game_id = $1 AND status = 'active'
     ORDER BY joined_at, user_id`,
    [gameId],
  );
}

/** Whether somebody else than the user has the race, or waits for it to be granted. */
export async function isRaceTaken(
  queries: Queries,
  gameId: string,
  { user_id, race_name }: Player,
): Promise<boolean> {
  const rows = await queries.query(
    `SELECT FROM lobby.members WHERE game_id = $1 AND race_name = $2 AND user_id <> $3 AND status = 'active'
     UNION ALL
     SELECT FROM lobby.applications WHERE game_id = $1 AND race_name = $2 AND user_id <> $3 AND status = 'submitted'`,
    [gameId, race_name, user_id],
  );
  return rows.length > 0;
}

/** Makes the user an active member, also one that was removed before. The game is locked. */
export async function admit(queries: Queries, gameId: string, { user_id, race_name }: Player): Promise<void> {
  await queries.query(
    `INSERT INTO lobby.members (game_id, user_id, race_name) VALUES ($1, $2, $3)
     ON CONFLICT (game_id, user_id)
     DO UPDATE SET race_name = EXCLUDED.race_name, status = 'active', joined_at = EXCLUDED.joined_at`,
    [gameId, user_id, race_name],
  );
}

export async function setMemberStatus(
  queries: Queries,
  gameId: string,
  userId: string,
  status: MemberStatus,
): Promise<void> {
  await queries.query('UPDATE lobby.members SET status = $3 WHERE game_id = $1 AND user_id = $2', [
    gameId,
    userId,
    status,
  ]);
}

/** Writes the statistics of these users. One statement for all: a game may have 200 of them, every turn. */
export async function setStats(
  queries: Queries,
  gameId: string,
  stats: readonly (PlayerStats & { userId: string })[],
): Promise<void> {
  await queries.query(
    `UPDATE lobby.members m
     SET planets = s.planets, population = s.population, initial_planets = s."initialPlanets",
         initial_population = s."initialPopulation", max_planets = s."maxPlanets", max_population = s."maxPopulation"
     FROM jsonb_to_recordset($2) AS s("userId" text, planets float8, population float8, "initialPlanets" float8,
       "initialPopulation" float8, "maxPlanets" float8, "maxPopulation" float8)
     WHERE m.game_id = $1 AND m.user_id = s."userId"`,
    [gameId, JSON.stringify(stats)],
  );
}

/** Writes of every active member whether they are among the capable. */
export async function setCapable(
  queries: Queries,
  gameId: string,
  capableUserIds: readonly string[],
): Promise<void> {
  await queries.query(
    `UPDATE lobby.members SET capable = user_id = ANY($2) WHERE game_id = $1 AND status = 'active'`,
    [gameId, capableUserIds],
  );
}

function toMember(row: Row): Member {
  const { userId, raceName, status, capable, joinedAt, ...stats } = row;
  const isSeen = Object.values(stats).every((value) => value !== null);
  return { userId, raceName, status, capable, joinedAt, stats: isSeen ? (stats as PlayerStats) : null };
}
