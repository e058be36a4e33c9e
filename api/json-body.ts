/**
 * Reads request bodies more strictly than JSON.parse, which takes the last of two equal keys, sets `__proto__`, and
 * passes on text that no store or neighbour can hold.
 */
import { isUtf8 } from 'node:buffer';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { GameMasterError } from '../domain/errors';
import { UnsupportedBody } from './errors';

const DEEPEST_NESTING = 64;

/** Makes `application/json` in UTF-8 the only kind of body. An empty one is no body at all. */
export function acceptJsonOnly(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  acceptJsonAs(app, (parsed) => parsed);
}

/**
 * Reads bodies as all others are read, and makes of them what `read` makes of the object and its bytes. Deeper than
 * `ownLevels` a key may come twice: for what is passed on unread.
 */
export function acceptJsonAs(
  app: FastifyInstance,
  read: (parsed: object | undefined, bytes: Buffer) => unknown,
  ownLevels = DEEPEST_NESTING,
): void {
  app.removeContentTypeParser('application/json');
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, bytes: Buffer, done) => {
    try {
      requirePlainUtf8(request);
      done(null, read(parseJsonBody(bytes, ownLevels), bytes));
    } catch (error) {
      done(error as Error);
    }
  });
}

/**
 * The object in `bytes`, or undefined where there are none.
 *
 * @throws GameMasterError invalid_request
 */
function parseJsonBody(bytes: Buffer, ownLevels: number): object | undefined {
  if (bytes.length === 0) return undefined;
  let text: string;
  let value: unknown;
  try {
    if (!isUtf8(bytes)) throw new TypeError('not UTF-8');
    text = bytes.toString('utf8', startsWithMark(bytes) ? BYTE_ORDER_MARK.length : 0);
    value = JSON.parse(text);
  } catch (cause) {
    throw new GameMasterError('invalid_request', 'the body is not valid JSON in UTF-8', { cause });
  }
  // Also because Fastify says null for no body: a `null` that was sent could not be told from it.
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new GameMasterError('invalid_request', 'the body must be a JSON object');
  }
  checkText(text, ownLevels);
  return value;
}

/** RFC 8259, section 8.1, lets a reader ignore a byte order mark. */
function startsWithMark(bytes: Buffer): boolean {
  return BYTE_ORDER_MARK.equals(bytes.subarray(0, BYTE_ORDER_MARK.length));
}

function requirePlainUtf8(request: FastifyRequest): void {
  const encoding = request.headers['content-encoding'];
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') throw new UnsupportedBody();
  const charset = /;\s*charset\s*=\s*"?([^";\s]*)/i.exec(request.headers['content-type'] ?? '')?.[1];
  if (charset !== undefined && charset.toLowerCase() !== 'utf-8') throw new UnsupportedBody();
}

const BYTE_ORDER_MARK = Buffer.from('\ufeff');
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const OPENING_BRACKET = 0x5b;
const CLOSING_BRACKET = 0x5d;
const OPENING_BRACE = 0x7b;
const CLOSING_BRACE = 0x7d;
/** Tab, line feed, carriage return, space. */
const WHITESPACE: ReadonlySet<number> = new Set([0x09, 0x0a, 0x0d, 0x20]);

/** Walks over JSON that is known to be valid, so a string followed by a colon is a key. */
function checkText(text: string, ownLevels: number): void {
  // By scope; those of a scope without keys are never made.
  const keys: (Set<string> | undefined)[] = [];
  for (let at = 0; at < text.length; at += 1) {
    switch (text.charCodeAt(at)) {
      case OPENING_BRACE:
      case OPENING_BRACKET:
        if (keys.push(undefined) > DEEPEST_NESTING) {
          throw new GameMasterError(
            'invalid_request',
            `the body is nested deeper than ${DEEPEST_NESTING} levels`,
          );
        }
        break;
      case CLOSING_BRACE:
      case CLOSING_BRACKET:
        keys.pop();
        break;
      case QUOTE: {
        const end = endOfString(text, at);
        const content = readString(text.slice(at + 1, end));
        if (isFollowedByColon(text, end + 1)) {
          const scope = keys.length - 1;
          refusePrototype(content);
          if (scope < ownLevels) refuseRepetition(content, (keys[scope] ??= new Set()));
        }
        at = end;
      }
    }
  }
}

function refusePrototype(key: string): void {
  if (key === '__proto__') throw new GameMasterError('invalid_request', 'the body has a key __proto__');
}

function refuseRepetition(key: string, seen: Set<string>): void {
  if (seen.has(key)) {
    throw new GameMasterError('invalid_request', `the body has the key ${JSON.stringify(key)} twice`);
  }
  seen.add(key);
}

function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); ; end = text.indexOf('"', end + 1)) {
    let backslashes = 0;
    while (text.charCodeAt(end - 1 - backslashes) === BACKSLASH) backslashes += 1;
    if (backslashes % 2 === 0) return end;
  }
}

/** @param written what stands between the quotes */
function readString(written: string): string {
  if (!written.includes('\\')) return written;
  const content = JSON.parse(`"${written}"`) as string;
  if (/\p{Surrogate}/u.test(content)) {
    throw new GameMasterError('invalid_request', 'the body has text that is not well-formed Unicode');
  }
  return content;
}

function isFollowedByColon(text: string, from: number): boolean {
  let at = from;
  while (WHITESPACE.has(text.charCodeAt(at))) at += 1;
  return text.charCodeAt(at) === COLON;
}
