/** What publishers and readers of Redis Streams share: the form of entries, and the place for those nobody understands. */
import type { Redis } from 'ioredis';
import { renewIfSilent } from './redis';

/** An entry of a stream. */
export interface StreamEntry {
  /** `<milliseconds>-<sequence>` */
  id: string;
  /** Flat fields of text; of a name that comes twice the last one counts. */
  fields: Record<string, string>;
}

/** Thrown by who handles an entry that cannot be understood, now or later. The message says what is wrong with it. */
export class MalformedEntry extends Error {
  override readonly name = 'MalformedEntry';
}

/**
 * Adds an entry of flat text fields; the stream is trimmed to about `maxLength`. Throws when the entry is not known to
 * have arrived: it may stand there all the same, so that readers have to tell a repetition from news.
 */
export async function publish(
  redis: Redis,
  stream: string,
  fields: Readonly<Record<string, string>>,
  maxLength: number,
): Promise<void> {
  try {
    await redis.xadd(stream, 'MAXLEN', '~', maxLength, '*', ...Object.entries(fields).flat());
  } catch (error) {
    renewIfSilent(redis, error);
    throw error;
  }
}

/** Where the entries of `stream` go that nobody can understand, with `entry_id` and `reason` beside their own fields. */
export function deadLetterStream(stream: string): string {
  return `${stream}:dead`;
}

/** The fields of a dead letter, flat. */
export function deadLetter({ id, fields }: StreamEntry, reason: string): string[] {
  return Object.entries({ ...fields, entry_id: id, reason }).flat();
}

/** An entry as Redis answers it; one that was trimmed away while it waited has no fields. */
export type RawEntry = [id: string, fields: string[] | null] | null;

export function toEntries(raw: readonly RawEntry[]): StreamEntry[] {
  return raw.flatMap((entry) => {
    if (!entry?.[1]) return [];
    const [id, flat] = entry;
    const pairs = flat.flatMap((name, i) => (i % 2 === 0 ? [[name, flat[i + 1] ?? '']] : []));
    return [{ id, fields: Object.fromEntries(pairs) as Record<string, string> }];
  });
}

/** Less than 0 when entry `a` stands before `b`. Ids are two numbers: as texts they would be in another order. */
export function compareIds(a: string, b: string): number {
  const [aMs = 0, aSeq = 0] = a.split('-').map(Number);
  const [bMs = 0, bSeq = 0] = b.split('-').map(Number);
  return aMs - bMs || aSeq - bSeq;
}

/** For log lines: the game that an entry is about, in a field of its own or in its payload. */
export function gameOf({ fields }: StreamEntry): { game_id?: string } {
  const own = fields['game_id'];
  if (own !== undefined) return { game_id: own };
  try {
    const { game_id } = JSON.parse(fields['payload'] ?? '') as { game_id?: unknown };
    return typeof game_id === 'string' ? { game_id } : {};
  } catch {
    return {};
  }
}
