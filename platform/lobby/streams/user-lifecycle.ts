import { z } from 'zod';
import { REASONS, type Game } from '../domain/game';
import { hasBegun, isOver } from '../domain/game-status';
import { giveUp } from '../operations/giving-up';
import type { OutgoingStreams } from '../operations/jobs';
import { takeOutOf, type Departure } from '../operations/members';
import { addNotice } from '../operations/membership-notices';
import { rejectApplicationsOf } from '../stores/applications';
import { gamesOfUser, lockGame } from '../stores/games';
import { revokeInvitesOf } from '../stores/invites';
import { findMember } from '../stores/members';
import type { Queries } from '../stores/postgres';
import { integerText, understand, userIdText, type Incoming } from './incoming';

/** What the end of an account makes of its memberships. */
const DEPARTURES = {
  'user.permanently_blocked': 'blocked',
  'user.deleted': 'removed',
} as const satisfies Record<string, Departure>;

const event = z.object({
  event_type: z.enum(['user.permanently_blocked', 'user.deleted']),
  event_id: z.string().min(1).max(256),
  user_id: userIdText,
  occurred_at_ms: integerText,
});

type UserEvent = z.output<typeof event>;

export interface UserLifecycleOptions {
  stream: string;
  outgoing: OutgoingStreams;
}

/** `user:lifecycle_events`: a user leaves the platform, and with it all that they had in games. */
export function userLifecycle({ stream, outgoing }: UserLifecycleOptions): Incoming<UserEvent> {
  return {
    stream,
    read: (fields) => understand(event, fields),
    apply: async (queries, { event_type, user_id: userId }) => {
      for (const gameId of await gamesOfUser(queries, userId)) {
        const game = await lockGame(queries, gameId);
        if (isOver(game.status)) continue;
        await clearPlace(queries, game, userId, DEPARTURES[event_type]);
        // Nobody leads it any more. One that has begun goes on, and the administration leads it.
        if (game.ownerUserId === userId && !hasBegun(game.status)) {
          await giveUp(queries, outgoing, game, REASONS.ownerLeft);
        }
      }
    },
  };
}

async function clearPlace(queries: Queries, game: Game, userId: string, departure: Departure): Promise<void> {
  const { gameId } = game;
  const member = await findMember(queries, gameId, userId);
  if (member?.status === 'active') {
    await takeOutOf(queries, game, userId, departure);
    await addNotice(queries, gameId);
  }
  await rejectApplicationsOf(queries, gameId, userId);
  await revokeInvitesOf(queries, gameId, userId);
}
