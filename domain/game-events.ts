/**
 * The events a game tells the world (api/runtime-events-asyncapi.yaml), as rows of its outbox.
 */
import {
  gameFinished,
  gameGenerationFailed,
  gameTurnReady,
  toStreamFields,
  type NotificationIntent,
} from '../pkg/notificationintent';
import type { RuntimeRow } from './runtime-record';

/** An event waiting for its stream: flat fields of text. */
export interface GameEvent {
  seq: number;
  stream: string;
  eventId: string;
  payload: Record<string, string>;
}

export interface EventStreams {
  lobbyEvents: string;
  notificationIntents: string;
}

/** What a snapshot shows of a game. */
export type Snapshot = Pick<
  RuntimeRow,
  'gameId' | 'registrationId' | 'currentTurn' | 'status' | 'engineHealth' | 'playerTurnStats'
>;

/** No status write has more events than this, so a sequence number tells which write an event belongs to. */
const MOST_EVENTS_OF_A_WRITE = 10;

/** Numbers the events of one status write, in order, so that a repeated write makes the very same events. */
export class EventWriter {
  private readonly events: GameEvent[] = [];

  constructor(
    private readonly streams: EventStreams,
    private readonly revision: number,
    private readonly now: Date,
  ) {}

  snapshot(game: Snapshot): this {
    return this.lobbyEvent(game, 'runtime_snapshot_update', {
      game_id: game.gameId,
      current_turn: game.currentTurn,
      runtime_status: game.status,
      engine_health_summary: game.engineHealth,
      player_turn_stats: game.playerTurnStats,
      occurred_at_ms: this.now.getTime(),
    });
  }

  finished(game: Snapshot): this {
    return this.lobbyEvent(game, 'game_finished', {
      game_id: game.gameId,
      final_turn_number: game.currentTurn,
      runtime_status: game.status,
      player_turn_stats: game.playerTurnStats,
      finished_at_ms: this.now.getTime(),
    });
  }

  turnReadyIntent(game: Snapshot, recipientUserIds: readonly string[]): this {
    const turnNumber = game.currentTurn;
    return this.intent(game, gameTurnReady({ ...this.occurrence(game), recipientUserIds, turnNumber }));
  }

  finishedIntent(game: Snapshot, recipientUserIds: readonly string[]): this {
    const finalTurnNumber = game.currentTurn;
    return this.intent(game, gameFinished({ ...this.occurrence(game), recipientUserIds, finalTurnNumber }));
  }

  generationFailedIntent(game: Snapshot, turnNumber: number, failureReason: string): this {
    const occurrence = { ...this.occurrence(game), occurrenceId: this.revision.toString() };
    return this.intent(game, gameGenerationFailed({ ...occurrence, turnNumber, failureReason }));
  }

  get written(): GameEvent[] {
    return this.events;
  }

  private lobbyEvent(game: Snapshot, eventType: string, payload: object): this {
    return this.add(game, this.streams.lobbyEvents, (eventId) => ({
      event_type: eventType,
      event_id: eventId,
      payload: JSON.stringify(payload),
    }));
  }

  private intent(game: Snapshot, intent: NotificationIntent): this {
    return this.add(game, this.streams.notificationIntents, () => toStreamFields(intent));
  }

  private occurrence({ gameId, registrationId }: Snapshot) {
    return { gameId, registrationId, occurredAtMs: this.now.getTime() };
  }

  private add(game: Snapshot, stream: string, fields: (eventId: string) => Record<string, string>): this {
    const seq = this.revision * MOST_EVENTS_OF_A_WRITE + this.events.length;
    const eventId = `${game.gameId}:${game.registrationId}:${seq.toString()}`;
    this.events.push({ seq, stream, eventId, payload: fields(eventId) });
    return this;
  }
}
