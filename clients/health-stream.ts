import type { Redis } from 'ioredis';

/** An entry that is ours to settle: acknowledged or buried, else another consumer gets it after a while. */
export interface HealthEntry {
  id: string;
  /** Flat fields of text; of a name that comes twice the last one counts. */
  fields: Record<string, string>;
}

export interface HealthStreamOptions {
  /** A connection that nothing else uses: reading blocks it. */
  redis: Redis;
  stream: string;
  /** Unique for each process. */
  consumer: string;
  /** The dead-letter stream is trimmed to about this many entries. */
  maxLength: number;
}

const GROUP = 'gamemaster';
/** Entries at a time. */
const BATCH = 32;
/** Longest wait for an entry. Also bounds how long an idle consumer takes to end. */
const BLOCK_MS = 1_000;
/** An entry that was handed out and not settled for so long is somebody else's: its consumer is dead, or it failed. */
const CLAIM_AFTER_MS = 5_000;
/** A consumer without entries that did nothing for so long is gone. */
const FORGET_AFTER_MS = 60 * 60 * 1000;

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

/**
 * Whether an earlier entry of the same game is still to be settled, whoever holds it. KEYS: stream. ARGV: group, id
 * of the entry, game, how many to look through.
 */
const HAS_EARLIER = `
for _, held in ipairs(redis.call('XPENDING', KEYS[1], ARGV[1], '-', '(' .. ARGV[2], ARGV[4])) do
  local entry = redis.call('XRANGE', KEYS[1], held[1], held[1])[1]
  local fields = entry and entry[2] or {}
  for i = 1, #fields, 2 do
    if fields[i] == 'game_id' and fields[i + 1] == ARGV[3] then return 1 end
  end
end
return 0
`;
/** With more than this unsettled the oldest ones decide, which are taken up first. */
const MOST_EARLIER = 1_000;

/** Runtime Manager's reports on engines, as one consumer of the group sees them. Every method throws while Redis is away. */
export class HealthStream {
  private claimFrom = '0-0';

  constructor(private readonly options: HealthStreamOptions) {}

  /** Makes the group if there is none, from the stream's first entry on, and forgets consumers that are long gone. */
  async open(): Promise<void> {
    const { redis, stream } = this.options;
    try {
      await redis.xgroup('CREATE', stream, GROUP, '0', 'MKSTREAM');
    } catch (error) {
      if (!isReply(error, 'BUSYGROUP')) throw error;
    }
    await this.forget('');
  }

  /** Entries that others left behind, or that failed here. Goes through all of them bit by bit. */
  async claim(): Promise<HealthEntry[]> {
    const { redis, stream, consumer } = this.options;
    const reply = await redis.xautoclaim(
      stream,
      GROUP,
      consumer,
      CLAIM_AFTER_MS,
      this.claimFrom,
      'COUNT',
      BATCH,
    );
    const [next, entries] = reply as [string, RawEntry[]];
    this.claimFrom = next;
    return toEntries(entries);
  }

  /** New entries, in stream order; none when none came for a second. */
  async read(): Promise<HealthEntry[]> {
    const { redis, stream, consumer } = this.options;
    const reply = await redis.xreadgroup(
      'GROUP',
      GROUP,
      consumer,
      'COUNT',
      BATCH,
      'BLOCK',
      BLOCK_MS,
      'STREAMS',
      stream,
      '>',
    );
    return toEntries(reply?.[0]?.[1] ?? []);
  }

  /** Whether something of the game is to be settled before this entry: another consumer, or a failure, may hold it. */
  async hasEarlier({ id }: HealthEntry, gameId: string): Promise<boolean> {
    const { redis, stream } = this.options;
    return (await redis.eval(HAS_EARLIER, 1, stream, GROUP, id, gameId, MOST_EARLIER)) === 1;
  }

  async acknowledge({ id }: HealthEntry): Promise<void> {
    await this.options.redis.xack(this.options.stream, GROUP, id);
  }

  /** Puts an entry aside that nobody can understand, with the reason. Twice, at worst, but not never. */
  async bury(entry: HealthEntry, reason: string): Promise<void> {
    const { redis, stream, maxLength } = this.options;
    const fields = { ...entry.fields, entry_id: entry.id, reason };
    await redis.xadd(`${stream}:dead`, 'MAXLEN', '~', maxLength, '*', ...Object.entries(fields).flat());
    await this.acknowledge(entry);
  }

  /** Leaves the group, unless entries are still ours: those are claimed by the others. */
  async leave(): Promise<void> {
    await this.forget(this.options.consumer);
  }

  /** Whether an error says that the group is gone, as after a loss of all data: `open` makes it anew. */
  static isGroupGone(error: unknown): boolean {
    return isReply(error, 'NOGROUP');
  }

  private async forget(consumer: string): Promise<void> {
    const { redis, stream } = this.options;
    await redis.eval(FORGET_CONSUMERS, 1, stream, GROUP, consumer, FORGET_AFTER_MS);
  }
}

type RawEntry = [id: string, fields: string[] | null] | null;

/** An entry that was trimmed off the stream while it waited has no fields: there is nothing to settle. */
function toEntries(raw: readonly RawEntry[]): HealthEntry[] {
  return raw.flatMap((entry) => {
    if (!entry?.[1]) return [];
    const [id, flat] = [entry[0], entry[1]];
    const pairs = flat.flatMap((name, i) => (i % 2 === 0 ? [[name, flat[i + 1] ?? '']] : []));
    return [{ id, fields: Object.fromEntries(pairs) as Record<string, string> }];
  });
}

function isReply(error: unknown, code: string): boolean {
  return error instanceof Error && error.message.startsWith(code);
}
