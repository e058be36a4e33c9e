export interface Config {
  /** Port 0 is any free port. */
  http: { host: string; port: number };
  dataDir: string;
  /** 0 is never. */
  finishTurn: number;
  /** Milliseconds. */
  turnDuration: number;
  /** Whether a change is forced to the disk before it is answered. */
  fsync: boolean;
}

/** What is wrong with the environment: all of it. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';

  constructor(readonly problems: string[]) {
    super(problems.join('; '));
  }
}

const UNITS = { ms: 1, s: 1_000, m: 60_000 };

/** Reads `ENGINE_*` (README.md, "Settings"). @throws ConfigError naming every bad variable at once */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  const problems: string[] = [];

  function read<Value>(
    name: string,
    fallback: string | null,
    form: string,
    parse: (text: string) => Value | undefined,
  ) {
    const text = env[name] ?? fallback;
    const value = text === null ? undefined : parse(text);
    if (value === undefined)
      problems.push(`${name} ${text === null ? 'is required' : `is "${text}"`}: ${form}`);
    // Not used when there is a problem: then nothing is returned.
    return value as Value;
  }

  const config: Config = {
    http: read('ENGINE_HTTP_ADDR', '127.0.0.1:8080', 'host:port', parseAddress),
    dataDir: read('ENGINE_DATA_DIR', null, 'a directory', (text) => (text === '' ? undefined : text)),
    finishTurn: read('ENGINE_FINISH_TURN', '0', 'a turn, 0 for never', parseTurn),
    turnDuration: read('ENGINE_TURN_DURATION', '0', '0, or a number with ms, s or m', parseDuration),
    fsync: read('ENGINE_FSYNC', 'true', 'true or false', parseBoolean),
  };
  if (problems.length > 0) throw new ConfigError(problems);
  return config;
}

function parseAddress(text: string): Config['http'] | undefined {
  const [, v6, name, port] = /^(?:\[([0-9a-fA-F:.]+)\]|([^:/\s[\]]+)):([0-9]{1,5})$/.exec(text) ?? [];
  const host = v6 ?? name;
  return host === undefined || Number(port) > 65535 ? undefined : { host, port: Number(port) };
}

function parseTurn(text: string): number | undefined {
  return /^(0|[1-9][0-9]{0,8})$/.test(text) ? Number(text) : undefined;
}

function parseDuration(text: string): number | undefined {
  if (text === '0') return 0;
  const [, amount, unit] = /^([0-9]{1,9})(ms|s|m)$/.exec(text) ?? [];
  if (amount === undefined) return undefined;
  const duration = Number(amount) * UNITS[unit as keyof typeof UNITS];
  // Timers hold no more than 2^31 - 1 ms and would fire at once.
  return duration <= 2_147_483_647 ? duration : undefined;
}

function parseBoolean(text: string): boolean | undefined {
  return text === 'true' ? true : text === 'false' ? false : undefined;
}
