import type { RuntimeStatus } from '../domain/runtime-status';
import { StoreUnavailable } from './errors';
import type { Database, Statement } from './postgres';

/** All that is asked of the store for a player's call. */
export interface PlayerView {
  status: RuntimeStatus;
  engineEndpoint: string;
  membershipEpoch: number;
  /** The race that the user plays in the game; null for a stranger. */
  raceName: string | null;
}

interface Question {
  gameId: string;
  userId: string;
  resolve: (view: PlayerView | null) => void;
  reject: (error: unknown) => void;
}

const VIEWS: Statement = {
  name: 'hot_path_views',
  text: `
    SELECT asked.n::integer AS n, runtime.status, runtime.engine_endpoint AS "engineEndpoint",
      runtime.membership_epoch AS "membershipEpoch", player.race_name AS "raceName"
    FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS asked (game_id, user_id, n)
    JOIN gamemaster.runtime_records runtime ON runtime.game_id = asked.game_id
    LEFT JOIN gamemaster.player_mappings player
      ON player.game_id = asked.game_id AND player.user_id = asked.user_id`,
};

const RAISE_EPOCH: Statement = {
  name: 'hot_path_raise_epoch',
  text: `UPDATE gamemaster.runtime_records SET membership_epoch = membership_epoch + 1 WHERE game_id = $1`,
};

/** Statements that may be under way at once. A second one keeps questions moving while the first is slow. */
const LANES = 2;
const MOST_PER_STATEMENT = 500;

/**
 * What the hot path reads and writes. Questions that come while the lanes are busy, or in the same turn of the event
 * loop, share one statement; a statement begins after all of its questions were asked, so an answer is never older than
 * its question.
 */
export class HotPathStore {
  private waiting: Question[] = [];
  private lanesBusy = 0;
  private scheduled = false;

  constructor(private readonly database: Database) {}

  /** The game as this user has it, or null when there is no such game. */
  view(gameId: string, userId: string): Promise<PlayerView | null> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ gameId, userId, resolve, reject });
      this.schedule();
    });
  }

  /** From its return on, whatever was known of the game's members under earlier epochs is not used any more. */
  async raiseMembershipEpoch(gameId: string): Promise<void> {
    await this.database.run(RAISE_EPOCH, [gameId]);
  }

  /** Asks when all that has arrived in this turn of the event loop is here: no time passes where nothing is waiting. */
  private schedule(): void {
    if (this.scheduled || this.lanesBusy >= LANES || this.waiting.length === 0) return;
    this.scheduled = true;
    setImmediate(() => {
      this.scheduled = false;
      void this.ask(this.waiting.splice(0, MOST_PER_STATEMENT));
      this.schedule();
    });
  }

  private async ask(questions: Question[]): Promise<void> {
    this.lanesBusy += 1;
    try {
      await this.answer(questions);
    } finally {
      this.lanesBusy -= 1;
      this.schedule();
    }
  }

  private async answer(questions: Question[]): Promise<void> {
    try {
      const views = new Map<number, PlayerView>();
      const rows = await this.database.run<PlayerView & { n: number }>(VIEWS, [
        questions.map(({ gameId }) => gameId),
        questions.map(({ userId }) => userId),
      ]);
      for (const { n, ...view } of rows) views.set(n, view);
      questions.forEach(({ resolve }, index) => resolve(views.get(index + 1) ?? null));
    } catch (error) {
      if (questions.length === 1 || error instanceof StoreUnavailable) {
        for (const { reject } of questions) reject(error);
      } else {
        // The server took offence at one of them: each is asked alone, so that only that one fails.
        await Promise.all(questions.map((question) => this.answer([question])));
      }
    }
  }
}
