import { pino, type DestinationStream, type Logger } from 'pino';

export type { Logger } from 'pino';

/** Fields that hold secrets wherever they appear, at the top of a line and one level below it. */
const SECRETS = [
  'dsn',
  'password',
  'token',
  'tokens',
  'apiTokens',
  'authorization',
  'redisUrl',
  'connectionString',
];

/** Writes JSON, one line an event, to `destination` (stdout). `name` is that of the process. */
export function createLogger(
  { level, name }: { level: string; name: string },
  destination?: DestinationStream,
): Logger {
  const options = {
    level,
    name,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: {
      paths: [
        ...SECRETS.flatMap((field) => [field, `*.${field}`]),
        'headers.authorization',
        '*.headers.authorization',
      ],
      censor: '[redacted]',
    },
  };
  return destination === undefined ? pino(options) : pino(options, destination);
}

/** For everything that is logged about one game. */
export function gameLogger(log: Logger, gameId: string): Logger {
  return log.child({ game_id: gameId });
}
