import { duration, flag, integer, text, url, withDefault, type CrossCheck } from '../service/env';
import { baseSettings } from '../service/process';

const stream = (name: string) => withDefault(text(), name);

/** What Lobby can be told; README.md says what each is for. */
export const settings = {
  ...baseSettings('127.0.0.1:8094'),
  POSTGRES_DSN: url('postgres', 'postgresql'),
  POSTGRES_TIMEOUT: withDefault(duration(), '2s'),
  GM_BASE_URL: url('http', 'https'),
  GM_API_TOKEN: text().optional(),
  GM_TIMEOUT: withDefault(duration(), '2s'),
  GM_OPERATION_TIMEOUT: withDefault(duration(), '60s'),
  START_TIMEOUT: withDefault(duration(), '10m'),
  REGISTER_ATTEMPTS: withDefault(integer(1, 100), '3'),
  SCHEDULE_ALLOW_SECONDS: withDefault(flag(), 'false'),
  STREAM_LOBBY_EVENTS: stream('gm:lobby_events'),
  STREAM_JOB_RESULTS: stream('runtime:job_results'),
  STREAM_USER_LIFECYCLE: stream('user:lifecycle_events'),
  STREAM_START_JOBS: stream('runtime:start_jobs'),
  STREAM_STOP_JOBS: stream('runtime:stop_jobs'),
  STREAM_NOTIFICATION_INTENTS: stream('notification:intents'),
  STREAM_MAX_LENGTH: withDefault(integer(100, 10_000_000), '10000'),
};

const streams = [
  'STREAM_LOBBY_EVENTS',
  'STREAM_JOB_RESULTS',
  'STREAM_USER_LIFECYCLE',
  'STREAM_START_JOBS',
  'STREAM_STOP_JOBS',
  'STREAM_NOTIFICATION_INTENTS',
] as const;

export const checks: readonly CrossCheck<typeof settings>[] = [
  {
    settings: streams,
    holds: (values) => new Set(streams.map((name) => values[name])).size === streams.length,
    must: 'must all be different streams',
  },
];
