/** Strict schemas of the intents, for who reads `notification:intents` and for tests. Not for workflow code. */
import { z } from 'zod';
import type { NotificationIntent } from '.';

const gameId = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/);
const userId = z.string().regex(/^[A-Za-z0-9_.:@-]{1,128}$/);
const turn = z.int().nonnegative();

const told = {
  idempotency_key: z.string().min(1).max(256),
  // Fifteen digits: all of them are dates.
  occurred_at_ms: z.int().nonnegative().max(999_999_999_999_999),
};
const byGameMaster = { producer: z.literal('game_master'), ...told };
const byLobby = { producer: z.literal('lobby'), ...told };
const toUsers = { audience: z.literal('users'), recipient_user_ids: z.array(userId).min(1).max(200) };
const toAdmins = { audience: z.literal('admin_email') };

const gameTurnReady = z.strictObject({
  notification_type: z.literal('game.turn.ready'),
  ...byGameMaster,
  ...toUsers,
  payload: z.strictObject({ game_id: gameId, turn_number: turn }),
});

const gameFinished = z.strictObject({
  notification_type: z.literal('game.finished'),
  ...byGameMaster,
  ...toUsers,
  payload: z.strictObject({ game_id: gameId, final_turn_number: turn }),
});

const gameGenerationFailed = z.strictObject({
  notification_type: z.literal('game.generation_failed'),
  ...byGameMaster,
  ...toAdmins,
  payload: z.strictObject({ game_id: gameId, turn_number: turn, failure_reason: z.string().min(1) }),
});

const lobbyRuntimePausedAfterStart = z.strictObject({
  notification_type: z.literal('lobby.runtime_paused_after_start'),
  ...byLobby,
  ...toAdmins,
  payload: z.strictObject({ game_id: gameId, game_name: z.string().min(1) }),
});

export const notificationIntentSchema = z.discriminatedUnion('notification_type', [
  gameTurnReady,
  gameFinished,
  gameGenerationFailed,
  lobbyRuntimePausedAfterStart,
]) satisfies z.ZodType<NotificationIntent>;

/** Thrown by `fromStreamFields`; the message says which fields are wrong. */
export class InvalidNotificationIntent extends Error {
  override readonly name = 'InvalidNotificationIntent';
}

/**
 * Reads the flat text fields of a stream entry.
 *
 * @throws InvalidNotificationIntent on an unknown, missing or malformed field
 */
export function fromStreamFields(fields: Readonly<Record<string, string>>): NotificationIntent {
  const read = notificationIntentSchema.safeParse({
    ...fields,
    ...('occurred_at_ms' in fields && { occurred_at_ms: readInteger(fields['occurred_at_ms']) }),
    ...('recipient_user_ids' in fields && { recipient_user_ids: readJson(fields['recipient_user_ids']) }),
    ...('payload' in fields && { payload: readJson(fields['payload']) }),
  });
  if (!read.success) throw new InvalidNotificationIntent(z.prettifyError(read.error));
  return read.data;
}

/** The number, or the text itself for the schema to refuse. */
function readInteger(text: string | undefined): unknown {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : text;
}

/** The parsed value, or the text itself for the schema to refuse. */
function readJson(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return text;
  }
}
