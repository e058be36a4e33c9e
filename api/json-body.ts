/**
 * Reads request bodies more strictly than JSON.parse, which takes the last of two equal keys, sets `__proto__`, and
 * passes on text that no store or neighbour can hold.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { GameMasterError } from '../domain/errors';
import { UnsupportedBody } from './errors';

const DEEPEST_NESTING = 64;

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Makes `application/json` in UTF-8 the only kind of body. An empty one is no body at all. */
export function acceptJsonOnly(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  acceptJsonAs(app, (parsed) => parsed);
}

/** Reads bodies as all others are read, and makes of them what `read` makes of the object and its bytes. */
export function acceptJsonAs(
  app: FastifyInstance,
  read: (parsed: object | undefined, bytes: Buffer) => unknown,
): void {
  app.removeContentTypeParser('application/json');
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, bytes: Buffer, done) => {
    try {
      requirePlainUtf8(request);
      done(null, read(parseJsonBody(bytes), bytes));
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
function parseJsonBody(bytes: Buffer): object | undefined {
  if (bytes.length === 0) return undefined;
  let text: string;
  let value: unknown;
  try {
    text = utf8.decode(bytes);
    value = JSON.parse(text);
  } catch (cause) {
    throw new GameMasterError('invalid_request', 'the body is not valid JSON in UTF-8', { cause });
  }
  // Also because Fastify says null for no body: a `null` that was sent could not be told from it.
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new GameMasterError('invalid_request', 'the body must be a JSON object');
  }
  checkText(text);
  return value;
}

function requirePlainUtf8(request: FastifyRequest): void {
  const encoding = request.headers['content-encoding'];
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') throw new UnsupportedBody();
  const charset = /;\s*charset\s*=\s*"?([^";\s]*)/i.exec(request.headers['content-type'] ?? '')?.[1];
  if (charset !== undefined && charset.toLowerCase() !== 'utf-8') throw new UnsupportedBody();
}

/** Walks over JSON that is known to be valid, so a string followed by a colon is a key. */
function checkText(text: string): void {
  const keysInScope: Set<string>[] = [];
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at];
    if (character === '{' || character === '[') {
      keysInScope.push(new Set());
      if (keysInScope.length > DEEPEST_NESTING) {
        throw new GameMasterError(
          'invalid_request',
          `the body is nested deeper than ${DEEPEST_NESTING} levels`,
        );
      }
    } else if (character === '}' || character === ']') {
      keysInScope.pop();
    } else if (character === '"') {
      const end = endOfString(text, at);
      const content = readString(text.slice(at, end + 1));
      if (isFollowedByColon(text, end + 1)) checkKey(content, keysInScope.at(-1));
      at = end;
    }
  }
}

function checkKey(key: string, seen: Set<string> | undefined): void {
  if (key === '__proto__') throw new GameMasterError('invalid_request', 'the body has a key __proto__');
  if (seen?.has(key)) {
    throw new GameMasterError('invalid_request', `the body has the key ${JSON.stringify(key)} twice`);
  }
  seen?.add(key);
}

function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); ; end = text.indexOf('"', end + 1)) {
    let backslashes = 0;
    while (text[end - 1 - backslashes] === '\\') backslashes += 1;
    if (backslashes % 2 === 0) return end;
  }
}

function readString(quoted: string): string {
  if (!quoted.includes('\\')) return quoted.slice(1, -1);
  const content = JSON.parse(quoted) as string;
  if (/\p{Surrogate}/u.test(content)) {
    throw new GameMasterError('invalid_request', 'the body has text that is not well-formed Unicode');
  }
  return content;
}

function isFollowedByColon(text: string, from: number): boolean {
  let at = from;
  while (at < text.length && ' \t\r\n'.includes(text.charAt(at))) at += 1;
  return text[at] === ':';
}
