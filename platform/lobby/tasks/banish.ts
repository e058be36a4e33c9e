import { isBanished } from '../domain/game-master-answers';
import { isOver } from '../domain/game-status';
import { retryDelayMs } from '../domain/retry-delay';
import { getGame } from '../stores/games';
import { postpone, removeTask } from '../stores/tasks';
import { keyOf, type Attempt } from './task';

/** Banishes the race of a player who was taken out of a registered game, until it is or the game is over. */
export const banish: Attempt = async (task, { database, changes, gameMaster }, { log, signal }) => {
  const { gameId, subject: userId, attempts } = task;
  const { status, registration } = await getGame(database, gameId);
  const race = registration?.members.find(({ user_id }) => user_id === userId)?.race_name;
  if (isOver(status) || race === undefined) {
    await changes.make((queries) => removeTask(queries, task));
    return;
  }
  const key = keyOf(task);
  const answer = await gameMaster.banish({ gameId, key, signal }, race);
  if (isBanished(answer)) {
    await changes.make((queries) => removeTask(queries, task));
    return;
  }
  log.warn({ user_id: userId, ...answer }, 'the race is not banished yet');
  await changes.make((queries) =>
    postpone(queries, task, { delayMs: retryDelayMs(attempts + 1), wasAnswered: answer.status !== null }),
  );
};
