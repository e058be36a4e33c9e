/** The Lobby process: `node dist/platform/lobby/main.js`, configured by `LOBBY_*` (README.md). */
import { buildApp, listen } from '../service/http';
import { runService, type ServiceContext } from '../service/process';
import { openRedis } from '../service/redis';
import { Alarm } from './alarm';
import { checks, settings } from './config';
import { GameMaster } from './game-master';
import { lead } from './leadership';
import { addMetrics } from './metrics';
import { catchUp } from './operations/catching-up';
import { Changes } from './operations/changes';
import { Enrolment } from './operations/enrolment';
import { Games } from './operations/games';
import { Members } from './operations/members';
import { MembershipNotices } from './operations/membership-notices';
import { Starting } from './operations/starting';
import { enrolmentRoutes } from './routes/enrolment';
import { gameRoutes } from './routes/games';
import { memberRoutes } from './routes/members';
import { sendOutbox } from './sending';
import { migrate } from './stores/migrate';
import { Database } from './stores/postgres';
import { follow, isReadToItsEnd } from './streams/incoming';
import { jobResults } from './streams/job-results';
import { lobbyEvents } from './streams/lobby-events';
import { userLifecycle } from './streams/user-lifecycle';
import { runTasks } from './tasks/runner';

async function start(context: ServiceContext<typeof settings>): Promise<() => Promise<void>> {
  const { config, log, metrics, stopping } = context;
  await migrate(config.POSTGRES_DSN, log);

  const database = new Database(config.POSTGRES_DSN, config.POSTGRES_TIMEOUT, (error) =>
    log.warn({ err: error }, 'a connection to postgres was lost'),
  );
  const redis = openRedis(config.REDIS_URL, log);
  const own = addMetrics(metrics.registry, database);
  const gameMaster = new GameMaster({
    baseUrl: config.GM_BASE_URL,
    token: config.GM_API_TOKEN,
    timeoutMs: config.GM_TIMEOUT,
    operationTimeoutMs: config.GM_OPERATION_TIMEOUT,
  });
  const outgoing = {
    startJobs: config.STREAM_START_JOBS,
    stopJobs: config.STREAM_STOP_JOBS,
    intents: config.STREAM_NOTIFICATION_INTENTS,
  };
  const entries = new Alarm();
  const tasks = new Alarm();
  const changes = new Changes(database, () => {
    entries.ring();
    tasks.ring();
  });
  const notices = new MembershipNotices({
    database,
    changes,
    gameMaster,
    sent: own.invalidations,
    log,
    overdueMs: 2 * config.GM_TIMEOUT,
  });

  const app = buildApp({
    log,
    metrics,
    dependencies: {
      postgres: { ping: () => database.ping(), needed: true },
      redis: { ping: () => redis.ping(), needed: false },
    },
  });
  gameRoutes(app, {
    database,
    games: new Games(changes, outgoing, { allowSeconds: config.SCHEDULE_ALLOW_SECONDS }),
    starting: new Starting(database, changes, gameMaster, outgoing, config.START_TIMEOUT),
  });
  enrolmentRoutes(app, { database, enrolment: new Enrolment(changes, notices) });
  memberRoutes(app, { database, members: new Members(notices) });

  const shared = {
    database,
    changes,
    redisUrl: config.REDIS_URL,
    maxLength: config.STREAM_MAX_LENGTH,
    log,
    metrics,
  };
  const work = async (leading: AbortSignal): Promise<void> => {
    own.leading.set(1);
    await Promise.all([
      sendOutbox({ ...shared, alarm: entries }, leading),
      runTasks(
        {
          database,
          changes,
          gameMaster,
          outgoing,
          notices,
          hasReadResults: () => isReadToItsEnd(redis, database, config.STREAM_JOB_RESULTS),
          registerAttempts: config.REGISTER_ATTEMPTS,
        },
        { alarm: tasks, log },
        leading,
      ),
      follow(jobResults({ stream: config.STREAM_JOB_RESULTS, outgoing, log }), shared, leading),
      follow(
        lobbyEvents({
          stream: config.STREAM_LOBBY_EVENTS,
          outgoing,
          missed: () => catchUp({ database, changes, gameMaster, outgoing, log }),
          log,
        }),
        shared,
        leading,
      ),
      follow(userLifecycle({ stream: config.STREAM_USER_LIFECYCLE, outgoing }), shared, leading),
    ]);
    own.leading.set(0);
  };
  const leading = lead({ dsn: config.POSTGRES_DSN, log, work }, stopping);
  await listen(app, config.HTTP_ADDR);

  return async () => {
    await Promise.all([app.close(), leading]);
    redis.disconnect();
    await database.close();
  };
}

void runService({ name: 'lobby', settings, checks, start });
