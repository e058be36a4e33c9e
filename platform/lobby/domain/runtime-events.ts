/** What Game Master's word about a game does to the game's status. */
import { REASONS, type Game } from './game';
import { wantsNoEngine, type GameStatus } from './game-status';
import type { RuntimeStatus } from './runtime-view';

type Told = 'alive' | 'stopped' | 'finished';

/** By the status in which the game is; where there is none it stays. */
const AFTER: Readonly<Record<Told, Partial<Record<GameStatus, GameStatus>>>> = {
  // Heard before, or instead of, the answer to the registration: that has succeeded.
  alive: { starting: 'running' },
  // A runtime that was stopped never runs again.
  stopped: { starting: 'cancelled', running: 'cancelled', paused: 'cancelled' },
  finished: { starting: 'finished', running: 'finished', paused: 'finished' },
};

const told = (runtimeStatus: RuntimeStatus): Told =>
  runtimeStatus === 'stopped' || runtimeStatus === 'finished' ? runtimeStatus : 'alive';

/** The status after the word; the one before when it changes nothing. */
export function statusAfter(
  game: Pick<Game, 'status' | 'statusReason'>,
  runtimeStatus: RuntimeStatus,
): GameStatus {
  // Paused because it was not known whether Game Master has it: it has.
  if (
    game.status === 'paused' &&
    game.statusReason === REASONS.gameMasterUnavailable &&
    told(runtimeStatus) === 'alive'
  ) {
    return 'running';
  }
  return AFTER[told(runtimeStatus)][game.status] ?? game.status;
}

const LEFT_OVER = { alive: 'runtime', stopped: 'nothing', finished: 'engine' } as const;

/**
 * What Game Master's word leaves to be taken down of a game that was given up here: one that runs is to be stopped there;
 * of one that was played to its end the engine is still up, because Game Master leaves that to Lobby.
 */
export function leftOver(status: GameStatus, runtimeStatus: RuntimeStatus): 'nothing' | 'engine' | 'runtime' {
  return wantsNoEngine(status) ? LEFT_OVER[told(runtimeStatus)] : 'nothing';
}
