/** Deliveries: one message to one recipient each, made of an intent. */
import { createHash } from 'node:crypto';
import type { NotificationIntent } from '../../pkg/notificationintent';
import { CATALOGUE, wordsOf, type ChannelName } from './catalogue';

export interface Delivery {
  /** The same for the same intent, channel and recipient, whenever and wherever it is made. */
  id: string;
  idempotencyKey: string;
  notificationType: string;
  gameId: string;
  channel: ChannelName;
  /** A user id or an e-mail address. */
  recipient: string;
  title: string;
  text: string;
  /** That of the intent, as JSON text. */
  payload: string;
  /** Unix milliseconds. */
  occurredAtMs: number;
}

/** Whom to tell of `intent`, and how. `adminEmails` stand for the audience `admin_email`. */
export function deliveriesOf(intent: NotificationIntent, adminEmails: readonly string[]): Delivery[] {
  const recipients = intent.audience === 'users' ? intent.recipient_user_ids : adminEmails;
  const { title, text } = wordsOf(intent);
  return CATALOGUE[intent.notification_type].channels.flatMap((channel) =>
    [...new Set(recipients)].map((recipient) => ({
      id: digest(intent.idempotency_key, channel, recipient),
      idempotencyKey: intent.idempotency_key,
      notificationType: intent.notification_type,
      gameId: intent.payload.game_id,
      channel,
      recipient,
      title,
      text,
      payload: JSON.stringify(intent.payload),
      occurredAtMs: intent.occurred_at_ms,
    })),
  );
}

/** What an intent asks for: the same for intents that differ in nothing but the time at which they were told. */
export function contentOf({ notification_type, payload, ...intent }: NotificationIntent): string {
  const recipients = intent.audience === 'users' ? intent.recipient_user_ids : [];
  return digest(notification_type, JSON.stringify(payload), ...recipients);
}

/** 32 hexadecimal digits. */
export function digest(...parts: string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32);
}
