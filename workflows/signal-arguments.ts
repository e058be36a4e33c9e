/** Signals come from people too: their arguments are checked as the front door checks a body. */
import { CALLERS, type OperationSource } from '../domain/operation';
import type { CallIdentity } from './messages';

const LONGEST_REASON = 500;

/** What is wrong with the argument of `force-next-turn`, or null. */
export function forceBodyProblem(body: unknown): string | null {
  if (body === undefined || body === null) return null;
  if (!isObject(body)) return 'the argument must be an object without fields';
  return unknownField(body, []);
}

/** What is wrong with the argument of `stop`, or null. */
export function stopBodyProblem(body: unknown): string | null {
  if (!isObject(body)) return 'the argument must be {"reason": "..."}';
  const { reason } = body;
  if (typeof reason !== 'string' || reason.length === 0 || reason.length > LONGEST_REASON) {
    return `reason must be a text of 1 to ${LONGEST_REASON} characters`;
  }
  return unknownField(body, ['reason']);
}

/** The front door names itself in the second argument; a person at the Temporal UI does not. */
export function identityOf(sender: unknown): CallIdentity | null {
  if (!isObject(sender)) return null;
  const { key, hash, source, actor } = sender;
  if (typeof key !== 'string' || typeof hash !== 'string') return null;
  return {
    key,
    hash,
    source: (CALLERS as readonly unknown[]).includes(source) ? (source as OperationSource) : null,
    actor: typeof actor === 'string' ? actor : null,
  };
}

function unknownField(body: Record<string, unknown>, known: readonly string[]): string | null {
  const unknown = Object.keys(body).find((field) => !known.includes(field));
  return unknown === undefined ? null : `unknown field ${unknown}`;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
