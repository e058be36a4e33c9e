/** A game reduced to a timer and one activity: what a durable turn costs at the least. */
import { proxyActivities, sleep } from '@temporalio/workflow';
import type { PlainTurn } from './three-calls';

export interface BareGame extends Omit<PlainTurn, 'turn'> {
  /** Ticks are at the multiples of the period, and so much later. Milliseconds. */
  periodMs: number;
  offsetMs: number;
}

const { makeTurn } = proxyActivities<{ makeTurn: (turn: PlainTurn) => Promise<number> }>({
  startToCloseTimeout: '1 minute',
});

export async function bareGame({ gameId, endpoint, periodMs, offsetMs }: BareGame): Promise<void> {
  for (let turn = 0; ;) {
    await sleep(periodMs - ((Date.now() - offsetMs) % periodMs));
    turn = await makeTurn({ gameId, endpoint, turn });
  }
}
