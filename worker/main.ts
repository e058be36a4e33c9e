/** The worker process: it generates turns. Any number of them run side by side. */
import { setTimeout as delay } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime, type Worker } from '@temporalio/worker';
import { createActivities } from '../activities';
import { connectTemporal } from '../clients/temporal';
import { InvalidConfig } from '../config/env';
import { byAsking, ByLeastDelay, watchClocks } from '../config/clock';
import { createLogger, type Logger } from '../config/logging';
import { createMetrics, serveObservability, type Metrics } from '../config/telemetry';
import { startTracing } from '../config/tracing';
import { loadWorkerConfig, type WorkerConfig } from '../config/worker';
import { migrate } from '../stores/migrate';
import { OutboxStore } from '../stores/outbox';
import { openDatabase } from '../stores/postgres';
import { openNeighbours, type Neighbours } from './activity-deps';
import { ACTIVITIES_PER_POSTGRES_CONNECTION, createGameWorker } from './game-worker';
import { HealthConsumer } from './health-consumer';
import { workerReadiness } from './readiness';
import { expectSearchAttributes, registerSearchAttributes } from './search-attributes';
import { temporalLine } from './temporal-line';

const NAME = 'gamemaster-worker';

async function main(): Promise<void> {
  const config = loadWorkerConfig(process.env);
  const metrics = createMetrics('worker');
  const log = createLogger({
    level: config.logLevel,
    name: NAME,
    onProblem: (level) => metrics.problems.inc({ level }),
  });
  process.on('uncaughtException', (err) => {
    log.fatal({ err }, 'ending after an error that nothing had expected');
    process.exit(1);
  });
  for (const warning of config.warnings) log.warn(warning);
  installTemporalLogger(log);
  const tracing = await startTracing(NAME, log);

  const stopping = new AbortController();
  const polling: { connection?: NativeConnection; worker?: Worker } = {};
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (stopping.signal.aborted) return;
      log.info({ signal }, 'draining');
      stopping.abort();
      if (polling.worker?.getState() === 'RUNNING') polling.worker.shutdown();
      // Whatever hangs, the process is gone when its time is over.
      setTimeout(() => process.exit(1), config.shutdownTimeoutMs).unref();
    });
  }

  if (config.autoMigrate) await migrate(config.postgres.dsn, log);
  const database = openDatabase({
    ...config.postgres,
    applicationName: NAME,
    onPoolError: (error) => log.warn({ err: error }, 'postgres connection failed'),
  });
  const neighbours = openNeighbours(config, database, log, metrics, tracing?.traceCall);
  neighbours.streams.connect();
  watchOutbox(new OutboxStore(database), metrics, log);
  const delays = new ByLeastDelay();
  watchClocks({ postgres: byAsking(() => database.now()), temporal: delays.aheadOf }, metrics, log);

  const observability =
    config.metricsAddress &&
    (await serveObservability({
      address: config.metricsAddress,
      metrics,
      readiness: () => workerReadiness({ ...polling, database, streams: neighbours.streams }),
    }));
  const connection = await awaitTemporal(config, log, stopping.signal);
  if (connection === null) return;
  polling.connection = connection;
  const consuming = consumeHealth(config, neighbours, metrics, log, stopping.signal);
  try {
    const worker = await createGameWorker({
      connection,
      namespace: config.temporal.namespace,
      taskQueue: config.temporal.taskQueue,
      activities: createActivities(neighbours.deps),
      maxActivities: config.postgres.poolSize * ACTIVITIES_PER_POSTGRES_CONNECTION,
      maxCachedWorkflows: config.cachedWorkflows,
      shutdownGraceMs: config.shutdownTimeoutMs * 0.6,
      shutdownForceMs: config.shutdownTimeoutMs * 0.8,
      buildId: config.buildId ?? null,
      tracing: tracing?.plugin,
      onActivity: (delayMs) => delays.see(delayMs),
    });
    polling.worker = worker;
    // Also when it is to stop already: the connection can be closed only once the worker has run.
    const run = worker.run();
    if (stopping.signal.aborted) worker.shutdown();
    else log.info({ task_queue: config.temporal.taskQueue, metrics: observability?.address }, 'worker polls');
    await run;
    await observability?.close();
  } finally {
    stopping.abort();
    await consuming;
    // What brought us here says more than what fails afterwards.
    await connection.close().catch((err: unknown) => log.warn({ err }, 'Temporal was not let go'));
    await neighbours.close();
    await database.close();
    await tracing?.close();
  }
  log.info('worker ended');
}

const RETRY_CONNECT_MS = 1_000;

/**
 * Connects, and waits until the search attributes are there: a workflow that sets one that is not registered fails
 * its task. The SDK does not retry a first connection by itself. Null when the process is told to stop meanwhile.
 */
async function awaitTemporal(
  { temporal, autoMigrate }: WorkerConfig,
  log: Logger,
  stopping: AbortSignal,
): Promise<NativeConnection | null> {
  while (!stopping.aborted) {
    try {
      const client = await Connection.connect({ address: temporal.address, connectTimeout: '5s' });
      try {
        if (autoMigrate) await registerSearchAttributes(client, temporal.namespace);
        else await expectSearchAttributes(client, temporal.namespace);
      } finally {
        await client.close();
      }
      return await NativeConnection.connect({ address: temporal.address });
    } catch (error) {
      log.warn({ err: error }, 'Temporal is not ready, trying again');
      await delay(RETRY_CONNECT_MS, undefined, { signal: stopping }).catch(() => undefined);
    }
  }
  return null;
}

/** Tells the games what is reported of their engines, until it is to stop. */
async function consumeHealth(
  config: WorkerConfig,
  { deps }: Neighbours,
  metrics: Metrics,
  log: Logger,
  stopping: AbortSignal,
): Promise<void> {
  const temporal = connectTemporal(config.temporal);
  const consumer = new HealthConsumer({
    redisUrl: config.redisUrl,
    stream: config.streams.healthEvents,
    maxLength: config.streams.maxLength,
    probeThreshold: config.healthProbeThreshold,
    records: deps.records,
    temporal,
    metrics,
    log,
  });
  await consumer.run(stopping);
  await temporal.connection.close();
}

/** The SDK's lines join ours; what it says of a game carries the game's id. */
function installTemporalLogger(log: Logger): void {
  const logger = new DefaultLogger('WARN', ({ level, message, meta }) => {
    log[level.toLowerCase() as Lowercase<typeof level>](temporalLine(meta), message);
  });
  const logging = { filter: { core: 'WARN', other: 'ERROR' }, forward: {} } as const;
  Runtime.install({ logger, shutdownSignals: [], telemetryOptions: { logging } });
}

const WATCH_OUTBOX_MS = 5_000;

/** Measures what waits for Redis, for the dashboards. */
function watchOutbox(outbox: OutboxStore, metrics: Metrics, log: Logger): void {
  const look = async (): Promise<void> => {
    const { rows, oldestAgeMs } = await outbox.depth();
    metrics.outboxDepth.set(rows);
    metrics.outboxAge.set(oldestAgeMs / 1000);
  };
  setInterval(() => {
    look().catch((error: unknown) => log.warn({ err: error }, 'outbox could not be measured'));
  }, WATCH_OUTBOX_MS).unref();
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    // Before there is a log: for the person who is setting this up, a line for each problem.
    if (error instanceof InvalidConfig) console.error(error.message);
    else createLogger({ level: 'fatal', name: NAME }).fatal({ err: error }, 'the worker cannot go on');
    process.exit(1);
  },
);
