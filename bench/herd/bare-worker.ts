/** The worker process of the bare design: the same worker options and stores as those of the real one. */
import { DefaultLogger, NativeConnection, Runtime } from '@temporalio/worker';
import { loadWorkerConfig } from '../../config/worker';
import { ACTIVITIES_PER_POSTGRES_CONNECTION, createGameWorker } from '../../worker/game-worker';
import { ThreeCalls } from './three-calls';

async function main(): Promise<void> {
  const [codePath = ''] = process.argv.slice(2);
  const config = loadWorkerConfig(process.env);
  Runtime.install({ logger: new DefaultLogger('WARN'), shutdownSignals: ['SIGTERM'] });
  const calls = new ThreeCalls(
    { dsn: config.postgres.dsn, redisUrl: config.redisUrl, poolSize: config.postgres.poolSize },
    config.streams.lobbyEvents,
  );
  const connection = await NativeConnection.connect({ address: config.temporal.address });
  const worker = await createGameWorker({
    connection,
    namespace: config.temporal.namespace,
    taskQueue: config.temporal.taskQueue,
    activities: { makeTurn: calls.makeTurn.bind(calls) },
    maxActivities: config.postgres.poolSize * ACTIVITIES_PER_POSTGRES_CONNECTION,
    maxCachedWorkflows: config.cachedWorkflows,
    shutdownGraceMs: 1_000,
    shutdownForceMs: 2_000,
    buildId: null,
    workflowBundle: { codePath },
  });
  await worker.run();
  await connection.close();
  await calls.close();
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    console.error(error);
    process.exit(1);
  },
);
