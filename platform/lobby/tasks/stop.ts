import { judgeStop, judgeStopConflict, type StopVerdict } from '../domain/game-master-answers';
import { retryDelayMs } from '../domain/retry-delay';
import type { GameMaster } from '../game-master';
import { giveEngineBack } from '../operations/jobs';
import { postpone, removeTask } from '../stores/tasks';
import { keyOf, type Attempt } from './task';

/** Has a game stopped that was given up and may run at Game Master; where it does not, its engine is given back. */
export const stop: Attempt = async (task, { changes, gameMaster, outgoing }, { log, signal }) => {
  const { gameId, attempts } = task;
  const key = keyOf(task);
  const answer = await gameMaster.stop({ gameId, key, signal }, 'the game was cancelled');
  const first = judgeStop(answer);
  const verdict = first === 'look' ? await look(gameMaster, gameId) : first;
  if (verdict === 'again') log.warn({ ...answer }, 'the game is not stopped yet');
  await changes.inGame(gameId, async (queries) => {
    if (verdict === 'again') {
      await postpone(queries, task, {
        delayMs: retryDelayMs(attempts + 1),
        wasAnswered: answer.status !== null,
      });
      return;
    }
    await removeTask(queries, task);
    if (verdict === 'engine_left') await giveEngineBack(queries, outgoing, { gameId, reason: 'cancelled' });
  });
};

async function look(gameMaster: GameMaster, gameId: string): Promise<Exclude<StopVerdict, 'look'>> {
  return gameMaster.runtimeStatus(gameId).then(judgeStopConflict, () => 'again');
}
