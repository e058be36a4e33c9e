import { ServiceError } from '../../service/errors';
import type { Game } from '../domain/game';

/** Who asks for something: a person, or null for the administration. */
export type Actor = { userId: string } | null;

/** @throws ServiceError forbidden for everybody but the owner and the administration */
export function requireLead({ ownerUserId }: Pick<Game, 'ownerUserId'>, actor: Actor): void {
  if (actor === null || actor.userId === ownerUserId) return;
  throw new ServiceError(403, 'forbidden', 'only its owner or the administration leads this game');
}
