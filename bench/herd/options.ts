import { parseArgs } from 'node:util';

export interface HerdOptions {
  /** Sizes of the herd, one measurement each. */
  games: number[];
  /** Measured rounds of each size; one more before them warms up and does not count. */
  rounds: number;
  /** Players of every game: they make the engine's answers and the events as long as they are. */
  players: number;
  /** Minutes from a tick of a game to its next, for all sizes; by default as long as the size needs. */
  periodMinutes: number | null;
  /** Folder for CPU profiles of the two workers; null for none. */
  profileFolder: string | null;
}

export const USAGE = `Usage: npm run bench:herd -- [--games 100,300] [--rounds 3] [--players 4]
                          [--period <minutes>] [--profile <folder>]`;

/** @throws Error when an argument cannot be used */
export function readOptions(args: string[]): HerdOptions {
  const { values } = parseArgs({
    args,
    options: {
      games: { type: 'string', default: '100,300' },
      rounds: { type: 'string', default: '3' },
      players: { type: 'string', default: '4' },
      period: { type: 'string' },
      profile: { type: 'string' },
    },
  });
  return {
    games: values.games.split(',').map((text) => count('--games', text, 5_000)),
    rounds: count('--rounds', values.rounds, 100),
    players: count('--players', values.players, 200),
    periodMinutes: values.period === undefined ? null : divisorOfAnHour(values.period),
    profileFolder: values.profile ?? null,
  };
}

const PERIODS = [1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30];

/** Long enough for three designs at a dozen turns a second each, and a step that cron can express. */
export function periodFor({ periodMinutes }: HerdOptions, games: number): number {
  return periodMinutes ?? PERIODS.find((minutes) => minutes * 60 >= (3 * games) / 12) ?? 30;
}

function divisorOfAnHour(text: string): number {
  const minutes = count('--period', text, 30);
  if (!PERIODS.includes(minutes)) throw new Error(`--period must be one of ${PERIODS.join(', ')}`);
  return minutes;
}

function count(option: string, text: string, most: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > most) {
    throw new Error(`${option} takes whole numbers from 1 to ${most}, not "${text}"`);
  }
  return value;
}
