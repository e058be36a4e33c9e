import { randomBytes } from 'node:crypto';
import { ServiceError } from '../../service/errors';
import { gameIdOf, REASONS, type Game } from '../domain/game';
import type { GameOperation, GameStatus } from '../domain/game-status';
import { problemOfSchedule } from '../domain/turn-schedule';
import { changeStatus, getGame, insertGame, type NewGame } from '../stores/games';
import type { Queries } from '../stores/postgres';
import { requireLead, type Actor } from './actor';
import type { Changes } from './changes';
import { giveUp } from './giving-up';
import type { OutgoingStreams } from './jobs';
import { requireStatus } from './refusals';

export type Draft = Omit<NewGame, 'gameId' | 'ownerUserId'>;

/** What people decide about a game, its start apart. */
export class Games {
  constructor(
    private readonly changes: Changes,
    private readonly streams: OutgoingStreams,
    private readonly options: { allowSeconds: boolean },
  ) {}

  /** @throws ServiceError invalid_request for a turn schedule that is none or never comes */
  async create(draft: Draft, actor: Actor): Promise<Game> {
    const { allowSeconds } = this.options;
    const problem = problemOfSchedule(draft.turnSchedule, { allowSeconds, now: new Date() });
    if (problem !== null) throw new ServiceError(400, 'invalid_request', `turn_schedule: ${problem}`);
    const gameId = gameIdOf(draft.name, randomBytes(4).toString('hex'));
    return this.changes.make((queries) =>
      insertGame(queries, { ...draft, gameId, ownerUserId: actor?.userId ?? null }),
    );
  }

  openEnrollment(gameId: string, actor: Actor): Promise<Game> {
    return this.decide(gameId, actor, 'open enrollment', become('enrollment'));
  }

  pause(gameId: string, actor: Actor): Promise<Game> {
    return this.decide(gameId, actor, 'pause', become('paused', REASONS.onRequest));
  }

  cancel(gameId: string, actor: Actor): Promise<Game> {
    return this.decide(gameId, actor, 'cancel', (queries, game) =>
      giveUp(queries, this.streams, game, REASONS.onRequest),
    );
  }

  private decide(
    gameId: string,
    actor: Actor,
    operation: GameOperation,
    effect: (queries: Queries, game: Game) => Promise<void>,
  ): Promise<Game> {
    return this.changes.inGame(gameId, async (queries, game) => {
      requireLead(game, actor);
      requireStatus(game, operation);
      await effect(queries, game);
      return getGame(queries, gameId);
    });
  }
}

function become(to: GameStatus, statusReason: string | null = null) {
  return (queries: Queries, game: Game): Promise<void> => changeStatus(queries, game, to, { statusReason });
}
