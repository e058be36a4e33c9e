import path from 'node:path';
import { Worker, type NativeConnection, type WorkflowBundleOption } from '@temporalio/worker';

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
  workflowBundle?: WorkflowBundleOption;
}

/** The bundle that `npm run build` makes beside this file. */
const BUILT_BUNDLE = { codePath: path.join(__dirname, 'workflow-bundle.js') };

/** A worker of the game task queue, not yet running. */
export function createGameWorker(options: GameWorkerOptions): Promise<Worker> {
  const { buildId } = options;
  return Worker.create({
    connection: options.connection,
    namespace: options.namespace,
    taskQueue: options.taskQueue,
    workflowBundle: options.workflowBundle ?? BUILT_BUNDLE,
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
