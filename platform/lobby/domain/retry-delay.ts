const FIRST_MS = 500;
const LONGEST_MS = 30_000;

/** Milliseconds to wait after so many attempts, one at least: twice as long each time, half a minute at most. */
export function retryDelayMs(attempts: number): number {
  return Math.min(FIRST_MS * 2 ** (attempts - 1), LONGEST_MS);
}
