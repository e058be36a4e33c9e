/** What requests may look like: openapi.yaml, written as checks. */
import type { IncomingMessage } from 'node:http';
import { EngineError } from './errors';

/** In bytes. More than Game Master's own limit, because it puts the actor beside a player's commands. */
export const BODY_LIMIT = 2 * 1024 * 1024;

// Not control, invisible, line-breaking and direction-changing characters, nor halves of surrogate pairs.
const RACE_NAME =
  // eslint-disable-next-line no-control-regex -- that they are refused is the point
  /^[^\u0000-\u001f\u007f-\u009f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]{1,64}$/u;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The body as JSON. @throws EngineError `invalid_request` with status 400, 413 or 415 */
export async function readJson(request: IncomingMessage): Promise<unknown> {
  const mediaType = request.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase();
  if (mediaType !== 'application/json') throw invalid('the body must be application/json', 415);
  const bytes = await readBytes(request);
  try {
    return JSON.parse(utf8.decode(bytes));
  } catch {
    throw invalid('the body is not JSON in UTF-8');
  }
}

/** What comes after the limit is read too, and thrown away: else the client would never get to the answer. */
function readBytes(request: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length <= BODY_LIMIT) chunks.push(chunk);
      else reject(invalid(`the body is longer than ${BODY_LIMIT} bytes`, 413));
    });
    request.on('end', () => {
      resolve(Buffer.concat(chunks));
    });
    request.on('error', () => {
      reject(invalid('the body was cut off'));
    });
  });
}

/** `InitRequest`: the names of the races. */
export function parseInit(body: unknown): string[] {
  const { races } = fieldsOf(body, 'the body', ['races']);
  if (!Array.isArray(races) || races.length < 1 || races.length > 200) {
    throw invalid('races must be a list of 1 to 200');
  }
  const names = races.map((race, index) => {
    const where = `races[${index}]`;
    return raceName(fieldsOf(race, where, ['race_name']).race_name, `${where}.race_name`);
  });
  if (new Set(names).size < names.length) throw invalid('races must have different names');
  return names;
}

/** `BanishRequest`: the name of the race. */
export function parseBanish(body: unknown): string {
  return raceName(fieldsOf(body, 'the body', ['race_name']).race_name, 'race_name');
}

/** `CommandRequest`. */
export function parseCommands(body: unknown): { actor: string; cmd: unknown[] } {
  const { actor, cmd } = fieldsOf(body, 'the body', ['actor', 'cmd']);
  if (!Array.isArray(cmd) || cmd.length > 1000 || !cmd.every(isObject)) {
    throw invalid('cmd must be a list of at most 1000 objects');
  }
  return { actor: raceName(actor, 'actor'), cmd };
}

/** The query of a report. */
export function parseReportQuery(search: string): { player: string; turn: number } {
  const query = new URLSearchParams(search);
  for (const name of query.keys()) {
    if (name !== 'player' && name !== 'turn') throw invalid(`unknown parameter "${name}"`);
    if (query.getAll(name).length > 1) throw invalid(`${name} is given more than once`);
  }
  const turn = query.get('turn') ?? '';
  if (!/^(0|[1-9][0-9]{0,9})$/.test(turn) || Number(turn) > 2147483647) {
    throw invalid('turn must be digits without a sign or leading zeros');
  }
  return { player: raceName(query.get('player'), 'player'), turn: Number(turn) };
}

/** The turn an `If-Match` header names; undefined when there is no header. */
export function parseIfMatch(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  const turn = /^"(0|[1-9][0-9]{0,14})"$/.exec(header)?.[1];
  if (turn === undefined) throw invalid('If-Match must be one turn in double quotes');
  return Number(turn);
}

function raceName(value: unknown, where: string): string {
  if (typeof value !== 'string' || !RACE_NAME.test(value)) {
    throw invalid(`${where} must be 1 to 64 printable characters`);
  }
  return value;
}

/** The fields of an object that has these and no others. */
function fieldsOf<Name extends string>(value: unknown, where: string, names: Name[]): Record<Name, unknown> {
  if (!isObject(value)) throw invalid(`${where} must be an object`);
  for (const name of Object.keys(value)) {
    if (!(names as string[]).includes(name)) throw invalid(`unknown field "${name}" in ${where}`);
  }
  for (const name of names) {
    if (!Object.hasOwn(value, name)) throw invalid(`${where} must have ${name}`);
  }
  return value as Record<Name, unknown>;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function invalid(message: string, status?: number): EngineError {
  return new EngineError('invalid_request', message, status);
}
