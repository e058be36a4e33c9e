import {
  lastSettledTick,
  nextRevision,
  skipOneTick,
  tickAfter,
  type GameState,
} from '../../../workflows/state';

const HOURLY = '0 * * * *';

/** An instant of one day, by its time. */
function at(time: string): number {
  return Date.parse(`2026-03-01T${time}:00Z`);
}

function state(changes: Partial<GameState> = {}): GameState {
  return {
    version: 1,
    gameId: 'game',
    registrationId: 'run',
    revision: 0,
    status: 'running',
    currentTurn: 0,
    engineVersion: '1.0.0',
    schedule: { expression: HOURLY, spreadMs: 0 },
    lastTickAt: null,
    skippedTickAt: null,
    nextTickAt: null,
    unsettledTurn: null,
    health: null,
    recovering: false,
    outboxPending: false,
    ...changes,
  };
}

describe('the tick to come', () => {
  it('is the next time of the schedule', () => {
    expect(tickAfter(state(), at('10:20'))).toBe(at('11:00'));
  });

  it('lies strictly after now', () => {
    expect(tickAfter(state(), at('10:00'))).toBe(at('11:00'));
  });

  it('is one, however many went by', () => {
    expect(tickAfter(state({ lastTickAt: at('03:00') }), at('13:37'))).toBe(at('14:00'));
  });

  it('is never one that was handled, also when the clock steps back', () => {
    expect(tickAfter(state({ lastTickAt: at('10:00') }), at('09:59'))).toBe(at('11:00'));
    expect(tickAfter(state({ lastTickAt: at('10:00') }), at('08:59'))).toBe(at('11:00'));
  });

  it('is never one that was skipped', () => {
    expect(tickAfter(state({ skippedTickAt: at('11:00') }), at('10:20'))).toBe(at('12:00'));
    expect(tickAfter(state({ skippedTickAt: at('11:00') }), at('11:30'))).toBe(at('12:00'));
    expect(tickAfter(state({ skippedTickAt: at('11:00') }), at('12:30'))).toBe(at('13:00'));
  });

  it('has the spread of its game', () => {
    const spread = { expression: HOURLY, spreadMs: 90_000 };
    expect(tickAfter(state({ schedule: spread }), at('10:00'))).toBe(at('10:00') + 90_000);
    expect(tickAfter(state({ schedule: spread, lastTickAt: at('10:00') + 90_000 }), at('10:01'))).toBe(
      at('11:00') + 90_000,
    );
  });
});

describe('a forced turn', () => {
  it('takes the place of the first tick after it', () => {
    const game = state({ lastTickAt: at('10:00') });
    skipOneTick(game, at('10:20'));
    expect(game.skippedTickAt).toBe(at('11:00'));
    expect(tickAfter(game, at('10:20'))).toBe(at('12:00'));
  });

  it('takes the place of nothing more while a skipped tick is to come', () => {
    const game = state({ skippedTickAt: at('11:00') });
    skipOneTick(game, at('10:59'));
    expect(game.skippedTickAt).toBe(at('11:00'));
  });

  it('takes the place of another tick once the skipped one has passed', () => {
    const game = state({ skippedTickAt: at('11:00') });
    skipOneTick(game, at('11:00'));
    expect(game.skippedTickAt).toBe(at('12:00'));
  });

  it('skips no tick that was handled already, when the clock steps back', () => {
    const game = state({ lastTickAt: at('11:00') });
    skipOneTick(game, at('10:50'));
    expect(game.skippedTickAt).toBe(at('12:00'));
  });
});

test('the last settled tick is the later one of the handled and the skipped', () => {
  expect(lastSettledTick(state())).toBeNull();
  expect(lastSettledTick(state({ lastTickAt: 5 }))).toBe(5);
  expect(lastSettledTick(state({ skippedTickAt: 7 }))).toBe(7);
  expect(lastSettledTick(state({ lastTickAt: 5, skippedTickAt: 7 }))).toBe(7);
  expect(lastSettledTick(state({ lastTickAt: 9, skippedTickAt: 7 }))).toBe(9);
});

test('writes are numbered from 1, without a gap', () => {
  const game = state();
  expect([nextRevision(game), nextRevision(game)]).toEqual([1, 2]);
  expect(game.revision).toBe(2);
});

test('the state survives its way through JSON', () => {
  const game = state({ lastTickAt: 5, nextTickAt: 8 });
  expect(JSON.parse(JSON.stringify(game))).toEqual(game);
});
