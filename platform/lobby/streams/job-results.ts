import { z } from 'zod';
import { gameLogger, type Logger } from '../../service/logging';
import type { Game } from '../domain/game';
import { wantsNoEngine } from '../domain/game-status';
import { giveEngineBack, type OutgoingStreams } from '../operations/jobs';
import { changeStatus, findAndLockGame, setRegistration } from '../stores/games';
import { activePlayers } from '../stores/members';
import type { Queries } from '../stores/postgres';
import { addTask, removeTaskOfKind } from '../stores/tasks';
import { gameIdText, integerText, storableText, understand, type Incoming } from './incoming';

const job = { game_id: gameIdText, requested_at_ms: integerText.optional() };
const start = { job: z.literal('start').default('start'), ...job };
const result = z.union([
  z.object({ ...start, outcome: z.literal('success'), engine_endpoint: storableText(2_048) }),
  z.object({
    ...start,
    outcome: z.literal('failure'),
    error_code: storableText(64),
    error_message: z.string(),
  }),
  // Stop jobs are asked for and forgotten: there is nothing left to do about them here.
  z.object({ ...job, job: z.literal('stop') }),
]);

type JobResult = z.output<typeof result>;
type StartResult = Extract<JobResult, { job: 'start' }>;

export interface JobResultsOptions {
  stream: string;
  outgoing: OutgoingStreams;
  log: Logger;
}

/** `runtime:job_results`: what became of the engines that were asked for. */
export function jobResults({ stream, outgoing, log }: JobResultsOptions): Incoming<JobResult> {
  return {
    stream,
    read: (fields) => understand(result, fields),
    apply: async (queries, job) => {
      if (job.job === 'stop') return;
      const game = await findAndLockGame(queries, job.game_id);
      if (game === null) gameLogger(log, job.game_id).warn('an engine of an unknown game was told of');
      else if (isAwaited(game, job)) await proceed(queries, game, job);
      else if (isOrphan(game, job)) {
        await giveEngineBack(queries, outgoing, { gameId: game.gameId, reason: 'orphan_cleanup' });
      }
    },
  };

  async function proceed(queries: Queries, game: Game, job: StartResult): Promise<void> {
    const { gameId } = game;
    await removeTaskOfKind(queries, gameId, 'give_up_start');
    if (job.outcome === 'failure') {
      gameLogger(log, gameId).warn(
        { code: job.error_code, reason: job.error_message },
        'the game has no engine',
      );
      await changeStatus(queries, game, 'start_failed', { statusReason: job.error_code });
      return;
    }
    await setRegistration(queries, gameId, {
      engine_endpoint: job.engine_endpoint,
      members: await activePlayers(queries, gameId),
      target_engine_version: game.targetEngineVersion,
      turn_schedule: game.turnSchedule,
    });
    await addTask(queries, gameId, 'register');
  }
}

/**
 * Whether the game waits for just this result. One that was told before, or of an earlier attempt, is not awaited; one
 * that does not say which attempt it is of belongs to the present one.
 */
function isAwaited(game: Game, job: StartResult): boolean {
  return (
    game.status === 'starting' &&
    game.registration === null &&
    (job.requested_at_ms ?? game.startRequestedAtMs) === game.startRequestedAtMs
  );
}

/** Whether an engine came up for a game that was given up meanwhile. All attempts of a game have one engine. */
function isOrphan({ status }: Game, { outcome }: StartResult): boolean {
  return outcome === 'success' && wantsNoEngine(status);
}
