import { ServiceError } from '../../service/errors';
import type { Queries } from './postgres';

export interface Invite {
  inviteId: string;
  gameId: string;
  userId: string;
  /** Of the redemption. */
  raceName: string | null;
  status: 'open' | 'redeemed' | 'revoked';
  createdAt: Date;
  decidedAt: Date | null;
}

const COLUMNS = `
  invite_id AS "inviteId", game_id AS "gameId", user_id AS "userId", race_name AS "raceName", status,
  created_at AS "createdAt", decided_at AS "decidedAt"`;

/** Null where the user has an open invite to the game already. */
export async function insertInvite(
  queries: Queries,
  { inviteId, gameId, userId }: Pick<Invite, 'inviteId' | 'gameId' | 'userId'>,
): Promise<Invite | null> {
  const [row] = await queries.query<Invite>(
    `INSERT INTO lobby.invites (invite_id, game_id, user_id) VALUES ($1, $2, $3)
     ON CONFLICT DO NOTHING RETURNING ${COLUMNS}`,
    [inviteId, gameId, userId],
  );
  return row ?? null;
}

/** @throws ServiceError invite_not_found */
export async function getInvite(queries: Queries, gameId: string, inviteId: string): Promise<Invite> {
  const [row] = await queries.query<Invite>(
    `SELECT ${COLUMNS} FROM lobby.invites WHERE game_id = $1 AND invite_id = $2`,
    [gameId, inviteId],
  );
  return row ?? noSuchInvite();
}

/** Oldest first. */
export async function listInvites(queries: Queries, gameId: string): Promise<Invite[]> {
  return queries.query<Invite>(
    `SELECT ${COLUMNS} FROM lobby.invites WHERE game_id = $1 ORDER BY created_at, invite_id`,
    [gameId],
  );
}

export async function redeemInvite(queries: Queries, inviteId: string, raceName: string): Promise<Invite> {
  const [row] = await queries.query<Invite>(
    `UPDATE lobby.invites SET status = 'redeemed', race_name = $2, decided_at = now()
     WHERE invite_id = $1 RETURNING ${COLUMNS}`,
    [inviteId, raceName],
  );
  return row ?? noSuchInvite();
}

export async function revokeInvitesOf(queries: Queries, gameId: string, userId: string): Promise<void> {
  await queries.query(
    `UPDATE lobby.invites SET status = 'revoked', decided_at = now()
     WHERE game_id = $1 AND user_id = $2 AND status = 'open'`,
    [gameId, userId],
  );
}

function noSuchInvite(): never {
  throw new ServiceError(404, 'invite_not_found', 'there is no such invite to this game');
}
