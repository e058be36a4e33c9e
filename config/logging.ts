import { pino, type DestinationStream, type LogFn, type Logger } from 'pino';

export type { Logger } from 'pino';

const SECRET_FIELDS = 'dsn|password|tokens?|apiTokens|authorization|redisUrl|connectionString';
const JSON_TEXT = '"(?:[^"\\\\]|\\\\.)*"';
const JSON_LIST = `\\[(?:[^"\\]]|${JSON_TEXT})*\\]`;
const JSON_OBJECT = `\\{(?:[^"}]|${JSON_TEXT})*\\}`;
const JSON_OTHER = '[^",{}[\\]]+';

/**
 * Secret fields with their values, wherever in a line they are. In the finished line, because pino's own redaction
 * copies what is logged and looks one level deep.
 */
const SECRETS = new RegExp(
  `("(?:${SECRET_FIELDS})":)(?:${JSON_TEXT}|${JSON_LIST}|${JSON_OBJECT}|${JSON_OTHER})`,
  'gi',
);

/** What holds a secret inside a text: the password of a URL (a DSN, Redis'), a bearer token. */
const SECRETS_IN_TEXT = /(:\/\/[^\s"/@:]*:)[^\s"/@]+(?=@)|(\bBearer\s+)[^\s"\\]+/gi;

/** By pino's numbers. */
const PROBLEMS: Readonly<Record<number, 'warn' | 'error' | 'fatal'>> = {
  40: 'warn',
  50: 'error',
  60: 'fatal',
};

export interface LoggerOptions {
  level: string;
  /** That of the process. */
  name: string;
  /** Told of every line that says of a problem, whoever logs it. */
  onProblem?: (level: 'warn' | 'error' | 'fatal') => void;
}

/** Writes JSON, one line an event, to `destination` (stdout). */
export function createLogger(
  { level, name, onProblem }: LoggerOptions,
  destination?: DestinationStream,
): Logger {
  const options = {
    level,
    name,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    hooks: {
      logMethod(this: Logger, args: Parameters<LogFn>, method: LogFn, levelNumber: number) {
        const problem = PROBLEMS[levelNumber];
        if (problem) onProblem?.(problem);
        method.apply(this, args);
      },
      streamWrite: (line: string) =>
        line.replace(SECRETS, '$1"[redacted]"').replace(SECRETS_IN_TEXT, '$1$2[redacted]'),
    },
  };
  return destination === undefined ? pino(options) : pino(options, destination);
}

/**
 * Stdout for processes that write many lines: they are gathered for a tenth of a second, because a system call for
 * each was a twentieth of the work of a request. What has gathered is written when the process exits, in whichever way
 * it does so itself.
 */
export function gatheringStdout(): DestinationStream {
  return pino.destination({ dest: 1, sync: false, minLength: 8 * 1024, periodicFlush: 100 });
}

/** For everything that is logged about one game. */
export function gameLogger(log: Logger, gameId: string): Logger {
  return log.child({ game_id: gameId });
}
