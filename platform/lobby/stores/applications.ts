import { ServiceError } from '../../service/errors';
import type { Queries } from './postgres';

export interface Application {
  applicationId: string;
  gameId: string;
  userId: string;
  raceName: string;
  status: 'submitted' | 'approved' | 'rejected';
  createdAt: Date;
  decidedAt: Date | null;
}

const COLUMNS = `
  application_id AS "applicationId", game_id AS "gameId", user_id AS "userId", race_name AS "raceName", status,
  created_at AS "createdAt", decided_at AS "decidedAt"`;

export async function insertApplication(
  queries: Queries,
  application: Pick<Application, 'applicationId' | 'gameId' | 'userId' | 'raceName'>,
): Promise<Application> {
  const { applicationId, gameId, userId, raceName } = application;
  const [row] = await queries.query<Application>(
    `INSERT INTO lobby.applications (application_id, game_id, user_id, race_name) VALUES ($1, $2, $3, $4)
     RETURNING ${COLUMNS}`,
    [applicationId, gameId, userId, raceName],
  );
  return row ?? noSuchApplication();
}

/** @throws ServiceError application_not_found */
export async function getApplication(
  queries: Queries,
  gameId: string,
  applicationId: string,
): Promise<Application> {
  const [row] = await queries.query<Application>(
    `SELECT ${COLUMNS} FROM lobby.applications WHERE game_id = $1 AND application_id = $2`,
    [gameId, applicationId],
  );
  return row ?? noSuchApplication();
}

/** Oldest first. */
export async function listApplications(queries: Queries, gameId: string): Promise<Application[]> {
  return queries.query<Application>(
    `SELECT ${COLUMNS} FROM lobby.applications WHERE game_id = $1 ORDER BY created_at, application_id`,
    [gameId],
  );
}

export async function hasOpenApplication(queries: Queries, gameId: string, userId: string): Promise<boolean> {
  const rows = await queries.query(
    `SELECT FROM lobby.applications WHERE game_id = $1 AND user_id = $2 AND status = 'submitted'`,
    [gameId, userId],
  );
  return rows.length > 0;
}

export async function decideApplication(
  queries: Queries,
  applicationId: string,
  status: 'approved' | 'rejected',
): Promise<Application> {
  const [row] = await queries.query<Application>(
    `UPDATE lobby.applications SET status = $2, decided_at = now() WHERE application_id = $1 RETURNING ${COLUMNS}`,
    [applicationId, status],
  );
  return row ?? noSuchApplication();
}

/** Rejects what the user has asked for in the game, if anything. */
export async function rejectApplicationsOf(queries: Queries, gameId: string, userId: string): Promise<void> {
  await queries.query(
    `UPDATE lobby.applications SET status = 'rejected', decided_at = now()
     WHERE game_id = $1 AND user_id = $2 AND status = 'submitted'`,
    [gameId, userId],
  );
}

function noSuchApplication(): never {
  throw new ServiceError(404, 'application_not_found', 'there is no such application to this game');
}
