import { countTicksBetween, nextTick, spreadOf } from '../../../domain/turn-schedule';

const MINUTE_MS = 60_000;
const T0 = Date.parse('2026-03-01T10:00:00Z');
const everyMinute = { expression: '* * * * *', spreadMs: 0 };

describe('the next tick', () => {
  it('is strictly after the given instant', () => {
    expect(nextTick(everyMinute, T0)).toBe(T0 + MINUTE_MS);
    expect(nextTick(everyMinute, T0 - 1)).toBe(T0);
    expect(nextTick(everyMinute, T0 + 1)).toBe(T0 + MINUTE_MS);
  });

  it('comes by its spread later than the cron time, and never twice', () => {
    const spread = { ...everyMinute, spreadMs: 20_000 };
    expect(nextTick(spread, T0)).toBe(T0 + 20_000);
    expect(nextTick(spread, T0 + 19_999)).toBe(T0 + 20_000);
    expect(nextTick(spread, T0 + 20_000)).toBe(T0 + MINUTE_MS + 20_000);
  });

  it('stands for one cron time also where the spread is longer than the interval', () => {
    const spread = { ...everyMinute, spreadMs: 90_000 };
    expect(nextTick(spread, T0)).toBe(T0 + 30_000);
    expect(nextTick(spread, T0 + 30_000)).toBe(T0 + 90_000);
  });

  it('knows seconds where there are six fields', () => {
    expect(nextTick({ expression: '*/10 * * * * *', spreadMs: 0 }, T0)).toBe(T0 + 10_000);
  });

  it('is UTC, whatever the clocks on the wall do', () => {
    // In Europe and in America these days have 23 or 25 hours.
    for (const day of ['2026-03-08', '2026-03-29', '2026-10-25', '2026-11-01']) {
      const midnight = Date.parse(`${day}T00:00:00Z`);
      expect(nextTick({ expression: '0 0 * * *', spreadMs: 0 }, midnight)).toBe(
        midnight + 24 * 60 * MINUTE_MS,
      );
    }
  });

  it('is refused where there is none', () => {
    expect(() => nextTick({ expression: '0 0 31 2 *', spreadMs: 0 }, T0)).toThrow();
    expect(() => nextTick({ expression: 'now and then', spreadMs: 0 }, T0)).toThrow();
  });
});

describe('the ticks between two instants', () => {
  it('are counted without the ends', () => {
    expect(countTicksBetween(everyMinute, T0, T0)).toBe(0);
    expect(countTicksBetween(everyMinute, T0, T0 + MINUTE_MS)).toBe(0);
    expect(countTicksBetween(everyMinute, T0, T0 + MINUTE_MS + 1)).toBe(1);
    expect(countTicksBetween(everyMinute, T0, T0 + 10 * MINUTE_MS)).toBe(9);
    expect(countTicksBetween(everyMinute, T0 + 10 * MINUTE_MS, T0)).toBe(0);
  });

  it('are counted where the spread puts them', () => {
    const spread = { ...everyMinute, spreadMs: 20_000 };
    expect(countTicksBetween(spread, T0, T0 + 20_000)).toBe(0);
    expect(countTicksBetween(spread, T0, T0 + 20_001)).toBe(1);
    expect(countTicksBetween(spread, T0 + 20_000, T0 + 80_000)).toBe(0);
  });

  it('are counted up to a thousand', () => {
    expect(countTicksBetween(everyMinute, T0, T0 + 999 * MINUTE_MS + 1)).toBe(999);
    expect(countTicksBetween(everyMinute, T0, T0 + 10_000 * MINUTE_MS)).toBe(1_000);
  });
});

describe('the place of a game within the spread', () => {
  it('is 0 without one', () => {
    expect(spreadOf('any', 0)).toBe(0);
    expect(spreadOf('any', -5)).toBe(0);
  });

  it('is the same for ever: running games rely on it', () => {
    // FNV-1a of "a" is e40c292c, of "foobar" bf9cf968, by its published test vectors.
    expect(spreadOf('a', 2 ** 32)).toBe(0xe40c292c);
    expect(spreadOf('foobar', 2 ** 32)).toBe(0xbf9cf968);
    expect(spreadOf('foobar', 60_000)).toBe(0xbf9cf968 % 60_000);
  });

  it('is somewhere else for most games', () => {
    const places = Array.from({ length: 1_000 }, (_, game) => spreadOf(`game-${game}`, MINUTE_MS));
    expect(Math.min(...places)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...places)).toBeLessThan(MINUTE_MS);
    for (const quarter of [0, 1, 2, 3]) {
      expect(places.filter((place) => Math.floor(place / 15_000) === quarter).length).toBeGreaterThan(200);
    }
  });
});
