/** One thing after the other for each game; games do not wait for one another. */
export class Lanes {
  private readonly tails = new Map<string, Promise<unknown>>();

  /** Does `work` when everything that was given for this game before is over. */
  async run<T>(gameId: string, work: () => Promise<T>): Promise<T> {
    const before = this.tails.get(gameId) ?? Promise.resolve();
    const mine = before.then(work, work);
    this.tails.set(gameId, mine);
    try {
      return await mine;
    } finally {
      if (this.tails.get(gameId) === mine) this.tails.delete(gameId);
    }
  }

  /** Whether something is being done for the game. */
  isBusy(gameId: string): boolean {
    return this.tails.has(gameId);
  }

  /** When everything that was given so far is over. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.tails.values());
  }
}
