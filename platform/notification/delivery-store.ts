/** Where deliveries are kept, in Redis. Every change is one script, so that nothing is half done when a process dies. */
import type { Redis } from 'ioredis';
import { renewIfSilent } from '../service/redis';
import type { ChannelName } from './catalogue';
import { digest, type Delivery } from './deliveries';

/** What became of an intent; `conflicting` has the key of an earlier one that asked for something else. */
export type Acceptance = 'accepted' | 'duplicate' | 'conflicting';

export type DeliveryStatus = 'pending' | 'delivered' | 'rejected';

/** A delivery that this process has in hand. */
export interface Attempt extends Delivery {
  /** 1 for the first. */
  attempt: number;
}

export interface DeliveryView extends Delivery {
  status: DeliveryStatus;
  attempts: number;
  lastError: string | null;
  acceptedAtMs: number;
  nextAttemptAtMs: number | null;
  settledAtMs: number | null;
}

export interface DeliveryPage {
  deliveries: DeliveryView[];
  /** Where the next page begins; null on the last. */
  nextCursor: string | null;
}

export interface DeliveryStoreOptions {
  redis: Redis;
  /** Of all keys; they are in one slot of a cluster. */
  keyPrefix: string;
  /** How long a settled delivery and the key of its intent are remembered, in milliseconds. */
  retentionMs: number;
  /** How long an attempt may go without a word of its process until another takes it over, in milliseconds. */
  leaseMs: number;
}

/** In every script: makes what is known of a delivery last as long as the delivery itself. */
const REMEMBER = `
local function remember(prefix, intent, game, retention)
  for _, key in ipairs({intent, prefix .. 'deliveries', prefix .. 'deliveries:' .. game}) do
    redis.call('PEXPIRE', key, retention)
  end
end
`;

/**
 * KEYS: intent. ARGV: prefix, content, retention, now, game, then for each delivery a JSON list of its id, its channel
 * and its fields. The indexes sort by time and id; what is forgotten is removed from their old end as new ones come in.
 */
const ACCEPT = `${REMEMBER}
local known = redis.call('GET', KEYS[1])
if known then return known == ARGV[2] and 'duplicate' or 'conflicting' end
redis.call('SET', KEYS[1], ARGV[2])
local indexes = {ARGV[1] .. 'deliveries', ARGV[1] .. 'deliveries:' .. ARGV[5]}
for i = 6, #ARGV do
  local fields = cjson.decode(ARGV[i])
  local id = table.remove(fields, 1)
  local channel = table.remove(fields, 1)
  redis.call('HSET', ARGV[1] .. 'delivery:' .. id, 'intent', KEYS[1], unpack(fields))
  redis.call('ZADD', ARGV[1] .. 'due:' .. channel, ARGV[4], id)
  for _, index in ipairs(indexes) do redis.call('ZADD', index, 0, ARGV[4] .. '-' .. id) end
end
for _, index in ipairs(indexes) do
  for _, place in ipairs(redis.call('ZRANGE', index, 0, 2 * #ARGV)) do
    if redis.call('EXISTS', ARGV[1] .. 'delivery:' .. string.sub(place, 15)) == 0 then
      redis.call('ZREM', index, place)
    end
  end
end
remember(ARGV[1], KEYS[1], ARGV[5], ARGV[3])
return 'accepted'
`;

/** Hands out what is due, and makes it due again at the end of the lease. KEYS: due. ARGV: prefix, now, end of lease, how many, retention. */
const CLAIM = `${REMEMBER}
local claimed = {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[2], 'LIMIT', 0, ARGV[4])) do
  local key = ARGV[1] .. 'delivery:' .. id
  redis.call('ZADD', KEYS[1], ARGV[3], id)
  redis.call('HINCRBY', key, 'attempts', 1)
  local about = redis.call('HMGET', key, 'intent', 'game_id')
  remember(ARGV[1], about[1], about[2], ARGV[5])
  claimed[#claimed + 1] = redis.call('HGETALL', key)
end
return claimed
`;

/** Only the first word counts. KEYS: due. ARGV: prefix, id, status, now, error or '', retention. */
const SETTLE = `${REMEMBER}
if redis.call('ZREM', KEYS[1], ARGV[2]) == 0 then return 0 end
local key = ARGV[1] .. 'delivery:' .. ARGV[2]
redis.call('HSET', key, 'status', ARGV[3], 'settled_at_ms', ARGV[4], 'last_error', ARGV[5])
redis.call('PEXPIRE', key, ARGV[6])
local about = redis.call('HMGET', key, 'intent', 'game_id')
remember(ARGV[1], about[1], about[2], ARGV[6])
return 1
`;

/** KEYS: due. ARGV: prefix, id, time of the next attempt, error. */
const POSTPONE = `
if not redis.call('ZSCORE', KEYS[1], ARGV[2]) then return 0 end
redis.call('ZADD', KEYS[1], ARGV[3], ARGV[2])
redis.call('HSET', ARGV[1] .. 'delivery:' .. ARGV[2], 'last_error', ARGV[4])
return 1
`;

/** Every method throws while Redis is away; each may be repeated. */
export class DeliveryStore {
  private readonly redis: Redis;
  private readonly prefix: string;

  constructor(private readonly options: DeliveryStoreOptions) {
    this.redis = options.redis;
    this.prefix = `{${options.keyPrefix}}:`;
  }

