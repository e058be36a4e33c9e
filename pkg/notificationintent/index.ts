/**
 * The notifications that Game Master and Lobby ask for on the stream `notification:intents`: typed constructors and the
 * flat text form of a stream entry. Free of zod, so that workflow code may use it; `schemas.ts` checks what was read.
 */

/** Shape shared by all intents; `idempotency_key` is unique per occurrence and the same when one is told again. */
interface Intent<Type extends string, Payload, Producer = 'game_master'> {
  notification_type: Type;
  producer: Producer;
  idempotency_key: string;
  /** Unix milliseconds. */
  occurred_at_ms: number;
  payload: Payload;
}

interface ToUsers {
  audience: 'users';
  recipient_user_ids: string[];
}

interface ToAdmins {
  audience: 'admin_email';
}

export type GameTurnReady = Intent<'game.turn.ready', { game_id: string; turn_number: number }> & ToUsers;
export type GameFinished = Intent<'game.finished', { game_id: string; final_turn_number: number }> & ToUsers;
export type GameGenerationFailed = Intent<
  'game.generation_failed',
  { game_id: string; turn_number: number; failure_reason: string }
> &
  ToAdmins;

export type LobbyRuntimePausedAfterStart = Intent<
  'lobby.runtime_paused_after_start',
  { game_id: string; game_name: string },
  'lobby'
> &
  ToAdmins;

export type NotificationIntent =
  GameTurnReady | GameFinished | GameGenerationFailed | LobbyRuntimePausedAfterStart;

/** What every constructor needs to know of the game. */
interface Occurrence {
  gameId: string;
  /** The registration the game lives under: a game registered anew makes its turns anew. */
  registrationId: string;
  /** Unix milliseconds. */
  occurredAtMs: number;
}

// Game ids hold no colon and turns are digits, so the parts of a key cannot run into each other.
const keyOf = (type: NotificationIntent['notification_type'], ...parts: (string | number)[]) =>
  [type, ...parts].join(':');

/** Players may look at turn `turnNumber`; for every turn but the last. Once per registration and turn. */
export function gameTurnReady(
  occurrence: Occurrence & { turnNumber: number; recipientUserIds: readonly string[] },
): GameTurnReady {
  const { gameId, registrationId, turnNumber, recipientUserIds, occurredAtMs } = occurrence;
  return {
    notification_type: 'game.turn.ready',
    producer: 'game_master',
    audience: 'users',
    recipient_user_ids: [...recipientUserIds],
    idempotency_key: keyOf('game.turn.ready', gameId, registrationId, turnNumber),
    occurred_at_ms: occurredAtMs,
    payload: { game_id: gameId, turn_number: turnNumber },
  };
}

/** The game is over, `finalTurnNumber` being its last turn. Once per registration. */
export function gameFinished(
  occurrence: Occurrence & { finalTurnNumber: number; recipientUserIds: readonly string[] },
): GameFinished {
  const { gameId, registrationId, finalTurnNumber, recipientUserIds, occurredAtMs } = occurrence;
  return {
    notification_type: 'game.finished',
    producer: 'game_master',
    audience: 'users',
    recipient_user_ids: [...recipientUserIds],
    idempotency_key: keyOf('game.finished', gameId, registrationId),
    occurred_at_ms: occurredAtMs,
    payload: { game_id: gameId, final_turn_number: finalTurnNumber },
  };
}

/**
 * Turn `turnNumber` could not be generated, for the administrators. The same turn may fail again after it was
 * forced: `occurrenceId` (the id of the operation that failed) tells the failures apart.
 */
export function gameGenerationFailed(
  occurrence: Occurrence & { occurrenceId: string; turnNumber: number; failureReason: string },
): GameGenerationFailed {
  const { gameId, registrationId, occurrenceId, turnNumber, failureReason, occurredAtMs } = occurrence;
  return {
    notification_type: 'game.generation_failed',
    producer: 'game_master',
    audience: 'admin_email',
    idempotency_key: keyOf('game.generation_failed', gameId, registrationId, turnNumber, occurrenceId),
    occurred_at_ms: occurredAtMs,
    payload: { game_id: gameId, turn_number: turnNumber, failure_reason: failureReason },
  };
}

/**
 * The engine of a game is up and Game Master could not take the game over, for the administrators: Lobby has paused it
 * until somebody resumes it. That may happen to a game again, at another time.
 */
export function lobbyRuntimePausedAfterStart(occurrence: {
  gameId: string;
  gameName: string;
  /** Unix milliseconds. */
  occurredAtMs: number;
}): LobbyRuntimePausedAfterStart {
  const { gameId, gameName, occurredAtMs } = occurrence;
  return {
    notification_type: 'lobby.runtime_paused_after_start',
    producer: 'lobby',
    audience: 'admin_email',
    idempotency_key: keyOf('lobby.runtime_paused_after_start', gameId, occurredAtMs),
    occurred_at_ms: occurredAtMs,
    payload: { game_id: gameId, game_name: gameName },
  };
}

/** The entry's fields as the stream holds them: all text, list and payload as JSON. */
export function toStreamFields(intent: NotificationIntent): Record<string, string> {
  return {
    notification_type: intent.notification_type,
    producer: intent.producer,
    audience: intent.audience,
    ...(intent.audience === 'users' ? { recipient_user_ids: JSON.stringify(intent.recipient_user_ids) } : {}),
    idempotency_key: intent.idempotency_key,
    occurred_at_ms: String(intent.occurred_at_ms),
    payload: JSON.stringify(intent.payload),
  };
}
