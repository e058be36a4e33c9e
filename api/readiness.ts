/** Whether this process can do its work, and which of its dependencies answer. */
import type { Readiness } from '../config/telemetry';

type DependencyState = 'up' | 'down';

export interface ApiReadiness extends Readiness {
  checks: { postgres: DependencyState; temporal: DependencyState };
}

/** Each resolves when its dependency answered, and rejects in bounded time when it did not. */
export interface Pings {
  postgres: () => Promise<void>;
  temporal: () => Promise<void>;
}

/** However many probes come, the dependencies are asked once in this time. */
const REMEMBERED_MS = 1_000;

/**
 * Ready while Postgres answers: without Temporal the hot path, the reads and the registry still work, and taking the
 * process out of service would help nobody. Never ready once it is to stop.
 */
export function checkReadiness(
  pings: Pings,
  isStopping: () => boolean = () => false,
  now: () => number = Date.now,
): () => Promise<ApiReadiness> {
  let latest: { askedAt: number; answer: Promise<ApiReadiness> } | undefined;
  return async () => {
    const askedAt = now();
    if (latest === undefined || askedAt - latest.askedAt >= REMEMBERED_MS)
      latest = { askedAt, answer: ask(pings) };
    const { ready, checks } = await latest.answer;
    return { ready: ready && !isStopping(), checks };
  };
}

async function ask(pings: Pings): Promise<ApiReadiness> {
  const [postgres, temporal] = await Promise.all([stateOf(pings.postgres()), stateOf(pings.temporal())]);
  return { ready: postgres === 'up', checks: { postgres, temporal } };
}

async function stateOf(ping: Promise<void>): Promise<DependencyState> {
  return ping.then(
    () => 'up' as const,
    () => 'down' as const,
  );
}
