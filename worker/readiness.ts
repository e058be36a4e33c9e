import type { NativeConnection, Worker } from '@temporalio/worker';
import type { EventStreams } from '../clients/event-streams';
import type { Readiness } from '../config/telemetry';
import type { Database } from '../stores/postgres';

const CHECK_TIMEOUT_MS = 1_000;

interface Checked {
  /** Absent until Temporal has answered. */
  connection?: NativeConnection;
  /** Absent until it is made. */
  worker?: Worker;
  database: Database;
  streams: EventStreams;
}

/**
 * A worker is ready while it polls: HTTP alone would look healthy when nothing reaches the task queue any more. The
 * stores are named, but a worker without them waits and loses nothing.
 */
export async function workerReadiness({
  connection,
  worker,
  database,
  streams,
}: Checked): Promise<Readiness> {
  const [temporal, postgres, redis] = await Promise.all([
    connection === undefined
      ? ('down' as const)
      : answers(
          connection.withDeadline(Date.now() + CHECK_TIMEOUT_MS, () =>
            connection.workflowService.getSystemInfo({}),
          ),
        ),
    answers(database.ping(CHECK_TIMEOUT_MS)),
    answers(streams.ping()),
  ]);
  return {
    ready: worker?.getState() === 'RUNNING' && temporal === 'up',
    checks: { temporal, postgres, redis },
  };
}

function answers(check: Promise<unknown>): Promise<'up' | 'down'> {
  return check.then(
    () => 'up',
    () => 'down',
  );
}
