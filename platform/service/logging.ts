import { pino, type DestinationStream, type LogFn, type Logger } from 'pino';

export type { Logger } from 'pino';

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const;

/** Fields that hold secrets, at the top of a line and one level below it. */
const SECRETS = [
  'dsn',
  'password',
  'pass',
  'token',
  'authorization',
  'redisUrl',
  'smtpUrl',
  'connectionString',
];

/** Secrets inside a text: the password of a URL, a bearer token. */
const SECRETS_IN_TEXT = /(:\/\/[^\s"/@:]*:)[^\s"/]+(?=@)|(\bBearer\s+)[^\s"\\]+/gi;

const PROBLEMS: Readonly<Record<number, string>> = { 40: 'warn', 50: 'error', 60: 'fatal' };

export interface LoggerOptions {
  level: string;
  /** That of the service. */
  name: string;
  /** Told of each line that says of a problem, with its level. */
  onProblem?: (level: string) => void;
}

/** Writes JSON, one line an event, to `destination` (stdout). */
export function createLogger(
  { level, name, onProblem }: LoggerOptions,
  destination: DestinationStream = pino.destination(1),
): Logger {
  return pino(
    {
      level,
      name,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: SECRETS.flatMap((field) => [field, `*.${field}`]), censor: '[redacted]' },
      hooks: {
        logMethod(this: Logger, args: Parameters<LogFn>, method: LogFn, levelNumber: number) {
          const problem = PROBLEMS[levelNumber];
          if (problem !== undefined) onProblem?.(problem);
          method.apply(this, args);
        },
        streamWrite: (line) => line.replace(SECRETS_IN_TEXT, '$1$2[redacted]'),
      },
    },
    destination,
  );
}

/** For everything that is logged about one game. */
export function gameLogger(log: Logger, gameId: string): Logger {
  return log.child({ game_id: gameId });
}
