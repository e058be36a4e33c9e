import { leftBehind } from '../domain/cancelling';
import type { Game } from '../domain/game';
import { changeStatus } from '../stores/games';
import type { Queries } from '../stores/postgres';
import { addTask, removeTasksOfGame } from '../stores/tasks';
import { giveEngineBack, type OutgoingStreams } from './jobs';

/** Cancels a game, and has taken down what runs of it. The game is locked. */
export async function giveUp(
  queries: Queries,
  streams: OutgoingStreams,
  game: Game,
  statusReason: string,
): Promise<void> {
  const { gameId } = game;
  await changeStatus(queries, game, 'cancelled', { statusReason });
  await removeTasksOfGame(queries, gameId);
  switch (leftBehind(game)) {
    case 'nothing':
      return;
    case 'engine':
      await giveEngineBack(queries, streams, { gameId, reason: 'cancelled' });
      return;
    case 'runtime':
      await addTask(queries, gameId, 'stop');
  }
}
