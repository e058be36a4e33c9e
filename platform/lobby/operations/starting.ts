import { refusalToStart } from '../domain/enrolment';
import type { Game } from '../domain/game';
import { judgeResume } from '../domain/game-master-answers';
import type { GameMaster } from '../game-master';
import { changeStatus, getGame } from '../stores/games';
import type { Database } from '../stores/postgres';
import { addTask } from '../stores/tasks';
import { requireLead, type Actor } from './actor';
import type { Changes } from './changes';
import { askForEngine, type OutgoingStreams } from './jobs';
import { conflict, orRefuse, requireStatus } from './refusals';

/** How games get to run. Game Master is always asked first, while nothing is locked. */
export class Starting {
  constructor(
    private readonly database: Database,
    private readonly changes: Changes,
    private readonly gameMaster: Pick<GameMaster, 'resolveImageRef' | 'runtimeStatus'>,
    private readonly streams: OutgoingStreams,
    /** How long the result of a start job may take, in milliseconds. */
    private readonly startTimeoutMs: number,
  ) {}

  /**
   * Asks for an engine of the image that Game Master names. What becomes of it is told by the job's result, which has to
   * come in time.
   *
   * @throws ServiceError engine_version_not_found, engine_version_deprecated, service_unavailable, as Game Master says
   */
  async start(gameId: string, actor: Actor): Promise<Game> {
    const game = await getGame(this.database, gameId);
    requireLead(game, actor);
    orRefuse(refusalToStart(startOf(game)));
    const imageRef = await this.gameMaster.resolveImageRef(game.targetEngineVersion);

    return this.changes.inGame(gameId, async (queries, now) => {
      orRefuse(refusalToStart(startOf(now)));
      const startRequestedAtMs = await askForEngine(queries, this.streams, { gameId, imageRef });
      await changeStatus(queries, now, 'starting', { startRequestedAtMs, registration: null });
      await addTask(queries, gameId, 'give_up_start', { delayMs: this.startTimeoutMs });
      return getGame(queries, gameId);
    });
  }

  /**
   * Goes on with a paused game: at once where Game Master has it running, by a registration where it does not know it.
   *
   * @throws ServiceError conflict where Game Master's game has to be put right first; service_unavailable
   */
  async resume(gameId: string, actor: Actor): Promise<Game> {
    const game = await getGame(this.database, gameId);
    requireLead(game, actor);
    requireStatus(game, 'resume');
    const runtimeStatus = await this.gameMaster.runtimeStatus(gameId);

    return this.changes.inGame(gameId, async (queries, now) => {
      requireStatus(now, 'resume');
      switch (judgeResume(runtimeStatus)) {
        case 'runs':
          await changeStatus(queries, now, 'running', { startedAt: new Date() });
          break;
        case 'register':
          await changeStatus(queries, now, 'starting');
          await addTask(queries, gameId, 'register');
          break;
        case 'conflict':
          throw conflict(`the game is ${runtimeStatus} at Game Master`);
      }
      return getGame(queries, gameId);
    });
  }
}

function startOf({ status: gameStatus, minPlayers, activePlayers }: Game) {
  return { gameStatus, minPlayers, activePlayers };
}
