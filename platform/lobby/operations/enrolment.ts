import { randomUUID } from 'node:crypto';
import { ServiceError } from '../../service/errors';
import { refusalToJoin } from '../domain/enrolment';
import type { Game, Player } from '../domain/game';
import {
  decideApplication,
  getApplication,
  hasOpenApplication,
  insertApplication,
  rejectApplicationsOf,
  type Application,
} from '../stores/applications';
import { getInvite, insertInvite, redeemInvite, type Invite } from '../stores/invites';
import { admit, findMember, isRaceTaken } from '../stores/members';
import type { Queries } from '../stores/postgres';
import { requireLead, type Actor } from './actor';
import type { Changes } from './changes';
import type { MembershipNotices } from './membership-notices';
import { conflict, orRefuse, requireStatus } from './refusals';

/** How players come into a game: by an application that is approved, or by an invite that they redeem. */
export class Enrolment {
  constructor(
    private readonly changes: Changes,
    private readonly notices: Pick<MembershipNotices, 'inGame'>,
  ) {}

  apply(gameId: string, player: Player): Promise<Application> {
    return this.changes.inGame(gameId, async (queries, game) => {
      const hasApplied = await hasOpenApplication(queries, gameId, player.user_id);
      await requirePlace(queries, game, player, hasApplied);
      const { user_id: userId, race_name: raceName } = player;
      return insertApplication(queries, { applicationId: randomUUID(), gameId, userId, raceName });
    });
  }

  approve(gameId: string, applicationId: string, actor: Actor): Promise<Application> {
    return this.notices.inGame(gameId, async (queries, game) => {
      requireLead(game, actor);
      const application = await getApplication(queries, gameId, applicationId);
      if (application.status === 'approved') return application;
      if (application.status === 'rejected') throw conflict('the application was rejected');
      requireStatus(game, 'approve applications');
      const player = { user_id: application.userId, race_name: application.raceName };
      await requirePlace(queries, game, player, false);
      await admit(queries, gameId, player);
      return decideApplication(queries, applicationId, 'approved');
    });
  }

  reject(gameId: string, applicationId: string, actor: Actor): Promise<Application> {
    return this.notices.inGame(gameId, async (queries, game) => {
      requireLead(game, actor);
      const application = await getApplication(queries, gameId, applicationId);
      if (application.status === 'rejected') return application;
      if (application.status === 'approved') throw conflict('the application was approved');
      requireStatus(game, 'reject applications');
      return decideApplication(queries, applicationId, 'rejected');
    });
  }

  invite(gameId: string, userId: string, actor: Actor): Promise<Invite> {
    return this.changes.inGame(gameId, async (queries, game) => {
      requireLead(game, actor);
      requireStatus(game, 'invite');
      const member = await findMember(queries, gameId, userId);
      if (member !== null && member.status !== 'removed')
        throw conflict(`this person is ${member.status} in the game`);
      const invite = await insertInvite(queries, { inviteId: randomUUID(), gameId, userId });
      if (invite === null) throw conflict('this person is invited already');
      return invite;
    });
  }

  redeem(gameId: string, inviteId: string, player: Player): Promise<Invite> {
    return this.notices.inGame(gameId, async (queries, game) => {
      const invite = await getInvite(queries, gameId, inviteId);
      if (invite.userId !== player.user_id)
        throw new ServiceError(403, 'forbidden', 'the invite is for somebody else');
      if (invite.status === 'redeemed' && invite.raceName === player.race_name) return invite;
      if (invite.status !== 'open') throw conflict(`the invite was ${invite.status}`);
      await requirePlace(queries, game, player, false);
      await admit(queries, gameId, player);
      // What they had asked for themselves is settled by this.
      await rejectApplicationsOf(queries, gameId, player.user_id);
      return redeemInvite(queries, inviteId, player.race_name);
    });
  }
}

async function requirePlace(
  queries: Queries,
  game: Game,
  player: Player,
  hasApplied: boolean,
): Promise<void> {
  const member = await findMember(queries, game.gameId, player.user_id);
  orRefuse(
    refusalToJoin({
      gameStatus: game.status,
      maxPlayers: game.maxPlayers,
      activePlayers: game.activePlayers,
      member: member?.status ?? null,
      hasApplied,
      isRaceTaken: await isRaceTaken(queries, game.gameId, player),
    }),
  );
}
