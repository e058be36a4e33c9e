import { buildApp, listen } from '../service/http';
import { runService, type ServiceContext } from '../service/process';
import { openRedis, whenReady } from '../service/redis';
import { DockerDriver } from './docker-driver';
import type { Driver } from './driver';
import { EngineStarter } from './engine-starter';
import { runJobConsumers } from './jobs';
import { Memory } from './memory';
import { addMetrics } from './metrics';
import { ProcessDriver } from './process-driver';
import { addRoutes } from './routes';
import { Runtimes } from './runtimes';
import { checks, settings } from './settings';
import { Watch } from './watch';

type Context = ServiceContext<typeof settings>;

const GROUP = 'rtmanager';

async function start({ config, log, metrics: base, stopping }: Context): Promise<() => Promise<void>> {
  const metrics = addMetrics(base);
  const redis = openRedis(config.REDIS_URL, log);
  const streams = {
    startJobs: config.STREAM_START_JOBS,
    stopJobs: config.STREAM_STOP_JOBS,
    jobResults: config.STREAM_JOB_RESULTS,
    healthEvents: config.STREAM_HEALTH_EVENTS,
  };
  const maxLength = config.STREAM_MAX_LENGTH;
  const memory = new Memory({
    redis,
    key: config.REDIS_KEY,
    group: GROUP,
    streams,
    maxLength,
    leaseMs: config.JOB_CLAIM_AFTER,
  });
  const driver = createDriver({ config, log, stopping });
  const starter = new EngineStarter({
    driver,
    log,
    allows: (imageRef) => config.IMAGES.some(({ pattern }) => pattern.test(imageRef)),
    ports: config.PORTS,
    startTimeoutMs: config.START_TIMEOUT,
    probeTimeoutMs: config.PROBE_TIMEOUT,
    stopping,
  });
  const runtimes = new Runtimes({
    driver,
    starter,
    memory,
    metrics,
    log,
    probeTimeoutMs: config.PROBE_TIMEOUT,
    retentionMs: config.RETENTION,
    removeState: config.REMOVE_STATE,
  });
  let hasLooked = false;
  const watch = new Watch({
    driver,
    memory,
    runtimes,
    metrics,
    log,
    sweepIntervalMs: config.SWEEP_INTERVAL,
    probeIntervalMs: config.PROBE_INTERVAL,
  });
  const watching = whenReady(redis, stopping).then(() => watch.run(() => (hasLooked = true), stopping));
  const working = runJobConsumers(
    {
      runtimes,
      memory,
      redisUrl: config.REDIS_URL,
      group: GROUP,
      streams,
      claimAfterMs: config.JOB_CLAIM_AFTER,
      maxLength,
      log,
      metrics,
    },
    stopping,
  );

  const app = buildApp({
    log,
    metrics,
    dependencies: {
      redis: { ping: () => memory.ping(), needed: true },
      [driver.name]: { ping: () => driver.ping(), needed: true },
      // Until then what is shown may be of before the last end.
      first_look: {
        ping: () => (hasLooked ? Promise.resolve() : Promise.reject(new Error('not yet'))),
        needed: true,
      },
    },
    // A patch may stop one engine, start another, and start the first one again.
    handlerTimeoutMs: 2 * (config.START_TIMEOUT + config.STOP_TIMEOUT) + 10_000,
  });
  addRoutes(app, { runtimes, memory });
  await listen(app, config.HTTP_ADDR);

  return async () => {
    // Engines go on: they are found again by the next process.
    await Promise.all([app.close(), watching, working]);
    await runtimes.settled();
    redis.disconnect();
  };
}

function createDriver({ config, log, stopping }: Pick<Context, 'config' | 'log' | 'stopping'>): Driver {
  const engine = {
    env: config.ENGINE_ENV,
    memoryBytes: config.ENGINE_MEMORY,
    stopTimeoutMs: config.STOP_TIMEOUT,
    log,
  };
  if (config.DRIVER === 'process') {
    return new ProcessDriver({ ...engine, folder: config.PROCESS_DIR, commands: config.PROCESS_COMMAND });
  }
  return new DockerDriver({
    ...engine,
    address: config.DOCKER_HOST,
    owner: config.DOCKER_OWNER,
    network: config.DOCKER_NETWORK,
    publish: config.DOCKER_PUBLISH,
    user: config.DOCKER_USER,
    cpus: config.ENGINE_CPUS,
    timeoutMs: config.DOCKER_TIMEOUT,
    pull: config.DOCKER_PULL,
    pullTimeoutMs: config.DOCKER_PULL_TIMEOUT,
    stopping,
  });
}

void runService({ name: 'rtmanager', settings, checks, start });
