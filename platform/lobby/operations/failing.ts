import type { Game } from '../domain/game';
import { changeStatus } from '../stores/games';
import type { Queries } from '../stores/postgres';
import { removeTasksOfGame } from '../stores/tasks';
import { giveEngineBack, type OutgoingStreams } from './jobs';

/** Ends an attempt to start whose engine is up, or may yet come up: that is given back. The game is locked. */
export async function failStart(
  queries: Queries,
  streams: OutgoingStreams,
  game: Game,
  statusReason: string | null,
): Promise<void> {
  const { gameId } = game;
  await changeStatus(queries, game, 'start_failed', { statusReason, registration: null });
  await removeTasksOfGame(queries, gameId);
  await giveEngineBack(queries, streams, { gameId, reason: 'orphan_cleanup' });
}
