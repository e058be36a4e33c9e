import { ServiceError } from '../../service/errors';
import type { EnrolmentRefusal } from '../domain/enrolment';
import type { Game } from '../domain/game';
import { allows, type GameOperation } from '../domain/game-status';

export function conflict(message: string): ServiceError {
  return new ServiceError(409, 'conflict', message);
}

/** @throws ServiceError conflict when the game's status does not allow the operation */
export function requireStatus({ status }: Pick<Game, 'status'>, operation: GameOperation): void {
  if (!allows(status, operation)) throw conflict(`cannot ${operation}: the game is ${status}`);
}

/** @throws ServiceError where the rules of enrolment refused */
export function orRefuse(refusal: EnrolmentRefusal | null): void {
  if (refusal === null) return;
  throw new ServiceError(refusal.code === 'forbidden' ? 403 : 409, refusal.code, refusal.message);
}
