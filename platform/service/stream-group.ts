/** Redis' consumer group as one consumer of it sees it. Every method throws while Redis is away. */
import type { Redis } from 'ioredis';
import { deadLetter, deadLetterStream, toEntries, type RawEntry, type StreamEntry } from './stream';

/**
 * Removes consumers that hold no entry: the given one, and those that have been idle for long. One script, because an
 * entry that reached a consumer in between would be lost. KEYS: stream. ARGV: group, consumer, idle milliseconds.
 */
const FORGET_CONSUMERS = `
for _, info in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])) do
  local about = {}
  for i = 1, #info, 2 do about[info[i]] = info[i + 1] end
  if about.pending == 0 and (about.name == ARGV[2] or about.idle > tonumber(ARGV[3])) then
    redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], about.name)
  end
end
return 1
`;

/** Says of entries in hand that they are being worked on, unless they are somebody else's. KEYS: stream. ARGV: group, consumer, ids… */
const KEEP = `
for i = 3, #ARGV do
  local held = redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[i], ARGV[i], 1)[1]
  if held and held[2] == ARGV[2] then
    redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, ARGV[i], 'JUSTID')
  end
end
return 1
`;

/**
 * Whether an earlier entry with the same text in a field is still to be settled, whoever holds it. KEYS: stream. ARGV:
 * group, id of the entry, field, text, how many to look through.
 */
const HAS_EARLIER = `
for _, held in ipairs(redis.call('XPENDING', KEYS[1], ARGV[1], '-', '(' .. ARGV[2], ARGV[5])) do
  local entry = redis.call('XRANGE', KEYS[1], held[1], held[1])[1]
  local fields = entry and entry[2] or {}
  for i = 1, #fields, 2 do
    if fields[i] == ARGV[3] and fields[i + 1] == ARGV[4] then return 1 end
  end
end
return 0
`;

/**
 * What a group has not settled with a text in a field, in stream order: first what was delivered, then what was not. Only
 * what is in the hands of consumers is limited, and the stream's own length limits the rest. KEYS: stream. ARGV: group,
 * field, text, how many of those in hand.
 */
const UNSETTLED = `
if redis.call('EXISTS', KEYS[1]) == 0 then return {} end
local found = {}
local function look(entries)
  for _, entry in ipairs(entries) do
    for i = 1, #entry[2], 2 do
      if entry[2][i] == ARGV[2] and entry[2][i + 1] == ARGV[3] then table.insert(found, entry) end
    end
  end
end
local last = '0-0'
for _, info in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
  local about = {}
  for i = 1, #info, 2 do about[info[i]] = info[i + 1] end
  if about.name == ARGV[1] then
    last = about['last-delivered-id']
    for _, held in ipairs(redis.call('XPENDING', KEYS[1], ARGV[1], '-', '+', ARGV[4])) do
      look(redis.call('XRANGE', KEYS[1], held[1], held[1]))
    end
  end
end
look(redis.call('XRANGE', KEYS[1], '(' .. last, '+'))
return found
`;

/** Puts an entry aside, once. KEYS: stream, dead-letter stream. ARGV: group, id, length, fields… */
const BURY = `
if redis.call('XACK', KEYS[1], ARGV[1], ARGV[2]) == 0 then return 0 end
redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[3], '*', unpack(ARGV, 4))
return 1
`;

/** A consumer without entries that did nothing for so long is gone. */
const FORGET_AFTER_MS = 60 * 60 * 1_000;
/** With more than this unsettled the oldest decide, which are taken up first. */
const MOST_EARLIER = 1_000;
/** Longest wait for an entry. */
export const BLOCK_MS = 500;

export interface StreamGroupOptions {
  /** For reading, which blocks it: nothing else may use it. */
  reading: Redis;
  /** For everything else. */
  redis: Redis;
  stream: string;
  group: string;
  /** Unique for each process. */
  consumer: string;
  /** An entry that its consumer has not spoken of for so long is somebody else's. */
  claimAfterMs: number;
  /** The dead-letter stream keeps about this many entries. */
  maxLength: number;
}

