import { randomBytes } from 'node:crypto';

/** What the demo calls the things that it makes on servers. */
export interface Names {
  /** Ends the names below where servers are shared; null where nobody else is there. */
  mark: string | null;
  taskQueue: string;
  streams: {
    lobbyEvents: string;
    notificationIntents: string;
    healthEvents: string;
    startJobs: string;
    stopJobs: string;
    jobResults: string;
    userLifecycle: string;
    pushes: string;
  };
  /** What Runtime Manager and Notification keep in Redis. */
  keys: { runtimes: string; deliveries: string };
  /** A database of its own, or null to take the one that the server came with. */
  database: string | null;
}

/** The names of the defaults: on servers that only this demo uses. */
export const OWN_NAMES: Names = namesWith(null);

/** Names that nothing else has: on servers that others use too. */
export function sharedNames(): Names {
  return namesWith(`demo-${randomBytes(3).toString('hex')}`);
}

function namesWith(mark: string | null): Names {
  const inRedis = (name: string): string => (mark === null ? name : `${mark}:${name}`);
  return {
    mark,
    taskQueue: mark === null ? 'gamemaster' : `gamemaster-${mark}`,
    streams: {
      lobbyEvents: inRedis('gm:lobby_events'),
      notificationIntents: inRedis('notification:intents'),
      healthEvents: inRedis('runtime:health_events'),
      startJobs: inRedis('runtime:start_jobs'),
      stopJobs: inRedis('runtime:stop_jobs'),
      jobResults: inRedis('runtime:job_results'),
      userLifecycle: inRedis('user:lifecycle_events'),
      pushes: inRedis('notification:push'),
    },
    keys: { runtimes: inRedis('rtmanager:runtimes'), deliveries: inRedis('notification') },
    database: mark === null ? null : `gamemaster-${mark}`,
  };
}
