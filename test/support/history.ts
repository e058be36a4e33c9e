import type { Client } from '@temporalio/client';
import { temporal } from '@temporalio/proto';

export const EventType = temporal.api.enums.v1.EventType;
export type HistoryEvent = temporal.api.history.v1.IHistoryEvent;

/** The histories of all runs of a workflow, from its first run on. */
export async function historiesOfRuns(
  client: Client,
  workflowId: string,
  firstRunId: string,
): Promise<HistoryEvent[][]> {
  const histories: HistoryEvent[][] = [];
  for (let runId: string | null | undefined = firstRunId; runId;) {
    const history: temporal.api.history.v1.IHistory = await client.workflow
      .getHandle(workflowId, runId)
      .fetchHistory();
    const events = history.events ?? [];
    histories.push(events);
    runId = events.at(-1)?.workflowExecutionContinuedAsNewEventAttributes?.newExecutionRunId;
  }
  return histories;
}

/** Where in a history the activity of this name was scheduled, once for each time. */
export function indexesOfActivity(history: readonly HistoryEvent[], name: string): number[] {
  return history.flatMap((event, index) =>
    event.activityTaskScheduledEventAttributes?.activityType?.name === name ? [index] : [],
  );
}
