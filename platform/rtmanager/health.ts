/** What sightings of an engine say of its health: pure rules. */
import type { Container } from './driver';
import { isAlive, type Runtime } from './runtime';

export type HealthEventType =
  | 'healthy'
  | 'container_started'
  | 'container_exited'
  | 'container_oom'
  | 'container_disappeared'
  | 'inspect_unhealthy'
  | 'probe_failed'
  | 'probe_recovered';

export interface HealthEvent {
  type: HealthEventType;
  containerId: string;
  occurredAtMs: number;
  details: {
    image_ref?: string;
    exit_code?: number | null;
    reason?: string;
    in_a_row?: number;
    error?: string;
  };
}

/** What is to be remembered now, with the events that tell of the change: at most one. */
export interface Notice {
  runtime: Runtime;
  events: HealthEvent[];
}

/** Compares what is remembered with what was found; `found` is null when there is no container. */
export function noticeContainer(runtime: Runtime, found: Container | null, now: number): Notice {
  if (!isAlive(runtime)) return { runtime, events: [] };
  if (found === null) return runtime.status === 'disappeared' ? same(runtime) : disappeared(runtime, now);
  if (found.isRunning) {
    if (runtime.status !== 'running' || runtime.run !== found.run) return started(runtime, found, now);
    return noticeOwnCheck(runtime, found, now);
  }
  return runtime.status === 'exited' && runtime.run === found.run
    ? same(runtime)
    : ended(runtime, found, now);
}

/** An engine came up. */
export function started(runtime: Runtime, found: Container, now: number): Notice {
  const next: Runtime = {
    ...runtime,
    ...seenIn(found),
    status: 'running',
    outOfMemory: false,
    failedProbes: 0,
    unhealthy: false,
    startedAt: now,
    endedAt: null,
  };
  return told(next, now, 'container_started', { image_ref: found.spec.imageRef });
}

/** An engine is there no longer; `reason` is given when somebody asked for it. */
export function ended(runtime: Runtime, found: Container, now: number, reason?: string): Notice {
  const next: Runtime = {
    ...runtime,
    ...seenIn(found),
    status: 'exited',
    outOfMemory: found.outOfMemory,
    failedProbes: 0,
    unhealthy: false,
    endedAt: now,
  };
  return told(next, now, found.outOfMemory ? 'container_oom' : 'container_exited', {
    exit_code: found.exitCode,
    ...(reason !== undefined && { reason }),
  });
}

/** What a probe of a running engine's `/healthz` says; `error` is null when it answered as it should. */
export function noticeProbe(runtime: Runtime, error: string | null, now: number): Notice {
  if (runtime.status !== 'running') return same(runtime);
  if (error !== null) {
    const failedProbes = runtime.failedProbes + 1;
    return told({ ...runtime, failedProbes }, now, 'probe_failed', { in_a_row: failedProbes, error });
  }
  if (runtime.failedProbes === 0) return same(runtime);
  return told({ ...runtime, failedProbes: 0 }, now, 'probe_recovered', {});
}

function noticeOwnCheck(runtime: Runtime, { unhealthy }: Container, now: number): Notice {
  if (unhealthy === runtime.unhealthy) return same(runtime);
  return told({ ...runtime, unhealthy }, now, unhealthy ? 'inspect_unhealthy' : 'healthy', {});
}

function disappeared(runtime: Runtime, now: number): Notice {
  const next: Runtime = {
    ...runtime,
    status: 'disappeared',
    failedProbes: 0,
    unhealthy: false,
    endedAt: now,
  };
  return told(next, now, 'container_disappeared', {});
}

/** What a sighting of a container adds to what is remembered. */
export function seenIn({ id, run, spec, endpoint }: Container) {
  return { containerId: id, run, spec, endpoint };
}

function same(runtime: Runtime): Notice {
  return { runtime, events: [] };
}

/** Game Master knows events by container, type and time, and passes over what is not newer than what it has. */
function told(runtime: Runtime, now: number, type: HealthEventType, details: HealthEvent['details']): Notice {
  const occurredAtMs = Math.max(now, runtime.lastEventAt + 1);
  return {
    runtime: { ...runtime, lastEventAt: occurredAtMs },
    events: [{ type, containerId: runtime.containerId ?? '', occurredAtMs, details }],
  };
}
