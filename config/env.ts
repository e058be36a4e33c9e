import { z } from 'zod';

/** The settings of a process cannot be used; every problem is in `problems`, a line each. */
export class InvalidConfig extends Error {
  override readonly name = 'InvalidConfig';

  constructor(readonly problems: readonly string[]) {
    super(`Invalid configuration:\n${problems.join('\n')}`);
  }
}

/** Settings by the name of their environment variable: each reads the variable's text. */
export type Settings = Record<string, z.ZodType>;
export type Values<S extends Settings> = { [Name in keyof S]: z.output<S[Name]> };

/** Something that several settings have to fulfil together. */
export interface CrossCheck<S extends Settings> {
  settings: readonly (keyof S & string)[];
  holds: (values: Values<S>) => boolean;
  /** Completes "<names> ...". */
  must: string;
}

/**
 * Reads all settings from `env`; an empty variable counts as not set.
 * @throws InvalidConfig naming everything that is missing or wrong, and never a value: it may be a secret
 */
export function readSettings<S extends Settings>(
  env: NodeJS.ProcessEnv,
  settings: S,
  crossChecks: readonly CrossCheck<S>[] = [],
): Values<S> {
  const values: Record<string, unknown> = {};
  const problems: string[] = [];
  for (const [name, setting] of Object.entries(settings)) {
    const text = env[name]?.trim();
    const read = setting.safeParse(text === '' ? undefined : text);
    if (read.success) values[name] = read.data;
    else problems.push(...read.error.issues.map(({ message }) => `${name} ${message}`));
  }
  for (const { settings: names, holds, must } of crossChecks) {
    if (names.every((name) => name in values) && !holds(values as Values<S>)) {
      problems.push(`${names.join(' and ')} ${must}`);
    }
  }
  if (problems.length > 0) throw new InvalidConfig(problems);
  return values as Values<S>;
}

/** Says what is strange about `env` without being an error: variables with our prefix that nothing reads. */
export function unknownSettings(env: NodeJS.ProcessEnv, prefix: string, known: Iterable<string>): string[] {
  const names = new Set(known);
  return Object.keys(env).filter((name) => name.startsWith(prefix) && !names.has(name));
}

/** For a `catch`: names the setting that gave an address that cannot be listened on. */
export function cannotListen(name: string): (cause: unknown) => never {
  return (cause) => {
    throw new Error(`cannot listen where ${name} says`, { cause });
  };
}

const required = z.string({ error: 'is required' });

/** A setting that has to be there. */
export const text = (): z.ZodType<string, string | undefined> => required;

/** A setting of some form; `fallback` is written as the variable would be. */
export function optional<T>(form: z.ZodType<T, string | undefined>, fallback: string): z.ZodType<T> {
  return z.preprocess((value) => value ?? fallback, form);
}

function form<T>(parse: (text: string) => T | undefined, must: string): z.ZodType<T, string | undefined> {
  return required.transform((value, context) => {
    const parsed = parse(value);
    if (parsed !== undefined) return parsed;
    context.addIssue({ code: 'custom', message: `must be ${must}` });
    return z.NEVER;
  });
}

const MILLISECONDS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };
/** The longest that a timer of Node can wait. */
const LONGEST_MS = 2 ** 31 - 1;

/** `500ms`, `30s`, `5m`, `1h`, in milliseconds; with `zero` also `0`. */
export function duration({ zero = false } = {}): z.ZodType<number, string | undefined> {
  return form(
    (value) => {
      if (zero && value === '0') return 0;
      const [, count, unit] = /^(\d+)(ms|s|m|h)$/.exec(value) ?? [];
      const ms = Number(count) * MILLISECONDS[unit as keyof typeof MILLISECONDS];
      return (ms > 0 || (zero && ms === 0)) && ms <= LONGEST_MS ? ms : undefined;
    },
    `a duration such as 500ms, 30s, 5m or 1h${zero ? ', or 0' : ''}, of less than 25 days`,
  );
}

/** A whole number in decimal digits. */
export function integer(min: number, max: number): z.ZodType<number, string | undefined> {
  return form(
    (value) =>
      /^\d+$/.test(value) && Number(value) >= min && Number(value) <= max ? Number(value) : undefined,
    `a whole number from ${min} to ${max}`,
  );
}

const BYTES = { B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 };

/** `65536`, `64KiB`, `1MiB`, in bytes. */
export function size(max: number): z.ZodType<number, string | undefined> {
  return form((value) => {
    const [, count, unit = 'B'] = /^(\d+)(B|KiB|MiB|GiB)?$/.exec(value) ?? [];
    const bytes = Number(count) * BYTES[unit as keyof typeof BYTES];
    return bytes > 0 && bytes <= max ? bytes : undefined;
  }, `a size such as 65536, 64KiB or 1MiB, of at most ${max} bytes`);
}

export function flag(): z.ZodType<boolean, string | undefined> {
  return form((value) => (value === 'true' ? true : value === 'false' ? false : undefined), 'true or false');
}

export function oneOf<T extends string>(choices: readonly T[]): z.ZodType<T, string | undefined> {
  return form((value) => choices.find((choice) => choice === value), `one of ${choices.join(', ')}`);
}

export interface Address {
  host: string;
  port: number;
}

/** `host:port`, with brackets around an IPv6 host. */
export function address(): z.ZodType<Address, string | undefined> {
  return form((value) => {
    const [, bracketed, plain, digits] =
      /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:/@[\]]+)):(\d{1,5})$/.exec(value) ?? [];
    const host = bracketed ?? plain;
    const port = Number(digits);
    return host !== undefined && port <= 65_535 ? { host, port } : undefined;
  }, 'host:port, such as 127.0.0.1:8097');
}

/** A URL of one of these schemes (`http`, `redis`, ...), as it was written. */
export function url(...schemes: string[]): z.ZodType<string, string | undefined> {
  return form(
    (value) => {
      const parsed = URL.canParse(value) ? new URL(value) : undefined;
      return parsed !== undefined && schemes.includes(parsed.protocol.slice(0, -1)) && parsed.hostname !== ''
        ? value
        : undefined;
    },
    `a URL that begins with ${schemes.map((scheme) => `${scheme}://`).join(' or ')}`,
  );
}

/** The base of a REST service: no query, no credentials; without the slash at its end. */
export function baseUrl(): z.ZodType<string, string | undefined> {
  return form((value) => {
    const parsed = URL.canParse(value) ? new URL(value) : undefined;
    if (parsed === undefined || !['http:', 'https:'].includes(parsed.protocol)) return undefined;
    const { username, password, search, hash } = parsed;
    return [username, password, search, hash].every((part) => part === '')
      ? value.replace(/\/+$/, '')
      : undefined;
  }, 'an http:// or https:// URL without credentials or query');
}

/** Comma-separated items that match `item`, at least one. */
export function list(item: RegExp, what: string): z.ZodType<string[], string | undefined> {
  return form((value) => {
    const items = value.split(',').map((part) => part.trim());
    return items.every((part) => item.test(part)) ? items : undefined;
  }, `a comma-separated list of ${what}`);
}
