/**
 * What the entries of the health stream mean for a game: which are news, what they say of its engine, and which of
 * them its workflow has to hear. Arrival on the stream is not the order of truth: the time of occurrence is.
 */
import type { EngineHealth } from './engine-health';

/** What each event says of the engine. */
const SUMMARIES = {
  healthy: 'healthy',
  container_started: 'healthy',
  probe_recovered: 'healthy',
  probe_failed: 'probe_failed',
  inspect_unhealthy: 'inspect_unhealthy',
  container_exited: 'exited',
  container_oom: 'oom',
  container_disappeared: 'disappeared',
} as const satisfies Record<string, EngineHealth>;

export type HealthEventType = keyof typeof SUMMARIES;

export interface HealthEvent {
  gameId: string;
  containerId: string;
  type: HealthEventType;
  /** Epoch milliseconds. */
  occurredAtMs: number;
}

/** An entry that cannot be understood; `message` says why. */
export class MalformedHealthEvent extends Error {
  override readonly name = 'MalformedHealthEvent';
}

/** Hosts' clocks are within a second of each other. An entry from beyond this would make all true ones look old. */
const MOST_AHEAD_MS = 24 * 60 * 60 * 1000;

/**
 * Reads the fields of an entry: RuntimeHealthEventEntry of api/runtime-events-asyncapi.yaml. `details` is of no use
 * here, but has to be what the contract says; fields that are not known are ignored.
 * @throws MalformedHealthEvent
 */
export function parseHealthEvent(fields: Readonly<Record<string, string>>, now: number): HealthEvent {
  const {
    game_id: gameId = '',
    container_id: containerId = '',
    event_type: type = '',
    occurred_at_ms: occurredAt = '',
    details,
  } = fields;
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(gameId)) throw new MalformedHealthEvent('game_id is not a game id');
  if (!/^.{1,256}$/su.test(containerId)) {
    throw new MalformedHealthEvent('container_id must be a text of 1 to 256 characters');
  }
  if (!isType(type)) throw new MalformedHealthEvent('event_type is not known');
  if (!/^\d{1,15}$/.test(occurredAt)) {
    throw new MalformedHealthEvent('occurred_at_ms is not a number of milliseconds');
  }
  if (Number(occurredAt) > now + MOST_AHEAD_MS) {
    throw new MalformedHealthEvent('occurred_at_ms lies in the future');
  }
  if (details !== undefined && !isJson(details)) throw new MalformedHealthEvent('details is not JSON');
  return { gameId, containerId, type, occurredAtMs: Number(occurredAt) };
}

/** What is remembered of a game's engine between two entries. */
export interface EngineWatch {
  /** Time and id of the last entry that was taken in. */
  occurredAtMs: number;
  entryId: string;
  /** The container that was started last: others are the past. Null before any was. */
  containerId: string | null;
  /** Type and container of what was taken in of this very time: its repetitions are known by it. */
  seen: readonly string[];
  /** How many probes have failed in a row. */
  failedProbes: number;
  /** What the entries so far say; null as long as they say nothing. */
  summary: EngineHealth | null;
}

export type Judgement =
  { fate: 'stale' | 'duplicate' } | { fate: 'news'; watch: EngineWatch; says: EngineHealth | null };

const MOST_SEEN = 32;

/**
 * Judges an entry by what is remembered of the game. News come with what to remember now, and with what the entry
 * says of the engine: null for a failed probe below the threshold.
 */
export function judge(
  known: EngineWatch | null,
  event: HealthEvent,
  entryId: string,
  probeThreshold: number,
): Judgement {
  const started = event.type === 'container_started';
  const mark = `${event.type} ${event.containerId}`;
  const sameTime = known?.occurredAtMs === event.occurredAtMs;
  if (known) {
    if (sameTime && known.seen.includes(mark)) return { fate: 'duplicate' };
    if (!isNewer({ occurredAtMs: event.occurredAtMs, entryId }, known)) return { fate: 'stale' };
    if (!started && known.containerId !== null && known.containerId !== event.containerId) {
      return { fate: 'stale' };
    }
  }
  const failedProbes = event.type === 'probe_failed' ? (known?.failedProbes ?? 0) + 1 : 0;
  const belowThreshold = failedProbes > 0 && failedProbes < probeThreshold;
  const says = belowThreshold ? null : SUMMARIES[event.type];
  return {
    fate: 'news',
    says,
    watch: {
      occurredAtMs: event.occurredAtMs,
      entryId,
      containerId: started ? event.containerId : (known?.containerId ?? null),
      seen: [...(sameTime ? known.seen : []), mark].slice(-MOST_SEEN),
      failedProbes,
      summary: says ?? known?.summary ?? null,
    },
  };
}

/**
 * Whether the game has to hear of it: always of its container's fate, else of a change only. The record may be behind
 * what the game was told last, so it is compared with both.
 */
export function concernsGame(
  event: HealthEvent,
  says: EngineHealth | null,
  past: { told: EngineHealth | null; recorded: EngineHealth },
): says is EngineHealth {
  if (says === null) return false;
  if (event.type.startsWith('container_')) return true;
  return says !== past.recorded || (past.told !== null && says !== past.told);
}

/** By time of occurrence, and by place on the stream where that is the same. */
export function isNewer(
  a: { occurredAtMs: number; entryId: string },
  b: { occurredAtMs: number; entryId: string },
): boolean {
  if (a.occurredAtMs !== b.occurredAtMs) return a.occurredAtMs > b.occurredAtMs;
  return compareEntryIds(a.entryId, b.entryId) > 0;
}

/** Stream ids are two whole numbers of up to 64 bits: as text, 9-0 would come after 10-0. */
function compareEntryIds(a: string, b: string): number {
  const [aTime = '', aPlace = ''] = a.split('-');
  const [bTime = '', bPlace = ''] = b.split('-');
  return compareNumbers(aTime, bTime) || compareNumbers(aPlace, bPlace);
}

/** Of digits without leading zeros, however many. */
function compareNumbers(a: string, b: string): number {
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : a > b ? 1 : 0;
}

function isType(type: string): type is HealthEventType {
  return Object.hasOwn(SUMMARIES, type);
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
