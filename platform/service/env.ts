/** Reads a service's settings from the environment: all of them at once, and none is used before all are right. */
import { z } from 'zod';

/** The settings of a process cannot be used: a line for each problem, and never a value, which may be a secret. */
export class InvalidConfig extends Error {
  override readonly name = 'InvalidConfig';

  constructor(readonly problems: readonly string[]) {
    super(`Invalid configuration:\n${problems.join('\n')}`);
  }
}

/** A setting reads the text of its variable, undefined when that is not set. */
export type Setting<T> = z.ZodType<T, string | undefined>;
/** By the name of the variable without the service's prefix. */
export type Settings = Record<string, z.ZodType>;
export type Values<S extends Settings> = { [Name in keyof S]: z.output<S[Name]> };

/** What several settings have to fulfil together. */
export interface CrossCheck<S extends Settings> {
  settings: readonly (keyof S & string)[];
  holds: (values: Values<S>) => boolean;
  /** Completes "<names> ...". */
  must: string;
}

/**
 * The values of `settings`, each from the variable `<prefix><name>`; an empty variable counts as not set.
 * @throws InvalidConfig naming everything that is missing or wrong
 */
export function readSettings<S extends Settings>(
  env: NodeJS.ProcessEnv,
  prefix: string,
  settings: S,
  crossChecks: readonly CrossCheck<S>[] = [],
): Values<S> {
  const values: Record<string, unknown> = {};
  const problems: string[] = [];
  for (const [name, setting] of Object.entries(settings)) {
    const written = env[prefix + name]?.trim();
    const read = setting.safeParse(written === '' ? undefined : written);
    if (read.success) values[name] = read.data;
    else problems.push(...read.error.issues.map(({ message }) => `${prefix}${name} ${message}`));
  }
  for (const { settings: names, holds, must } of crossChecks) {
    if (names.every((name) => name in values) && !holds(values as Values<S>)) {
      problems.push(`${names.map((name) => prefix + name).join(' and ')} ${must}`);
    }
  }
  if (problems.length > 0) throw new InvalidConfig(problems);
  return values as Values<S>;
}

/** Variables with the service's prefix that nothing reads: spelling mistakes, most likely. */
export function unknownVariables(env: NodeJS.ProcessEnv, prefix: string, settings: Settings): string[] {
  return Object.keys(env).filter(
    (name) => name.startsWith(prefix) && !(name.slice(prefix.length) in settings),
  );
}

const required = z.string({ error: 'is required' });

/** Makes a setting of a function that gives undefined for what it does not take. `must` completes "must be ...". */
export function form<T>(parse: (written: string) => T | undefined, must: string): Setting<T> {
  return required.transform((written, context) => {
    const value = parse(written);
    if (value !== undefined) return value;
    context.addIssue({ code: 'custom', message: `must be ${must}` });
    return z.NEVER;
  });
}

/** The setting with a default, which is written as the variable would be. */
export function withDefault<T>(setting: Setting<T>, written: string): Setting<T> {
  return z.preprocess((value) => value ?? written, setting);
}

export const text = (): Setting<string> => required;

const MILLISECONDS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };
/** What a timer of Node can wait at most. */
const LONGEST_MS = 2 ** 31 - 1;

/** `500ms`, `30s`, `5m`, `1h`, in milliseconds; more than 0. */
export const duration = (): Setting<number> =>
  form((written) => {
    const [, count, unit] = /^(\d+)(ms|s|m|h)$/.exec(written) ?? [];
    const ms = Number(count) * MILLISECONDS[unit as keyof typeof MILLISECONDS];
    return ms > 0 && ms <= LONGEST_MS ? ms : undefined;
  }, 'a duration such as 500ms, 30s, 5m or 1h, of less than 25 days');

export const integer = (min: number, max: number): Setting<number> =>
  form(
    (written) =>
      /^\d+$/.test(written) && Number(written) >= min && Number(written) <= max ? Number(written) : undefined,
    `a whole number from ${min} to ${max}`,
  );

export const flag = (): Setting<boolean> =>
  form((written) => (written === 'true' ? true : written === 'false' ? false : undefined), 'true or false');

export const oneOf = <const T extends string>(choices: readonly T[]): Setting<T> =>
  form((written) => choices.find((choice) => choice === written), `one of ${choices.join(', ')}`);

export interface Address {
  host: string;
  port: number;
}

/** `host:port`, with brackets round an IPv6 host; port 0 takes a free one. */
export const address = (): Setting<Address> =>
  form((written) => {
    const [, v6, name, digits] = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:/@[\]]+)):(\d{1,5})$/.exec(written) ?? [];
    const host = v6 ?? name;
    const port = Number(digits);
    return host !== undefined && port <= 65_535 ? { host, port } : undefined;
  }, 'host:port, such as 127.0.0.1:8094');

/** A URL of one of these schemes, as it was written but for slashes at its end. */
export const url = (...schemes: string[]): Setting<string> =>
  form(
    (written) => {
      const parsed = URL.canParse(written) ? new URL(written) : undefined;
      return parsed !== undefined && schemes.includes(parsed.protocol.slice(0, -1)) && parsed.hostname !== ''
        ? written.replace(/\/+$/, '')
        : undefined;
    },
    `a URL that begins with ${schemes.map((scheme) => `${scheme}://`).join(' or ')}`,
  );
