import { LRUCache } from 'lru-cache';

export interface MembershipCacheOptions {
  /** Who may play the game. */
  load: (gameId: string) => Promise<ReadonlySet<string>>;
  /** Milliseconds that an answer is used: the safety net for changes that nobody told of. */
  ttlMs: number;
  maxGames: number;
  /** Told of every question: whether its answer was here. */
  onLookup?: (result: 'hit' | 'miss') => void;
}

/**
 * Who may play, by game and membership epoch. An epoch is raised after a change, so what was loaded under a lower one,
 * or still is being loaded, is out of use the moment a caller has read the new epoch: nothing has to be told to
 * anybody, and no load can come too late. (Epochs begin anew only where a registration was rolled back, and nobody
 * plays before a registration is over.)
 */
export class MembershipCache {
  private readonly entries: LRUCache<string, ReadonlySet<string>, string>;
  /** The epoch under which each game was loaded last, so that a game keeps one entry. */
  private readonly epochs: LRUCache<string, number>;

  constructor(private readonly options: MembershipCacheOptions) {
    const { load, ttlMs: ttl, maxGames: max } = options;
    this.epochs = new LRUCache({ max });
    this.entries = new LRUCache({
      max,
      ttl,
      // One load however many wait for it. Pushed out meanwhile, it is still an answer for those.
      ignoreFetchAbort: true,
      fetchMethod: (_key, _stale, { context: gameId }) => load(gameId),
    });
  }

  /** Whether the user is an active member. Throws what loading threw; failures are not kept. */
  async mayPlay(gameId: string, epoch: number, userId: string): Promise<boolean> {
    const key = entryKey(gameId, epoch);
    let members = this.entries.get(key);
    this.options.onLookup?.(members === undefined ? 'miss' : 'hit');
    if (members === undefined) {
      this.forgetOtherEpochs(gameId, epoch);
      members = await this.entries.forceFetch(key, { context: gameId });
    }
    return members.has(userId);
  }

  private forgetOtherEpochs(gameId: string, epoch: number): void {
    const former = this.epochs.get(gameId);
    if (former !== undefined && former !== epoch) this.entries.delete(entryKey(gameId, former));
    this.epochs.set(gameId, epoch);
  }
}

function entryKey(gameId: string, epoch: number): string {
  return `${gameId}@${epoch}`;
}
