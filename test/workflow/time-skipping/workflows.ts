import { sleep } from '@temporalio/workflow';

/** Sleeps a day, `days` times over, and returns the milliseconds that went by. */
export async function waitDays(days: number): Promise<number> {
  const began = Date.now();
  for (let day = 0; day < days; day++) await sleep('1 day');
  return Date.now() - began;
}
