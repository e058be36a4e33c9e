/** Signals come from people too: their arguments are checked as the front door checks a body. */
import { CALLERS, type OperationSource } from '../domain/operation';
import { isStorableText, storableText } from '../domain/text';
import type { CallIdentity, CallKind } from './messages';

/** The one field that each signal's argument has, and how long its text may be. */
const FIELDS = {
  force: null,
  stop: { name: 'reason', longest: 500 },
  patch: { name: 'version', longest: 256 },
  banish: { name: 'race_name', longest: 64 },
} as const satisfies Record<Exclude<CallKind, 'register'>, { name: string; longest: number } | null>;

/** What is wrong with the argument of a signal, or null. */
export function bodyProblem(kind: keyof typeof FIELDS, body: unknown): string | null {
  const field = FIELDS[kind];
  if (field === null) {
    if (body === undefined || body === null) return null;
    return isObject(body) ? unknownField(body, []) : 'the argument must be an object without fields';
  }
  if (!isObject(body)) return `the argument must be {"${field.name}": "..."}`;
  const value = body[field.name];
  if (typeof value !== 'string' || !isTextOf(value, field.longest)) {
    return `${field.name} must be a text of 1 to ${field.longest} characters`;
  }
  return unknownField(body, [field.name]);
}

/** Counts characters as the front door does. */
function isTextOf(text: string, longest: number): boolean {
  const { length } = Array.from(text);
  return length >= 1 && length <= longest && isStorableText(text);
}

/** What the front door lets through (api/headers.ts), and what it makes of a body. */
const KEY = /^[!-~]{1,128}$/;
const HASH = /^[!-~]{1,64}$/;
const ACTOR = /^[ -~]{1,128}$/;

/** The front door names itself in the second argument; a person at the Temporal UI does not. */
export function identityOf(sender: unknown): CallIdentity | null {
  if (!isObject(sender)) return null;
  const { key, hash, source, actor } = sender;
  if (!isTextLike(KEY, key) || !isTextLike(HASH, hash)) return null;
  return {
    key,
    hash,
    source: (CALLERS as readonly unknown[]).includes(source) ? (source as OperationSource) : null,
    actor: isTextLike(ACTOR, actor) ? actor : null,
  };
}

function unknownField(body: Record<string, unknown>, known: readonly string[]): string | null {
  const unknown = Object.keys(body).find((field) => !known.includes(field));
  return unknown === undefined ? null : storableText(`unknown field ${unknown}`);
}

function isTextLike(pattern: RegExp, value: unknown): value is string {
  return typeof value === 'string' && pattern.test(value);
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
