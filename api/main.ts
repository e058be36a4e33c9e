/** The api process: `node dist/api/main.js`, configured by `GAMEMASTER_*` (docs/configuration.md). */
import closeWithGrace from 'close-with-grace';
import { connectTemporal, pingTemporal } from '../clients/temporal';
import { loadApiConfig, type ApiConfig } from '../config/api';
import { byAsking, watchClocks } from '../config/clock';
import { cannotListen, InvalidConfig } from '../config/env';
import { createLogger, gatheringStdout, type Logger } from '../config/logging';
import { createMetrics, serveObservability, type Metrics } from '../config/telemetry';
import { startTracing } from '../config/tracing';
import { migrate } from '../stores/migrate';
import { openDatabase } from '../stores/postgres';
import { buildApp } from './app';
import { checkReadiness } from './readiness';

const NAME = 'gamemaster-api';
const PING_TIMEOUT_MS = 1_000;
const SCHEMA_MISSING = 'the database has no schema yet: run tools/migrate';

async function start(config: ApiConfig, metrics: Metrics, log: Logger): Promise<void> {
  const tracing = await startTracing(NAME, log);
  for (const warning of config.warnings) log.warn(warning);
  if (config.autoMigrate) {
    await migrate(config.postgres.dsn, {
      info: (message) => log.debug(message),
      warn: (message) => log.warn(message),
      error: (message) => log.error(message),
    });
  }

  const database = openDatabase({
    ...config.postgres,
    applicationName: NAME,
    onPoolError: (err) => log.warn({ err }, 'a connection to Postgres was lost'),
  });
  const temporal = connectTemporal({ ...config.temporal, ...(tracing && { plugins: [tracing.plugin] }) });
  watchClocks({ postgres: byAsking(() => database.now()) }, metrics, log);
  let stopping = false;
  const readiness = checkReadiness(
    {
      postgres: async () => {
        await database.ping(PING_TIMEOUT_MS);
        if (await database.hasSchema()) return;
        log.warn(SCHEMA_MISSING);
        throw new Error(SCHEMA_MISSING);
      },
      temporal: () => pingTemporal(temporal, PING_TIMEOUT_MS),
    },
    () => stopping,
  );
  const app = buildApp({ config, database, temporal, readiness, metrics, log, tracing });

  const observability =
    config.metricsAddress &&
    (await serveObservability({ address: config.metricsAddress, metrics, readiness }));
  closeWithGrace({ delay: config.shutdownTimeoutMs, logger: graceLogger(log) }, async ({ signal, err }) => {
    stopping = true;
    if (err) log.fatal({ err }, 'stopping after an error that nothing had expected');
    else log.info({ signal }, 'stopping');
    await app.close();
    await observability?.close();
    await temporal.connection.close();
    await database.close();
    await tracing?.close();
    log.info('stopped');
  });

  const { host, port } = config.httpAddress;
  await app.listen({ host, port }).catch(cannotListen('GAMEMASTER_HTTP_ADDR'));
}

function graceLogger(log: Logger): { error: (message: unknown) => void } {
  return {
    error: (message) => log.error(message instanceof Error ? { err: message } : { message }, 'stopping'),
  };
}

async function main(): Promise<void> {
  const config = readConfig();
  const metrics = createMetrics('api');
  const log = createLogger(
    { level: config.logLevel, name: NAME, onProblem: (level) => metrics.problems.inc({ level }) },
    gatheringStdout(),
  );
  try {
    await start(config, metrics, log);
  } catch (err) {
    log.fatal({ err }, 'the api cannot start');
    process.exit(1);
  }
}

function readConfig(): ApiConfig {
  try {
    return loadApiConfig(process.env);
  } catch (error) {
    // For the person who is setting this up: a line for each problem.
    console.error(error instanceof InvalidConfig ? error.message : error);
    process.exit(1);
  }
}

void main();
