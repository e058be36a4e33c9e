import { freshStores, gameIn } from './records';

let stores: Awaited<ReturnType<typeof freshStores>>;

beforeEach(async () => {
  stores = await freshStores();
});

afterEach(() => stores.end());

async function gameWithEvents(count: number): Promise<{ gameId: string; registrationId: string }> {
  const { gameId, registrationId } = await gameIn('running', stores);
  const events = Array.from({ length: count }, (_, index) => ({
    seq: index + 1,
    stream: 'gm:lobby_events',
    eventId: `${gameId}-${index + 1}`,
    payload: { number: String(index + 1), text: 'Ω "quoted"' },
  }));
  await stores.records.change({
    gameId,
    registrationId,
    revision: 10,
    to: 'stopped',
    events: events.reverse(),
  });
  return { gameId, registrationId };
}

describe('the outbox', () => {
  it("hands out a game's events in order and forgets what was published", async () => {
    const { gameId, registrationId } = await gameWithEvents(12);
    const other = await gameWithEvents(2);
    const first = await stores.outbox.pending(gameId, 5);
    expect(first.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5]);
    expect(first[0]).toEqual({
      registrationId,
      seq: 1,
      stream: 'gm:lobby_events',
      eventId: `${gameId}-1`,
      payload: { number: '1', text: 'Ω "quoted"' },
    });
    await stores.outbox.remove(gameId, 5);
    await stores.outbox.remove(gameId, 5);
    expect((await stores.outbox.pending(gameId, 100)).map(({ seq }) => seq)).toEqual([
      6, 7, 8, 9, 10, 11, 12,
    ]);
    expect(await stores.outbox.pending(other.gameId, 100)).toHaveLength(2);
  });

  it('knows how much waits, and for how long', async () => {
    expect(await stores.outbox.depth()).toEqual({ rows: 0, oldestAgeMs: 0 });
    await gameWithEvents(3);
    const { gameId } = await gameWithEvents(1);
    await stores.database.pool.query(
      `UPDATE gamemaster.outbox SET created_at = now() - interval '90 seconds' WHERE game_id = $1`,
      [gameId],
    );
    const { rows, oldestAgeMs } = await stores.outbox.depth();
    expect(rows).toBe(4);
    expect(oldestAgeMs).toBeGreaterThanOrEqual(90_000);
    expect(oldestAgeMs).toBeLessThan(120_000);
  });
});