export class StreamGroup {
  private claimFrom = '0-0';

  constructor(private readonly options: StreamGroupOptions) {}

  /** Makes the group if there is none, from the stream's first entry on, and forgets consumers that are long gone. */
  async open(): Promise<void> {
    const { redis, stream, group } = this.options;
    try {
      await redis.xgroup('CREATE', stream, group, '0', 'MKSTREAM');
    } catch (error) {
      if (!isReply(error, 'BUSYGROUP')) throw error;
    }
    await this.forget('');
  }

  /** Whether an error says that the group is gone, as after a loss of all data: `open` makes it anew. */
  static isGone(error: unknown): boolean {
    return isReply(error, 'NOGROUP');
  }

  /** Some entries whose consumers are dead. Goes through all that are unsettled bit by bit. */
  async claim(most: number): Promise<StreamEntry[]> {
    const { redis, stream, group, consumer, claimAfterMs } = this.options;
    const [next, entries] = (await redis.xautoclaim(
      stream,
      group,
      consumer,
      claimAfterMs,
      this.claimFrom,
      'COUNT',
      most,
    )) as [string, RawEntry[]];
    this.claimFrom = next;
    return toEntries(entries);
  }

  /** New entries, in stream order; none when none came in half a second. */
  async read(most: number): Promise<StreamEntry[]> {
    const { reading, stream, group, consumer } = this.options;
    const reply = await reading.xreadgroup(
      'GROUP',
      group,
      consumer,
      'COUNT',
      most,
      'BLOCK',
      BLOCK_MS,
      'STREAMS',
      stream,
      '>',
    );
    return toEntries(reply?.[0]?.[1] ?? []);
  }

  /** Keeps these entries from being claimed by others. */
  async keep(ids: readonly string[]): Promise<void> {
    const { redis, stream, group, consumer } = this.options;
    if (ids.length > 0) await redis.eval(KEEP, 1, stream, group, consumer, ...ids);
  }

  /** Whether an entry with the same text in `field` is to be settled before this one. */
  async hasEarlier({ id, fields }: StreamEntry, field: string): Promise<boolean> {
    const { redis, stream, group } = this.options;
    return (
      (await redis.eval(HAS_EARLIER, 1, stream, group, id, field, fields[field] ?? '', MOST_EARLIER)) === 1
    );
  }

  async acknowledge({ id }: StreamEntry): Promise<void> {
    await this.options.redis.xack(this.options.stream, this.options.group, id);
  }

  /** Puts an entry aside that nobody can understand, once, with the reason. */
  async bury(entry: StreamEntry, reason: string): Promise<void> {
    const { redis, stream, group, maxLength } = this.options;
    const dead = deadLetterStream(stream);
    await redis.eval(BURY, 2, stream, dead, group, entry.id, maxLength, ...deadLetter(entry, reason));
  }

  /** Leaves the group, unless entries are still ours: those are claimed by the others. */
  async leave(): Promise<void> {
    await this.forget(this.options.consumer);
  }

  private async forget(consumer: string): Promise<void> {
    const { redis, stream, group } = this.options;
    await redis.eval(FORGET_CONSUMERS, 1, stream, group, consumer, FORGET_AFTER_MS);
  }
}

/** The entries with `text` in `field` that `group` has not settled, whether they were delivered or not, in stream order. */
export async function unsettled(
  redis: Redis,
  { stream, group, field, text }: { stream: string; group: string; field: string; text: string },
): Promise<StreamEntry[]> {
  return toEntries((await redis.eval(UNSETTLED, 1, stream, group, field, text, MOST_EARLIER)) as RawEntry[]);
}

function isReply(error: unknown, code: string): boolean {
  return error instanceof Error && error.message.startsWith(code);
}
