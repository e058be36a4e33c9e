import { parseArgs } from 'node:util';

export interface HotPathOptions {
  /** Each measures every server once, in an order that rotates. */
  rounds: number;
  /** Seconds that each measurement takes. */
  seconds: number;
  connections: number;
  /** Bytes of a request's body. */
  bodyBytes: number;
  /** Folder for a CPU profile of Game Master; null for none. */
  profileFolder: string | null;
}

export const USAGE = `Usage: node dist/bench/hot-path/main.js [--rounds 7] [--seconds 4] [--connections 64] [--body 1024]
                                       [--profile <folder>]`;

/** @throws Error when an argument cannot be used */
export function readOptions(args: string[]): HotPathOptions {
  const { values } = parseArgs({
    args,
    options: {
      rounds: { type: 'string', default: '7' },
      seconds: { type: 'string', default: '4' },
      connections: { type: 'string', default: '64' },
      body: { type: 'string', default: '1024' },
      profile: { type: 'string' },
    },
  });
  return {
    rounds: count('--rounds', values.rounds, 1, 1_000),
    seconds: count('--seconds', values.seconds, 1, 600),
    connections: count('--connections', values.connections, 1, 1_000),
    bodyBytes: count('--body', values.body, 128, 1_000_000),
    profileFolder: values.profile ?? null,
  };
}

function count(option: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new Error(`${option} takes whole numbers from ${least} to ${most}, not "${text}"`);
  }
  return value;
}
