/** The life of a service's process: settings, log, signals, and an end in bounded time. */
import {
  address,
  duration,
  InvalidConfig,
  oneOf,
  readSettings,
  unknownVariables,
  url,
  withDefault,
  type CrossCheck,
  type Settings,
  type Values,
} from './env';
import { createLogger, LOG_LEVELS, type Logger } from './logging';
import { createMetrics, type ServiceMetrics } from './metrics';

/** What every service can be told; `httpAddress` is where it listens by default. */
export function baseSettings(httpAddress: string) {
  return {
    HTTP_ADDR: withDefault(address(), httpAddress),
    REDIS_URL: url('redis', 'rediss'),
    LOG_LEVEL: withDefault(oneOf(LOG_LEVELS), 'info'),
    SHUTDOWN_TIMEOUT: withDefault(duration(), '10s'),
  };
}

type BaseSettings = ReturnType<typeof baseSettings>;

export interface ServiceContext<S extends Settings> {
  config: Values<S>;
  log: Logger;
  metrics: ServiceMetrics;
  /** Aborted at SIGTERM or SIGINT: take up nothing new. */
  stopping: AbortSignal;
}

export interface Service<S extends BaseSettings & Settings> {
  /** Lower case; its variables begin with it in upper case. */
  name: string;
  settings: S;
  checks?: readonly CrossCheck<S>[];
  /** Brings the service up. Resolves with what ends it in good order, which is called once `stopping` is aborted. */
  start: (context: ServiceContext<S>) => Promise<() => Promise<void>>;
}

/**
 * Runs a service until it is told to end: exit code 0 after SIGTERM or SIGINT once everything is closed; 1 when its
 * settings are wrong, it cannot start, something unexpected happens, or its end takes longer than SHUTDOWN_TIMEOUT.
 */
export async function runService<S extends BaseSettings & Settings>(service: Service<S>): Promise<never> {
  const { name, settings } = service;
  const prefix = `${name.toUpperCase()}_`;
  const config = readOrExit(prefix, service);
  const { LOG_LEVEL: level, SHUTDOWN_TIMEOUT: timeoutMs } = config as Values<BaseSettings>;
  const metrics = createMetrics(name);
  const log = createLogger({ level, name, onProblem: (problem) => metrics.problems.inc({ level: problem }) });
  const fail = (err: unknown, message: string): never => {
    log.fatal({ err }, message);
    process.exit(1);
  };
  process.on('uncaughtException', (error) => fail(error, 'ending after an error that nothing had expected'));
  for (const variable of unknownVariables(process.env, prefix, settings)) {
    log.warn(`${variable} is set, but there is no such setting`);
  }

  const stopping = new AbortController();
  const told = new Promise<void>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.on(signal, () => {
        if (stopping.signal.aborted) return;
        log.info({ signal }, 'stopping');
        stopping.abort();
        setTimeout(() => fail(undefined, 'the end took too long'), timeoutMs).unref();
        resolve();
      });
    }
  });
  try {
    const end = await service.start({ config, log, metrics, stopping: stopping.signal });
    await told;
    await end();
  } catch (error) {
    fail(error, 'the service cannot go on');
  }
  log.info('stopped');
  process.exit(0);
}

function readOrExit<S extends BaseSettings & Settings>(
  prefix: string,
  { settings, checks }: Service<S>,
): Values<S> {
  try {
    return readSettings(process.env, prefix, settings, checks);
  } catch (error) {
    // For the person who is setting this up: a line for each problem.
    console.error(error instanceof InvalidConfig ? error.message : error);
    process.exit(1);
  }
}
