import { failureOf, freshStores, newGame, operationOn } from './records';

/** The time of writing may be the server's. */
const CLOCKS_APART_MS = 1_000;

let stores: Awaited<ReturnType<typeof freshStores>>;

beforeAll(async () => {
  stores = await freshStores();
});

afterAll(() => stores.end());

describe('the operation log', () => {
  it('takes an operation once, with all that is known of it', async () => {
    const game = newGame();
    const entry = failureOf(game, {
      actor: "O'Neill \u{1F680}",
      key: { idempotencyKey: 'k', requestHash: 'h' },
      finishedAt: new Date('2030-01-02T03:04:06.001Z'),
    });
    await Promise.all([stores.operations.append(entry), stores.operations.append(entry)]);
    const { operations, next } = await stores.operations.list(game.gameId, { limit: 10 });
    const { key, ...listed } = entry;
    expect(operations).toEqual([{ ...listed, position: expect.any(Number) as number }]);
    expect(next).toBeNull();
    expect(await stores.operations.findByKey(game.gameId, 'register', 'k')).toEqual({
      operationId: entry.operationId,
      requestHash: key?.requestHash,
      outcome: 'failure',
      errorCode: 'engine_unreachable',
      errorMessage: 'the engine did not answer',
      response: null,
    });
  });

  it('gives an operation the time of its writing when it has no other', async () => {
    const game = newGame();
    const before = Date.now();
    await stores.operations.append(operationOn(game));
    const { operations } = await stores.operations.list(game.gameId, { limit: 1 });
    const finished = operations[0]?.finishedAt.getTime() ?? 0;
    expect(finished).toBeGreaterThanOrEqual(before - CLOCKS_APART_MS);
    expect(finished).toBeLessThanOrEqual(Date.now() + CLOCKS_APART_MS);
  });

  it('knows a key by game and kind', async () => {
    const [game, other] = [newGame(), newGame()];
    const key = { idempotencyKey: 'same', requestHash: 'h' };
    const stop = operationOn(game, { kind: 'stop', key });
    await stores.operations.append(stop);
    await stores.operations.append(operationOn(game, { kind: 'force', key }));
    await stores.operations.append(operationOn(other, { kind: 'stop', key }));
    expect(await stores.operations.findByKey(game.gameId, 'stop', 'same')).toMatchObject({
      operationId: stop.operationId,
    });
    expect(await stores.operations.findByKey(game.gameId, 'patch', 'same')).toBeNull();
    await expect(stores.operations.append(operationOn(game, { kind: 'stop', key }))).rejects.toMatchObject({
      code: '23505',
    });
  });

  it('counts the failed registrations of a game', async () => {
    const game = newGame();
    expect(await stores.operations.countFailedRegistrations(game.gameId)).toBe(0);
    await stores.operations.append(failureOf(game));
    await stores.operations.append(failureOf(newGame(game.gameId)));
    await stores.operations.append(operationOn(game, { kind: 'register' }));
    await stores.operations.append(failureOf(game, { kind: 'turn' }));
    expect(await stores.operations.countFailedRegistrations(game.gameId)).toBe(2);
  });

  it('pages from the newest to the oldest, each once, while more are added', async () => {
    const game = newGame();
    const entries = Array.from({ length: 7 }, () => operationOn(game));
    for (const entry of entries) await stores.operations.append(entry);
    const seen: string[] = [];
    let before: number | undefined;
    do {
      const page = await stores.operations.list(game.gameId, {
        limit: 3,
        ...(before !== undefined && { before }),
      });
      seen.push(...page.operations.map(({ operationId }) => operationId));
      before = page.next ?? undefined;
      await stores.operations.append(operationOn(game));
    } while (before !== undefined);
    expect(seen).toEqual(entries.map(({ operationId }) => operationId).reverse());
  });
});
