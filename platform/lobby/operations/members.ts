import { ServiceError } from '../../service/errors';
import { isRegisteredWith } from '../domain/cancelling';
import type { Game } from '../domain/game';
import { findMember, setMemberStatus, type Member } from '../stores/members';
import type { Queries } from '../stores/postgres';
import { addTask } from '../stores/tasks';
import { requireLead, type Actor } from './actor';
import type { MembershipNotices } from './membership-notices';
import { requireStatus } from './refusals';

export type Departure = 'removed' | 'blocked';

/** How players leave a game. */
export class Members {
  constructor(private readonly notices: Pick<MembershipNotices, 'inGame'>) {}

  /** Takes a player out. When this resolves Game Master has heard of it, if it can be reached. */
  takeOut(gameId: string, userId: string, departure: Departure, actor: Actor): Promise<Member> {
    return this.notices.inGame(gameId, async (queries, game) => {
      requireLead(game, actor);
      const member = await findMember(queries, gameId, userId);
      if (member === null)
        throw new ServiceError(404, 'member_not_found', 'there is no such member of this game');
      // Whoever is blocked stays so.
      if (member.status === departure || member.status === 'blocked') return member;
      requireStatus(game, 'remove members');
      await takeOutOf(queries, game, userId, departure);
      return { ...member, status: departure };
    });
  }
}

/** Ends a membership, and has the race banished where the game is registered with it. The game is locked. */
export async function takeOutOf(
  queries: Queries,
  game: Game,
  userId: string,
  departure: Departure,
): Promise<void> {
  await setMemberStatus(queries, game.gameId, userId, departure);
  if (isRegisteredWith(game, userId)) await addTask(queries, game.gameId, 'banish', { subject: userId });
}
