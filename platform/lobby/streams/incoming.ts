/** What the three streams that Lobby reads have in common: an entry takes effect once, together with the position. */
import type { Redis } from 'ioredis';
import { z } from 'zod';
import type { Logger } from '../../service/logging';
import type { ServiceMetrics } from '../../service/metrics';
import { compareIds, MalformedEntry, type StreamEntry } from '../../service/stream';
import { StreamFollower } from '../../service/stream-follower';
import type { Changes } from '../operations/changes';
import { isOwnFault, refusesValues, type Database, type Queries } from '../stores/postgres';
import { findPosition, movePosition } from '../stores/stream-positions';

/** How the entries of one stream are understood, and what they do. */
export interface Incoming<Message> {
  stream: string;
  /** @throws MalformedEntry */
  read: (fields: StreamEntry['fields']) => Message;
  /** In the transaction that moves the position. */
  apply: (queries: Queries, message: Message) => Promise<void>;
  /** Where entries may be gone unread: finds out in another way what they told. */
  missed?: () => Promise<void>;
}

export interface FollowerParts {
  database: Database;
  changes: Changes;
  redisUrl: string;
  /** Dead letters that are kept. */
  maxLength: number;
  log: Logger;
  metrics: Pick<ServiceMetrics, 'streamEntries'>;
}

/** Follows one stream until `stopping` is aborted. Never rejects. */
export function follow<Message>(
  { stream, read, apply, missed }: Incoming<Message>,
  { database, changes, ...parts }: FollowerParts,
  stopping: AbortSignal,
): Promise<void> {
  return new StreamFollower({
    ...parts,
    stream,
    missed,
    position: () => findPosition(database, stream),
    handle: async ({ id, fields }) => {
      const message = read(fields);
      await changes.make(async (queries) => {
        if (!(await movePosition(queries, stream, id))) return;
        await apply(queries, message).catch((error: unknown) => {
          if (isOwnFault(error))
            parts.log.error({ err: error, stream, entry_id: id }, 'an entry cannot be taken in');
          throw orMalformed(error);
        });
      });
    },
    skip: async ({ id }) => {
      await changes.make((queries) => movePosition(queries, stream, id));
    },
  }).run(stopping);
}

/** Whether every entry of a stream has taken effect. @throws while Redis or Postgres is away */
export async function isReadToItsEnd(redis: Redis, database: Queries, stream: string): Promise<boolean> {
  const [last] = await redis.xrevrange(stream, '+', '-', 'COUNT', 1);
  const position = await findPosition(database, stream);
  return last === undefined || (position !== null && compareIds(last[0], position) <= 0);
}

/** One entry that fails however often it is tried would hold up those of all games behind it: it is put aside. */
function orMalformed(error: unknown): unknown {
  if (refusesValues(error)) return new MalformedEntry(`it cannot be stored: ${error.message}`);
  return isOwnFault(error) ? new MalformedEntry(`it cannot be taken in: ${String(error)}`) : error;
}

/** @throws MalformedEntry where the fields are not as the schema has them; fields that it does not have are ignored */
export function understand<Schema extends z.ZodType>(schema: Schema, fields: unknown): z.output<Schema> {
  const read = schema.safeParse(fields);
  if (!read.success) throw new MalformedEntry(z.prettifyError(read.error));
  return read.data;
}

/** A field that holds JSON. @throws MalformedEntry */
export function parseJson(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    throw new MalformedEntry('the payload is not JSON');
  }
}

/** Digits that fit into a number. */
export const integerText = z
  .string()
  .regex(/^[0-9]{1,15}$/)
  .transform(Number);

/** Text that Postgres can store: all but NUL. */
export const storableText = (maxLength: number) =>
  z
    .string()
    .min(1)
    .max(maxLength)
    .regex(/^[^\0]*$/);

export const gameIdText = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/);
export const userIdText = z.string().regex(/^[A-Za-z0-9_.:@-]{1,128}$/);
