import { z } from 'zod';
import { unavailable } from '../service/errors';
import type { App } from '../service/http';
import type { DeliveryStore, DeliveryView } from './delivery-store';

const text = z.string();
const time = z.iso.datetime();

const delivery = z.object({
  delivery_id: text,
  idempotency_key: text,
  notification_type: text,
  game_id: text,
  channel: z.enum(['push', 'email']),
  recipient: text,
  title: text,
  text,
  status: z.enum(['pending', 'delivered', 'rejected']),
  attempts: z.int(),
  last_error: text.nullable(),
  occurred_at: time,
  accepted_at: time,
  next_attempt_at: time.nullable(),
  settled_at: time.nullable(),
});

const query = z.strictObject({
  game_id: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,64}$/)
    .optional(),
  limit: z
    .string()
    .regex(/^[0-9]{1,3}$/)
    .default('50')
    .transform(Number)
    .pipe(z.int().min(1).max(200)),
  cursor: z
    .string()
    .regex(/^[0-9]{13}-[0-9a-f]{32}$/)
    .optional(),
});

const page = z.object({ deliveries: z.array(delivery), next_cursor: text.nullable() });

/** openapi.yaml, listDeliveries. */
export function deliveriesRoute(app: App, store: Pick<DeliveryStore, 'list'>): void {
  app.get(
    '/api/v1/internal/deliveries',
    { schema: { operationId: 'listDeliveries', querystring: query, response: { 200: page } } },
    async ({ query: { game_id, cursor, limit } }) => {
      const { deliveries, nextCursor } = await store
        .list({ limit, ...(game_id && { gameId: game_id }), ...(cursor && { cursor }) })
        .catch((error: unknown) => {
          throw unavailable('redis is not available', error);
        });
      return { deliveries: deliveries.map(toAnswer), next_cursor: nextCursor };
    },
  );
}

function toAnswer(view: DeliveryView): z.input<typeof delivery> {
  return {
    delivery_id: view.id,
    idempotency_key: view.idempotencyKey,
    notification_type: view.notificationType,
    game_id: view.gameId,
    channel: view.channel,
    recipient: view.recipient,
    title: view.title,
    text: view.text,
    status: view.status,
    attempts: view.attempts,
    last_error: view.lastError,
    occurred_at: rfc3339(view.occurredAtMs),
    accepted_at: rfc3339(view.acceptedAtMs),
    next_attempt_at: view.nextAttemptAtMs === null ? null : rfc3339(view.nextAttemptAtMs),
    settled_at: view.settledAtMs === null ? null : rfc3339(view.settledAtMs),
  };
}

const rfc3339 = (ms: number): string => new Date(ms).toISOString();
