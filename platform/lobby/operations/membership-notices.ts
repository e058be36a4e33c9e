import type { Counter } from 'prom-client';
import { inBatches } from '../../service/batches';
import { gameLogger, type Logger } from '../../service/logging';
import type { GameMaster } from '../game-master';

/** Calls at a time when many games change at once. */
const MOST_AT_ONCE = 8;

/** Tells Game Master that other people may play than before, so that it asks for them again. */
export class MembershipNotices {
  constructor(
    private readonly gameMaster: Pick<GameMaster, 'invalidateMemberships'>,
    private readonly sent: Counter<'outcome'>,
    private readonly log: Logger,
  ) {}

  /**
   * After the commit; resolves when Game Master has heard or cannot be reached. Never rejects: what was decided stays
   * decided, and Game Master asks by itself before long.
   */
  async changed(gameId: string): Promise<void> {
    try {
      await this.gameMaster.invalidateMemberships(gameId);
      this.sent.inc({ outcome: 'success' });
    } catch (error) {
      this.sent.inc({ outcome: 'failure' });
      gameLogger(this.log, gameId).warn({ err: error }, 'game master was not told that memberships changed');
    }
  }

  /** The same of several games, a few at a time. */
  async changedIn(gameIds: readonly string[]): Promise<void> {
    await inBatches(gameIds, MOST_AT_ONCE, (gameId) => this.changed(gameId));
  }
}