  /** Takes in an intent with its deliveries, once for each key. `content` is what tells intents of one key apart. */
  accept(
    intent: { idempotencyKey: string; gameId: string; content: string },
    deliveries: readonly Delivery[],
  ): Promise<Acceptance> {
    return this.guarded(async () => {
      const now = Date.now().toString();
      return (await this.redis.eval(
        ACCEPT,
        1,
        `${this.prefix}intent:${digest(intent.idempotencyKey)}`,
        this.prefix,
        intent.content,
        this.options.retentionMs,
        now,
        intent.gameId,
        ...deliveries.map((delivery) =>
          JSON.stringify([delivery.id, delivery.channel, ...toFields(delivery, now)]),
        ),
      )) as Acceptance;
    });
  }

  /** Takes up to `most` deliveries in hand that are due. What is not settled or postponed in time comes again. */
  claim(channel: ChannelName, most: number): Promise<Attempt[]> {
    return this.guarded(async () => {
      const now = Date.now();
      const claimed = (await this.redis.eval(
        CLAIM,
        1,
        this.due(channel),
        this.prefix,
        now,
        now + this.options.leaseMs,
        most,
        this.options.retentionMs,
      )) as string[][];
      return claimed.map((flat) => {
        const fields = pairs(flat);
        return { ...fromFields(fields), attempt: Number(fields['attempts']) };
      });
    });
  }

  /** Says of deliveries in hand that they are being worked on. */
  keep(channel: ChannelName, ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return Promise.resolve();
    const until = Date.now() + this.options.leaseMs;
    return this.guarded(async () => {
      await this.redis.zadd(this.due(channel), 'XX', ...ids.flatMap((id) => [until, id]));
    });
  }

  /** There is nothing more to do for it. */
  settle(
    { id, channel }: Pick<Delivery, 'id' | 'channel'>,
    status: Exclude<DeliveryStatus, 'pending'>,
    error = '',
  ): Promise<void> {
    const args = [id, status, Date.now(), error, this.options.retentionMs];
    return this.guarded(async () => {
      await this.redis.eval(SETTLE, 1, this.due(channel), this.prefix, ...args);
    });
  }

  /** The attempt failed; the next one is in `delayMs`. */
  postpone({ id, channel }: Pick<Delivery, 'id' | 'channel'>, delayMs: number, error: string): Promise<void> {
    return this.guarded(async () => {
      await this.redis.eval(POSTPONE, 1, this.due(channel), this.prefix, id, Date.now() + delayMs, error);
    });
  }

  /** How many are not settled. */
  waiting(channel: ChannelName): Promise<number> {
    return this.guarded(() => this.redis.zcard(this.due(channel)));
  }

  /** The newest first, of one game or of all, after `cursor`. */
  list(options: { gameId?: string; cursor?: string; limit: number }): Promise<DeliveryPage> {
    const { gameId, cursor, limit } = options;
    return this.guarded(async () => {
      const index = `${this.prefix}deliveries${gameId === undefined ? '' : `:${gameId}`}`;
      const from = cursor === undefined ? '+' : `(${cursor}`;
      const places = await this.redis.zrevrangebylex(index, from, '-', 'LIMIT', 0, limit + 1);
      const page = places.slice(0, limit);
      const views = await Promise.all(page.map((place) => this.view(place.slice(14))));
      return {
        deliveries: views.filter((view) => view !== null),
        nextCursor: places.length > limit ? (page.at(-1) ?? null) : null,
      };
    });
  }

  private async view(id: string): Promise<DeliveryView | null> {
    const fields = await this.redis.hgetall(`${this.prefix}delivery:${id}`);
    // Forgotten since it was listed.
    if (fields['status'] === undefined) return null;
    const delivery = fromFields(fields);
    const due = await this.redis.zscore(this.due(delivery.channel), id);
    return {
      ...delivery,
      status: fields['status'] as DeliveryStatus,
      attempts: Number(fields['attempts']),
      lastError: fields['last_error'] || null,
      acceptedAtMs: Number(fields['accepted_at_ms']),
      nextAttemptAtMs: due === null ? null : Number(due),
      settledAtMs: fields['settled_at_ms'] ? Number(fields['settled_at_ms']) : null,
    };
  }

  private due(channel: ChannelName): string {
    return `${this.prefix}due:${channel}`;
  }

  private async guarded<T>(command: () => Promise<T>): Promise<T> {
    try {
      return await command();
    } catch (error) {
      renewIfSilent(this.redis, error);
      throw error;
    }
  }
}

function toFields(delivery: Delivery, acceptedAtMs: string): string[] {
  const fields: Record<string, string> = {
    delivery_id: delivery.id,
    idempotency_key: delivery.idempotencyKey,
    notification_type: delivery.notificationType,
    game_id: delivery.gameId,
    channel: delivery.channel,
    recipient: delivery.recipient,
    title: delivery.title,
    text: delivery.text,
    payload: delivery.payload,
    occurred_at_ms: delivery.occurredAtMs.toString(),
    accepted_at_ms: acceptedAtMs,
    status: 'pending' satisfies DeliveryStatus,
    attempts: '0',
  };
  return Object.entries(fields).flat();
}

function fromFields(fields: Readonly<Record<string, string>>): Delivery {
  const read = (name: string): string => fields[name] ?? '';
  return {
    id: read('delivery_id'),
    idempotencyKey: read('idempotency_key'),
    notificationType: read('notification_type'),
    gameId: read('game_id'),
    channel: read('channel') as ChannelName,
    recipient: read('recipient'),
    title: read('title'),
    text: read('text'),
    payload: read('payload'),
    occurredAtMs: Number(read('occurred_at_ms')),
  };
}

function pairs(flat: readonly string[]): Record<string, string> {
  return Object.fromEntries(flat.flatMap((name, i) => (i % 2 === 0 ? [[name, flat[i + 1] ?? '']] : [])));
}
