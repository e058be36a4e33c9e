/** What callers are told when something is not done. */
import { ServiceError, unavailable } from '../service/errors';
import { DriverUnavailable, StartFailure } from './driver';
import { MemoryMoved, MemoryUnavailable } from './memory';

/** The contract's error for whatever was thrown. */
export function toServiceError(error: unknown): ServiceError {
  if (error instanceof ServiceError) return error;
  if (error instanceof StartFailure)
    return new ServiceError(422, error.code, error.message, { cause: error });
  if (error instanceof DriverUnavailable) {
    return unavailable('what runs the engines does not answer', error);
  }
  if (error instanceof MemoryMoved) return unavailable('somebody else is at work on this game', error);
  if (error instanceof MemoryUnavailable) return unavailable('redis does not answer', error);
  return new ServiceError(500, 'internal_error', 'internal error', { cause: error });
}

export function unknown(gameId: string): ServiceError {
  return new ServiceError(404, 'runtime_not_found', `no runtime of ${gameId} is known`);
}

export function conflict(gameId: string, how: string): ServiceError {
  return new ServiceError(409, 'conflict', `the runtime of ${gameId} ${how}`);
}
