import type { Redis } from 'ioredis';
import { renewIfSilent } from '../service/redis';
import type { Channel } from './channel';
import type { Delivery } from './deliveries';

/** Adds the entry unless this delivery was added before. KEYS: stream, mark. ARGV: retention, length, fields… */
const ADD_ONCE = `
if not redis.call('SET', KEYS[2], '1', 'NX', 'PX', ARGV[1]) then return 0 end
redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[2], '*', unpack(ARGV, 3))
return 1
`;

export interface PushLogOptions {
  redis: Redis;
  stream: string;
  /** The stream keeps about this many entries. */
  maxLength: number;
  /** How long it is remembered that a delivery is in the log, in milliseconds. */
  retentionMs: number;
}

/**
 * The channel `push`: a log, as a Redis Stream, of what is to be shown to whom, each delivery once. It stands where
 * a push provider would be called, and is what local developers and a gateway of theirs read.
 */
export class PushLog implements Channel {
  constructor(private readonly options: PushLogOptions) {}

  async deliver(delivery: Delivery): Promise<void> {
    const { redis, stream, maxLength, retentionMs } = this.options;
    const fields = {
      delivery_id: delivery.id,
      user_id: delivery.recipient,
      notification_type: delivery.notificationType,
      game_id: delivery.gameId,
      title: delivery.title,
      text: delivery.text,
      payload: delivery.payload,
      occurred_at_ms: delivery.occurredAtMs.toString(),
    };
    // The braces keep both keys in one slot of a cluster.
    const mark = `{${stream}}:sent:${delivery.id}`;
    try {
      await redis.eval(ADD_ONCE, 2, stream, mark, retentionMs, maxLength, ...Object.entries(fields).flat());
    } catch (error) {
      renewIfSilent(redis, error);
      throw error;
    }
  }
}
