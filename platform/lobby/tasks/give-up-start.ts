import { REASONS } from '../domain/game';
import { failStart } from '../operations/failing';
import { hasTask } from '../stores/tasks';
import type { Attempt } from './task';

/** Gives up a start whose job nobody answered in time. An engine that comes up later is taken down. */
export const giveUpStart: Attempt = async (task, { changes, outgoing }, { log }) => {
  await changes.inGame(task.gameId, async (queries, game) => {
    // Its result came, or it was cancelled, meanwhile.
    if (!(await hasTask(queries, task))) return;
    log.warn('the start job was not answered in time');
    await failStart(queries, outgoing, game, REASONS.startTimedOut);
  });
};
