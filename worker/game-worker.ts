import path from 'node:path';
import type { Info } from '@temporalio/activity';
import {
  Worker,
  type ActivityInboundCallsInterceptor,
  type NativeConnection,
  type WorkerPlugin,
  type WorkflowBundleOption,
} from '@temporalio/worker';

/** How many activities run side by side for each connection to Postgres: most of the time they wait for an engine. */
export const ACTIVITIES_PER_POSTGRES_CONNECTION = 4;

export interface GameWorkerOptions {
  connection: NativeConnection;
  namespace: string;
  taskQueue: string;
  activities: object;
  /** How many activities, and how many workflows in memory, at a time. */
  maxActivities: number;
  maxCachedWorkflows: number;
  /** Milliseconds that running activities get after SIGTERM before they are cancelled. */
  shutdownGraceMs: number;
  /** Milliseconds after which the worker ends whatever still runs. */
  shutdownForceMs: number;
  /** The release, where Temporal routes games by it; null where it does not. */
  buildId: string | null;
  /** Given where traces are asked for. */
  tracing?: WorkerPlugin | undefined;
  /** Told of every first attempt of an activity: milliseconds from its order, by the server's clock, to its begin here. */
  onActivity?: (delayMs: number) => void;
  workflowBundle?: WorkflowBundleOption;
}

/** The bundles that `npm run build` makes beside this file. */
const BUILT_BUNDLE = { codePath: path.join(__dirname, 'workflow-bundle.js') };
const TRACED_BUNDLE = { codePath: path.join(__dirname, 'workflow-bundle-traced.js') };

/** A worker of the game task queue, not yet running. */
export function createGameWorker(options: GameWorkerOptions): Promise<Worker> {
  const { buildId, tracing, onActivity } = options;
  return Worker.create({
    connection: options.connection,
    namespace: options.namespace,
    taskQueue: options.taskQueue,
    workflowBundle: options.workflowBundle ?? (tracing ? TRACED_BUNDLE : BUILT_BUNDLE),
    dataConverter: { failureConverterPath: require.resolve('../workflows/failure-converter') },
    ...(tracing && { plugins: [tracing] }),
    ...(onActivity && {
      interceptors: { activity: [({ info }) => ({ inbound: delayOf(info, onActivity) })] },
    }),
    activities: options.activities,
    maxConcurrentActivityTaskExecutions: options.maxActivities,
    maxCachedWorkflows: options.maxCachedWorkflows,
    // A cancellation reaches an activity with the answer to its heartbeat: within a second, not the default minute.
    maxHeartbeatThrottleInterval: '1s',
    // The queue of a worker that was lost is given up after this time; the default of 10 s would make ticks that late.
    stickyQueueScheduleToStartTimeout: '3s',
    shutdownGraceTime: options.shutdownGraceMs,
    shutdownForceTime: options.shutdownForceMs,
    ...(buildId !== null && {
      workerDeploymentOptions: {
        useWorkerVersioning: true,
        version: { deploymentName: 'gamemaster', buildId },
        defaultVersioningBehavior: 'AUTO_UPGRADE' as const,
      },
    }),
  });
}

function delayOf(
  { attempt, currentAttemptScheduledTimestampMs: orderedAt }: Info,
  onActivity: (delayMs: number) => void,
): ActivityInboundCallsInterceptor {
  return {
    execute(input, next) {
      if (attempt === 1) onActivity(Date.now() - orderedAt);
      return next(input);
    },
  };
}
