import { setTimeout as delay } from 'node:timers/promises';
import { forEach } from './design';
import type { Ground } from './ground';

/** Enough of a history's end to find the timer that a waiting game has begun. */
const LAST_EVENTS = 8;
const LOOK_AGAIN_MS = 500;
/**
 * A timer runs from the moment the server has been told of it, later than the workflow counted its length by as long as
 * the workflow task took. A timer for another tick is off by a minute or more.
 */
const TOLERANCE_MS = 20_000;

/**
 * Resolves when the last thing that every workflow did with a timer is to start one that fires at `due`. Read from the
 * histories, so that no worker is asked.
 * @throws Error saying how many have none, two seconds before `due`
 */
export async function untilTimersAreArmed(
  ground: Ground,
  workflowIds: readonly string[],
  due: number,
): Promise<void> {
  let missing = workflowIds;
  for (;;) {
    const unarmed: string[] = [];
    await forEach(missing, 16, async (workflowId) => {
      if (!(await isArmed(ground, workflowId, due))) unarmed.push(workflowId);
    });
    missing = unarmed;
    if (missing.length === 0) return;
    if (Date.now() + LOOK_AGAIN_MS > due - 2_000) break;
    await delay(LOOK_AGAIN_MS);
  }
  throw new Error(`${missing.length} of ${workflowIds.length} timers were not armed in time`);
}

async function isArmed({ temporal }: Ground, workflowId: string, due: number): Promise<boolean> {
  const { history } = await temporal.workflowService.getWorkflowExecutionHistoryReverse({
    namespace: temporal.options.namespace,
    execution: { workflowId },
    maximumPageSize: LAST_EVENTS,
  });
  const newest = history?.events?.find(
    (event) => event.timerStartedEventAttributes ?? event.timerFiredEventAttributes,
  );
  const duration = newest?.timerStartedEventAttributes?.startToFireTimeout;
  if (!newest?.eventTime || !duration) return false;
  return Math.abs(milliseconds(newest.eventTime) + milliseconds(duration) - due) < TOLERANCE_MS;
}

/** Of protobuf's Timestamp or Duration; `seconds` is a Long. */
function milliseconds({ seconds, nanos }: { seconds?: unknown; nanos?: number | null }): number {
  return Number(seconds ?? 0) * 1000 + (nanos ?? 0) / 1e6;
}
