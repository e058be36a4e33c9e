/** What is remembered of a game's engine, and how it is shown to callers. */

export const RUNTIME_STATUSES = ['running', 'exited', 'disappeared', 'stopped', 'start_failed'] as const;
/**
 * - `running`: as far as is known;
 * - `exited`: it ended and nobody had asked for it; `disappeared`: its container is gone;
 * - `stopped`: it was asked to end;
 * - `start_failed`: it never came up.
 */
export type RuntimeStatus = (typeof RUNTIME_STATUSES)[number];

export const HEALTHS = [
  'healthy',
  'probe_failed',
  'inspect_unhealthy',
  'exited',
  'oom',
  'disappeared',
] as const;
type Health = (typeof HEALTHS)[number];

/** What one engine is made of. Everything but the image stays the same for as long as the game goes on. */
export interface EngineSpec {
  gameId: string;
  imageRef: string;
  /** Name of the engine's persistent state, unique within the game. */
  state: string;
  /** Of this host; null where the endpoint needs none. */
  port: number | null;
}

export interface JobResult {
  outcome: 'success' | 'failure';
  containerId: string;
  endpoint: string;
  errorCode: string;
  errorMessage: string;
}

/** A job that is done with, to give the same result to its repetitions. */
export interface JobMemory {
  requestedAtMs: number;
  result: JobResult;
}

/** Plain JSON. Times are epoch milliseconds. */
export interface Runtime {
  gameId: string;
  status: RuntimeStatus;
  /** Null where a stop came before any start. */
  spec: EngineSpec | null;
  containerId: string | null;
  /** One life of the container: another one after each start. */
  run: string | null;
  endpoint: string | null;
  /** While the engine is replaced by one of this image: a crash in between is made good by whoever finds this and holds the game. */
  replacement: string | null;
  /** Of `exited`: whether it was killed for its memory. */
  outOfMemory: boolean;
  failedProbes: number;
  /** Whether the container's own health check says that it is not well. */
  unhealthy: boolean;
  /** Of the last health event; those of a game have rising times. */
  lastEventAt: number;
  startJob: JobMemory | null;
  stopJob: JobMemory | null;
  createdAt: number;
  startedAt: number | null;
  /** When it stopped, ended or failed to start; null while it runs. */
  endedAt: number | null;
}

/** A runtime of which nothing is known yet. */
export function newRuntime(gameId: string, now: number): Runtime {
  return {
    gameId,
    status: 'start_failed',
    spec: null,
    containerId: null,
    run: null,
    endpoint: null,
    replacement: null,
    outOfMemory: false,
    failedProbes: 0,
    unhealthy: false,
    lastEventAt: 0,
    startJob: null,
    stopJob: null,
    createdAt: now,
    startedAt: null,
    endedAt: null,
  };
}

/** Whether there is an engine that should be running. */
export function isAlive({ status }: Pick<Runtime, 'status'>): boolean {
  return status === 'running' || status === 'exited' || status === 'disappeared';
}

/** The contract's Runtime. */
export function toView(runtime: Runtime) {
  const time = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString());
  return {
    game_id: runtime.gameId,
    status: runtime.status,
    image_ref: runtime.spec?.imageRef ?? null,
    container_id: runtime.containerId,
    engine_endpoint: runtime.endpoint,
    health: healthOf(runtime),
    created_at: new Date(runtime.createdAt).toISOString(),
    started_at: time(runtime.startedAt),
    ended_at: time(runtime.endedAt),
  };
}

function healthOf({ status, containerId, outOfMemory, failedProbes, unhealthy }: Runtime): Health | null {
  if (containerId === null) return null;
  switch (status) {
    case 'running':
      if (failedProbes > 0) return 'probe_failed';
      return unhealthy ? 'inspect_unhealthy' : 'healthy';
    case 'disappeared':
      return 'disappeared';
    case 'exited':
    case 'stopped':
    case 'start_failed':
      return outOfMemory ? 'oom' : 'exited';
  }
}
