import type { Game } from './game';
import { hasBegun } from './game-status';

/**
 * What has to be taken down when a game is given up: nothing; an engine that Game Master does not know; or what Game
 * Master has or may have registered, which only it can stop.
 */
export function leftBehind({
  status,
  registration,
}: Pick<Game, 'status' | 'registration'>): 'nothing' | 'engine' | 'runtime' {
  if (!hasBegun(status)) return 'nothing';
  return registration === null ? 'engine' : 'runtime';
}

/** Whether a race has to be banished when its player leaves: it is registered, or being registered, with the others. */
export function isRegisteredWith(
  { status, registration }: Pick<Game, 'status' | 'registration'>,
  userId: string,
): boolean {
  return (
    hasBegun(status) &&
    registration !== null &&
    registration.members.some(({ user_id }) => user_id === userId)
  );
}
