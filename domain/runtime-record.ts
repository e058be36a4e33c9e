import type { EngineHealth } from './engine-health';
import type { PlayerTurnStats } from './player-stats';
import { expectsTicks, type RuntimeStatus } from './runtime-status';

/** A game's row of `runtime_records`, as the stores hand it out. */
export interface RuntimeRow {
  gameId: string;
  /** The first run id of the workflow that registered the game. */
  registrationId: string;
  /** The idempotency key that it was registered under. */
  registrationKey: string | null;
  /** Number of the last status write. */
  revision: number;
  status: RuntimeStatus;
  engineEndpoint: string;
  imageRef: string;
  engineVersion: string;
  turnSchedule: string;
  currentTurn: number;
  nextGenerationAt: Date | null;
  skippedTickAt: Date | null;
  engineHealth: EngineHealth;
  playerTurnStats: PlayerTurnStats[];
  membershipEpoch: number;
  createdAt: Date;
  updatedAt: Date;
  startedAt: Date | null;
  stoppedAt: Date | null;
  finishedAt: Date | null;
}

/** `RuntimeRecord` of api/internal-openapi.yaml. */
export interface RuntimeRecord {
  game_id: string;
  status: RuntimeStatus;
  engine_endpoint: string;
  current_image_ref: string;
  current_engine_version: string;
  turn_schedule: string;
  current_turn: number;
  next_generation_at: string | null;
  skip_next_tick: boolean;
  engine_health: EngineHealth;
  created_at: string;
  updated_at: string;
  started_at: string | null;
  stopped_at: string | null;
  finished_at: string | null;
}

/** What callers are shown of a row. `skip_next_tick` holds until the skipped tick has passed, so it depends on `now`. */
export function toRuntimeRecord(row: RuntimeRow, now: Date): RuntimeRecord {
  const ticking = expectsTicks(row.status);
  return {
    game_id: row.gameId,
    status: row.status,
    engine_endpoint: row.engineEndpoint,
    current_image_ref: row.imageRef,
    current_engine_version: row.engineVersion,
    turn_schedule: row.turnSchedule,
    current_turn: row.currentTurn,
    next_generation_at: ticking ? toText(row.nextGenerationAt) : null,
    skip_next_tick: row.skippedTickAt !== null && row.skippedTickAt > now,
    engine_health: row.engineHealth,
    created_at: row.createdAt.toISOString(),
    updated_at: row.updatedAt.toISOString(),
    started_at: toText(row.startedAt),
    stopped_at: toText(row.stoppedAt),
    finished_at: toText(row.finishedAt),
  };
}

function toText(time: Date | null): string | null {
  return time === null ? null : time.toISOString();
}
