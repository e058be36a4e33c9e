import { REASONS } from '../domain/game';
import { retryDelayMs } from '../domain/retry-delay';
import { failStart } from '../operations/failing';
import { hasTask, postpone } from '../stores/tasks';
import type { Attempt } from './task';

/**
 * Gives up a start whose job nobody answered in time. An engine that comes up later is taken down. An answer that is there
 * and could not be read yet, because Lobby or Redis was away, came in time.
 */
export const giveUpStart: Attempt = async (task, { changes, outgoing, hasReadResults }, { log }) => {
  const hasHeardAll = await hasReadResults();
  await changes.inGame(task.gameId, async (queries, game) => {
    // Its result came, or it was cancelled, meanwhile.
    if (!(await hasTask(queries, task))) return;
    if (!hasHeardAll) {
      await postpone(queries, task, { delayMs: retryDelayMs(1), wasAnswered: false });
      return;
    }
    log.warn('the start job was not answered in time');
    await failStart(queries, outgoing, game, REASONS.startTimedOut);
  });
};
