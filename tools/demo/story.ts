/** Puts the entries of the streams (api/runtime-events-asyncapi.yaml, platform/rtmanager/asyncapi.yaml) into words. */
import type { PlayerTurnStats } from '../../domain/player-stats';
import type { RuntimeStatus } from '../../domain/runtime-status';
import type { NotificationIntent } from '../../pkg/notificationintent';
import { fromStreamFields } from '../../pkg/notificationintent/schemas';

/** The flat fields of an entry. */
export type Entry = Readonly<Record<string, string>>;

export interface Told {
  gameId: string;
  at: Date;
  text: string;
  /** The turn that the game has reached; null where the entry does not say. */
  turn: number | null;
}

interface SnapshotUpdate {
  game_id: string;
  current_turn: number;
  runtime_status: RuntimeStatus;
  player_turn_stats: PlayerTurnStats[];
  occurred_at_ms: number;
}

interface GameFinished {
  game_id: string;
  final_turn_number: number;
  player_turn_stats: PlayerTurnStats[];
  finished_at_ms: number;
}

/** An entry of `gm:lobby_events`. */
export function tellLobbyEvent(entry: Entry): Told {
  const payload: unknown = JSON.parse(entry['payload'] ?? '');
  if (entry['event_type'] === 'game_finished') {
    const finished = payload as GameFinished;
    return {
      gameId: finished.game_id,
      at: new Date(finished.finished_at_ms),
      turn: finished.final_turn_number,
      text: `finished at turn ${finished.final_turn_number}: ${standings(finished.player_turn_stats)}`,
    };
  }
  const update = payload as SnapshotUpdate;
  return {
    gameId: update.game_id,
    at: new Date(update.occurred_at_ms),
    turn: update.current_turn,
    text: snapshot(update),
  };
}

/** An entry of `notification:intents`. */
export function tellIntent(entry: Entry): Told {
  const intent = fromStreamFields(entry);
  const recipients = intent.audience === 'users' ? intent.recipient_user_ids.join(', ') : 'administrators';
  return {
    gameId: intent.payload.game_id,
    at: new Date(intent.occurred_at_ms),
    turn: null,
    text: `notify ${recipients}: ${news(intent)}`,
  };
}

/** An entry of `runtime:job_results`; `nameOf` is how a person calls the container of a game. */
export function tellJobResult(
  entry: Entry,
  addedAt: Date,
  nameOf: (gameId: string, containerId: string) => string,
): Told {
  const { game_id: gameId = '', job = 'start', outcome, container_id: containerId = '' } = entry;
  const { engine_endpoint: endpoint = '', error_code: code = '', error_message: message = '' } = entry;
  const name = nameOf(gameId, containerId);
  const done =
    job === 'start'
      ? `Runtime Manager has started its engine, ${name}: ${endpoint}`
      : `Runtime Manager has stopped its engine, ${name}`;
  const failed = `Runtime Manager could not ${job} its engine: ${code}: ${message}`;
  return { gameId, at: addedAt, turn: null, text: outcome === 'success' ? done : failed };
}

/** An entry of `runtime:health_events`. */
export function tellHealthEvent(entry: Entry): Told {
  const { game_id: gameId = '', event_type: type = '', occurred_at_ms: at } = entry;
  return { gameId, at: new Date(Number(at)), turn: null, text: `engine: ${type.replaceAll('_', ' ')}` };
}

function snapshot({ runtime_status, current_turn, player_turn_stats }: SnapshotUpdate): string {
  if (runtime_status !== 'running') return `${runtime_status.replaceAll('_', ' ')} at turn ${current_turn}`;
  const reached = current_turn === 0 ? 'registered, turn 0' : `turn ${current_turn}`;
  return `${reached}: ${standings(player_turn_stats)}`;
}

function news(intent: NotificationIntent): string {
  switch (intent.notification_type) {
    case 'game.turn.ready':
      return `turn ${intent.payload.turn_number} is ready`;
    case 'game.finished':
      return `the game ended with turn ${intent.payload.final_turn_number}`;
    case 'game.generation_failed':
      return `turn ${intent.payload.turn_number} failed (${intent.payload.failure_reason})`;
    case 'lobby.runtime_paused_after_start':
      return `${intent.payload.game_name} is paused: Game Master could not take it over`;
  }
}

function standings(stats: PlayerTurnStats[]): string {
  return stats
    .map(({ user_id, planets, population }) => `${user_id} ${planets} planets ${population} people`)
    .join(', ');
}
