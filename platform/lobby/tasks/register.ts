import { lobbyRuntimePausedAfterStart, toStreamFields } from '../../../pkg/notificationintent';
import { REASONS, type Game } from '../domain/game';
import { judgeConflict, judgeRegistration, type RegistrationVerdict } from '../domain/game-master-answers';
import { retryDelayMs } from '../domain/retry-delay';
import type { GameMaster } from '../game-master';
import { failStart } from '../operations/failing';
import { changeStatus, getGame } from '../stores/games';
import { enqueue } from '../stores/outbox';
import type { Queries } from '../stores/postgres';
import { addTask, hasTask, postpone, removeTask, type Task } from '../stores/tasks';
import type { Attempt, TaskParts } from './task';

/** Registers a game whose engine is up, always under the key of its start: a repetition is the same registration. */
export const register: Attempt = async (task, parts, { log, signal }) => {
  const { gameId } = task;
  const { registration, startRequestedAtMs } = await getGame(parts.database, gameId);
  if (registration === null) throw new Error('there is nothing to register');
  const key = `register:${gameId}:${startRequestedAtMs}`;
  const answer = await parts.gameMaster.register({ gameId, key, signal }, registration);
  const first = judgeRegistration(answer);
  const verdict = first === 'look' ? await look(parts.gameMaster, gameId) : first;
  if (verdict !== 'registered') log.warn({ verdict, ...answer }, 'the game was not registered');
  await parts.changes.inGame(gameId, (queries, game) =>
    settle(queries, game, { task, parts, verdict, code: answer.code }),
  );
};

async function look(gameMaster: GameMaster, gameId: string): Promise<RegistrationVerdict> {
  return gameMaster.runtimeStatus(gameId).then(judgeConflict, () => 'away');
}

interface Outcome {
  task: Task;
  parts: TaskParts;
  verdict: RegistrationVerdict;
  /** Game Master's, where it was refused. */
  code: string | null;
}

async function settle(queries: Queries, game: Game, outcome: Outcome): Promise<void> {
  const { task, verdict, parts, code } = outcome;
  const { gameId } = task;
  if (!(await hasTask(queries, task))) {
    // The game was given up meanwhile, or Game Master's events were faster.
    if (verdict === 'registered' && game.status === 'cancelled') await addTask(queries, gameId, 'stop');
    return;
  }
  const isLastAttempt = task.attempts + 1 >= parts.registerAttempts;
  if (verdict === 'registered') {
    await changeStatus(queries, game, 'running', { startedAt: new Date() });
    await removeTask(queries, task);
  } else if (verdict === 'refused' || (verdict === 'engine_away' && isLastAttempt)) {
    await failStart(queries, parts.outgoing, game, code);
  } else if (isLastAttempt) {
    await pauseAfterStart(queries, game, parts);
    await removeTask(queries, task);
  } else {
    await postpone(queries, task, { delayMs: retryDelayMs(task.attempts + 1), wasAnswered: true });
  }
}

/** The engine stays up until somebody resumes the game, for which the administrators are told. */
async function pauseAfterStart(queries: Queries, game: Game, { outgoing }: TaskParts): Promise<void> {
  const { gameId, name: gameName } = game;
  await changeStatus(queries, game, 'paused', { statusReason: REASONS.gameMasterUnavailable });
  const intent = lobbyRuntimePausedAfterStart({ gameId, gameName, occurredAtMs: Date.now() });
  await enqueue(queries, { stream: outgoing.intents, gameId, fields: toStreamFields(intent) });
}
