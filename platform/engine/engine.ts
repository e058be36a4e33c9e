import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { EngineError } from './errors';
import {
  afterTurn,
  isPlayedBy,
  newGame,
  reportOf,
  stateOf,
  type Game,
  type Report,
  type State,
} from './game';
import type { GameStorage } from './storage';

export interface EngineSettings {
  /** The turn at which the game finishes; 0 is never. */
  finishTurn: number;
  /** How long a turn takes, in milliseconds. */
  turnDuration: number;
  /**
   * Called when the disk refused a change. What is on disk and what is in memory may then differ: the process must
   * end and read the disk anew.
   */
  onStorageFailure: (error: unknown) => void;
}

/** The one game of this process. Changes are made one after the other, and are on disk before they are seen. */
export class Engine {
  private game: Game | null;
  private last: Promise<unknown> = Promise.resolve();
  private readonly ending = new AbortController();

  constructor(
    private readonly storage: GameStorage,
    private readonly settings: EngineSettings,
  ) {
    this.game = storage.found;
  }

  /** @throws EngineError `already_initialised` unless the same races are there at turn 0 */
  init(raceNames: string[]): Promise<State> {
    return this.inTurn(async () => {
      if (this.game === null) {
        const game = newGame(raceNames, randomUUID);
        await this.keep(game, () => this.storage.saveNew(game));
        return stateOf(game);
      }
      if (this.game.turn > 0) {
        throw new EngineError('already_initialised', `the game is at turn ${this.game.turn}`);
      }
      if (!isPlayedBy(this.game, raceNames)) {
        throw new EngineError('already_initialised', 'a game with other races is set up');
      }
      return stateOf(this.game);
    });
  }

  /** The last state that is on disk, also while a turn is being made. @throws EngineError `not_initialised` */
  state(): State {
    return stateOf(this.current());
  }

  /**
   * Makes one turn. `expected`, if given, is compared when the turns asked for earlier are over.
   *
   * @throws EngineError `not_initialised`, `turn_mismatch`, `game_finished`, `shutting_down`
   */
  makeTurn(expected?: number): Promise<State> {
    return this.inTurn(async () => {
      const before = this.current();
      if (expected !== undefined && expected !== before.turn) {
        throw new EngineError('turn_mismatch', `the game is at turn ${before.turn}`);
      }
      if (before.finished) {
        throw new EngineError('game_finished', `the game finished at turn ${before.turn}`);
      }
      await this.think();
      const game = afterTurn(before, this.settings.finishTurn);
      await this.keep(game, () => this.storage.saveTurn(game, new Date()));
      return stateOf(game);
    });
  }

  /** Checks that `raceName` may be spoken for, and tells the turn. @throws EngineError `race_not_found` */
  turnFor(raceName: string): number {
    return this.gameOf(raceName).turn;
  }

  /** @throws EngineError `race_not_found`, `turn_not_found` */
  report(raceName: string, turn: number): Report {
    if (turn > this.gameOf(raceName).turn)
      throw new EngineError('turn_not_found', `no report of turn ${turn}`);
    return reportOf(raceName, turn);
  }

  /** Gives up turns that have not been made yet; resolves once nothing is being written any more. */
  async end(): Promise<void> {
    this.ending.abort();
    await this.last;
  }

  private current(): Game {
    if (this.game === null) throw new EngineError('not_initialised', 'no game is set up');
    return this.game;
  }

  private gameOf(raceName: string): Game {
    const game = this.current();
    if (!game.races.some((race) => race.race_name === raceName)) {
      throw new EngineError('race_not_found', `no race ${raceName} in this game`);
    }
    return game;
  }

  /** Runs `change` when all changes asked for before are over. */
  private inTurn<Result>(change: () => Promise<Result>): Promise<Result> {
    const done = this.last.then(() => {
      this.refuseWhenEnding();
      return change();
    });
    this.last = done.catch(() => undefined);
    return done;
  }

  private async think(): Promise<void> {
    if (this.settings.turnDuration === 0) return;
    await sleep(this.settings.turnDuration, undefined, { signal: this.ending.signal }).catch(() => undefined);
    this.refuseWhenEnding();
  }

  private refuseWhenEnding(): void {
    if (this.ending.signal.aborted) throw new EngineError('shutting_down', 'the engine is ending');
  }

  private async keep(game: Game, save: () => Promise<void>): Promise<void> {
    try {
      await save();
    } catch (error) {
      this.settings.onStorageFailure(error);
      throw error;
    }
    this.game = game;
  }
}
