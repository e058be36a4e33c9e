import type { Redis } from 'ioredis';
import { ENGINE_HEALTH, type EngineHealth } from '../domain/engine-health';
import type { EngineWatch } from '../domain/health-events';

/** What is remembered between two entries, and of which registration of the game. */
export interface HealthState extends EngineWatch {
  registrationId: string;
}

/**
 * Replaces the hash if it is still the one that was read: every save brings a new entry id, so that tells. KEYS: hash.
 * ARGV: entry id that was read (empty: none), time to live in ms, fields…
 */
const SAVE = `
if (redis.call('HGET', KEYS[1], 'entry_id') or '') ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], unpack(ARGV, 3))
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
`;

/** Games of which nothing was heard for so long are over, or may begin anew. */
const KEEP_MS = 30 * 24 * 60 * 60 * 1000;

/** The health consumers' memory: a Redis hash for each game, beside the stream that it is about. */
export class HealthStateStore {
  constructor(
    private readonly redis: Redis,
    private readonly stream: string,
  ) {}

  async find(gameId: string): Promise<HealthState | null> {
    const hash = await this.redis.hgetall(this.key(gameId));
    const { entry_id: entryId } = hash;
    if (entryId === undefined) return null;
    return {
      registrationId: hash['registration_id'] ?? '',
      occurredAtMs: Number(hash['occurred_at_ms']),
      entryId,
      containerId: hash['container_id'] ?? null,
      seen: JSON.parse(hash['seen'] ?? '[]') as string[],
      failedProbes: Number(hash['failed_probes']),
      summary: toSummary(hash['summary']),
    };
  }

  /** Saves `next` in the place of what `find` had found. Returns false when another consumer was faster. */
  async save(gameId: string, found: HealthState | null, next: HealthState): Promise<boolean> {
    const fields = {
      registration_id: next.registrationId,
      occurred_at_ms: next.occurredAtMs,
      entry_id: next.entryId,
      seen: JSON.stringify(next.seen),
      failed_probes: next.failedProbes,
      ...(next.containerId !== null && { container_id: next.containerId }),
      ...(next.summary !== null && { summary: next.summary }),
    };
    const flat = Object.entries(fields).flat();
    return (await this.redis.eval(SAVE, 1, this.key(gameId), found?.entryId ?? '', KEEP_MS, ...flat)) === 1;
  }

  /** The braces keep it in the stream's slot of a cluster. */
  private key(gameId: string): string {
    return `{${this.stream}}:game:${gameId}`;
  }
}

function toSummary(text: string | undefined): EngineHealth | null {
  return ENGINE_HEALTH.find((summary) => summary === text) ?? null;
}
