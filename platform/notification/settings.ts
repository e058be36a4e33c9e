import {
  duration,
  form,
  integer,
  text,
  url,
  withDefault,
  type CrossCheck,
  type Setting,
} from '../service/env';
import { baseSettings } from '../service/process';

const ADDRESS = /^[^\s@<>,]+@[^\s@<>,]+$/;
const NAMED_ADDRESS = /^([^<>,]* )?<[^\s@<>,]+@[^\s@<>,]+>$/;

const sender = (): Setting<string> =>
  form(
    (written) => (ADDRESS.test(written) || NAMED_ADDRESS.test(written) ? written : undefined),
    'an e-mail address, such as Galaxy <galaxy@example.com>',
  );

const addresses = (): Setting<string[]> =>
  form((written) => {
    const list = written.split(',').map((part) => part.trim());
    return list.every((part) => ADDRESS.test(part)) ? [...new Set(list)] : undefined;
  }, 'e-mail addresses, separated by commas');

/** `NOTIFICATION_*`: README.md, "Settings". */
export const settings = {
  ...baseSettings('127.0.0.1:8095'),
  SMTP_URL: url('smtp', 'smtps'),
  SMTP_TIMEOUT: withDefault(duration(), '8s'),
  EMAIL_FROM: sender(),
  ADMIN_EMAILS: addresses(),
  STREAM_INTENTS: withDefault(text(), 'notification:intents'),
  STREAM_PUSH: withDefault(text(), 'notification:push'),
  STREAM_MAX_LENGTH: withDefault(integer(1, 1_000_000_000), '10000'),
  KEY_PREFIX: withDefault(text(), 'notification'),
  RETRY_FIRST: withDefault(duration(), '1s'),
  RETRY_LONGEST: withDefault(duration(), '5m'),
  TAKEOVER_AFTER: withDefault(duration(), '5s'),
  RETENTION: withDefault(duration(), '168h'),
};

export const checks: CrossCheck<typeof settings>[] = [
  {
    settings: ['SMTP_TIMEOUT', 'SHUTDOWN_TIMEOUT'],
    holds: (values) => values.SMTP_TIMEOUT < values.SHUTDOWN_TIMEOUT,
    must: 'must be in this order: a mail that is under way is finished before the process ends',
  },
  {
    settings: ['RETRY_FIRST', 'RETRY_LONGEST'],
    holds: (values) => values.RETRY_FIRST <= values.RETRY_LONGEST,
    must: 'must be in this order',
  },
  {
    settings: ['STREAM_INTENTS', 'STREAM_PUSH'],
    holds: (values) => values.STREAM_INTENTS !== values.STREAM_PUSH,
    must: 'must be two streams',
  },
];
