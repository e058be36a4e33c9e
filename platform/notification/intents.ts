import { fromStreamFields, InvalidNotificationIntent } from '../../pkg/notificationintent/schemas';
import type { NotificationIntent } from '../../pkg/notificationintent';
import { gameLogger, type Logger } from '../service/logging';
import { MalformedEntry, type StreamEntry } from '../service/stream';
import { contentOf, deliveriesOf } from './deliveries';
import type { DeliveryStore } from './delivery-store';
import type { NotificationMetrics } from './metrics';

export interface IntentsOptions {
  store: Pick<DeliveryStore, 'accept'>;
  adminEmails: readonly string[];
  /** Told when there is something to deliver. */
  onAccepted: () => void;
  metrics: Pick<NotificationMetrics, 'intents'>;
  log: Logger;
}

/** Takes in what stands on the stream of intents: handles one entry. */
export function takeIn({ store, adminEmails, onAccepted, metrics, log }: IntentsOptions) {
  return async ({ id, fields }: StreamEntry): Promise<void> => {
    const intent = parse(fields);
    const { notification_type, idempotency_key, payload } = intent;
    const deliveries = deliveriesOf(intent, adminEmails);
    const fate = await store.accept(
      { idempotencyKey: idempotency_key, gameId: payload.game_id, content: contentOf(intent) },
      deliveries,
    );
    metrics.intents.inc({ notification_type, fate });
    const line = { entry_id: id, notification_type, idempotency_key, deliveries: deliveries.length };
    const gameLog = gameLogger(log, payload.game_id);
    if (fate === 'accepted') {
      gameLog.info(line, 'intent accepted');
      onAccepted();
    } else if (fate === 'duplicate') gameLog.debug(line, 'intent known already');
    else
      gameLog.warn(line, 'an intent asks for something else under a key that is known: it is not followed');
  };
}

function parse(fields: Readonly<Record<string, string>>): NotificationIntent {
  try {
    return fromStreamFields(fields);
  } catch (error) {
    if (error instanceof InvalidNotificationIntent) throw new MalformedEntry(error.message);
    throw error;
  }
}
