import type { GameStatus } from './game-status';
import type { RuntimeView } from './runtime-view';

/** Who plays which race. */
export interface Player {
  user_id: string;
  race_name: string;
}

/** The body of the registration at Game Master. */
export interface Registration {
  engine_endpoint: string;
  members: Player[];
  target_engine_version: string;
  turn_schedule: string;
}

export interface Game {
  gameId: string;
  name: string;
  /** Null for a game of the administration. */
  ownerUserId: string | null;
  status: GameStatus;
  statusReason: string | null;
  targetEngineVersion: string;
  turnSchedule: string;
  minPlayers: number;
  maxPlayers: number;
  activePlayers: number;
  /** The name of the latest attempt to start. */
  startRequestedAtMs: number | null;
  /** What is registered at Game Master by that attempt, once its engine is up. */
  registration: Registration | null;
  runtime: RuntimeView | null;
  createdAt: Date;
  updatedAt: Date;
  /** When Game Master took the game over, as far as that is known. */
  startedAt: Date | null;
  finishedAt: Date | null;
}

/** Why Lobby itself paused, failed or cancelled a game; neighbours' error codes are reasons too. */
export const REASONS = {
  onRequest: 'on_request',
  startTimedOut: 'start_timed_out',
  gameMasterUnavailable: 'game_master_unavailable',
  runtimeStopped: 'runtime_stopped',
  ownerLeft: 'owner_left',
} as const;

/** A game id that says which game it is: made of the name, and of 8 random digits to be unique. */
export function gameIdOf(name: string, random: string): string {
  const words = name
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 40);
  return words === '' ? `game-${random}` : `${words}-${random}`;
}
