import {
  gameFinished,
  gameGenerationFailed,
  gameTurnReady,
  lobbyRuntimePausedAfterStart,
  toStreamFields,
  type NotificationIntent,
} from '../../../pkg/notificationintent';
import { fromStreamFields } from '../../../pkg/notificationintent/schemas';
import { AsyncApiDocument } from './asyncapi-document';
import { fieldsOf, OpenApiDocument } from './openapi-document';

const document = new AsyncApiDocument('platform/notification/asyncapi.yaml');

const occurrence = { gameId: 'orion', registrationId: 'run-1', occurredAtMs: 1_773_424_802_117 };
const toUsers = { ...occurrence, recipientUserIds: ['ann', 'bob'] };

interface Row {
  type: NotificationIntent['notification_type'];
  schema: string;
  producer: string;
  audience: string;
  payload: string[];
  intent: NotificationIntent;
}

/** Frozen: whoever changes one of these changes what another service says or understands. */
const CATALOGUE: Row[] = [
  {
    type: 'game.turn.ready',
    schema: 'GameTurnReady',
    producer: 'game_master',
    audience: 'users',
    payload: ['game_id', 'turn_number'],
    intent: gameTurnReady({ ...toUsers, turnNumber: 4 }),
  },
  {
    type: 'game.finished',
    schema: 'GameFinished',
    producer: 'game_master',
    audience: 'users',
    payload: ['game_id', 'final_turn_number'],
    intent: gameFinished({ ...toUsers, finalTurnNumber: 9 }),
  },
  {
    type: 'game.generation_failed',
    schema: 'GameGenerationFailed',
    producer: 'game_master',
    audience: 'admin_email',
    payload: ['game_id', 'turn_number', 'failure_reason'],
    intent: gameGenerationFailed({
      ...occurrence,
      occurrenceId: 'op',
      turnNumber: 5,
      failureReason: 'engine_unreachable',
    }),
  },
  {
    type: 'lobby.runtime_paused_after_start',
    schema: 'LobbyRuntimePausedAfterStart',
    producer: 'lobby',
    audience: 'admin_email',
    payload: ['game_id', 'game_name'],
    intent: lobbyRuntimePausedAfterStart({ ...occurrence, gameName: 'Battle of Orion' }),
  },
];

test('is a valid AsyncAPI 3.1.0 document of these four messages, which are received', async () => {
  expect(document.root.asyncapi).toBe('3.1.0');
  expect(await document.problems()).toEqual([]);
  expect(document.operations()).toEqual([
    'receiveGameTurnReady receive notification:intents game.turn.ready',
    'receiveGameFinished receive notification:intents game.finished',
    'receiveGameGenerationFailed receive notification:intents game.generation_failed',
    'receiveLobbyRuntimePausedAfterStart receive notification:intents lobby.runtime_paused_after_start',
  ]);
  expect(Object.keys(document.root.components.messages)).toEqual(CATALOGUE.map(({ type }) => type));
});

describe.each(CATALOGUE)('$type', ({ type, schema, producer, audience, payload, intent }) => {
  const entrySchema = `${schema}Entry`;

  test('has its fields', () => {
    expect(document.root.components.messages[type]?.payload).toEqual({
      $ref: `#/components/schemas/${entrySchema}`,
    });
    expect(document.fieldsOf(entrySchema)).toEqual([
      'notification_type',
      'producer',
      'audience',
      ...(audience === 'users' ? ['recipient_user_ids'] : []),
      'idempotency_key',
      'occurred_at_ms',
      'payload',
    ]);
    expect(document.root.components.schemas[entrySchema]?.properties).toMatchObject({
      notification_type: { const: type },
      producer: { const: producer },
      audience: { const: audience },
      payload: {
        contentMediaType: 'application/json',
        contentSchema: { $ref: `#/components/schemas/${schema}` },
      },
    });
    expect(document.fieldsOf(schema)).toEqual(payload);
  });

  test('is what its constructor makes', () => {
    expect(intent).toMatchObject({ notification_type: type, producer, audience });
    expect(Object.keys(intent.payload)).toEqual(payload);
    expect(document.check(toStreamFields(intent))).toBe(type);
  });

  test('has examples that both the document and the reader take', () => {
    const examples = document.root.components.messages[type]?.examples ?? [];
    expect(examples).not.toEqual([]);
    for (const { payload: entry } of examples) {
      expect(document.check(entry)).toBe(type);
      expect(fromStreamFields(entry).notification_type).toBe(type);
    }
  });

  test.each<[string, Record<string, string>]>([
    ['another field', { colour: 'red' }],
    ['another producer', { producer: 'somebody' }],
    ['a payload with another field', { payload: JSON.stringify({ ...intent.payload, more: 1 }) }],
    ['an empty payload', { payload: '{}' }],
    ['a time in words', { occurred_at_ms: 'soon' }],
    ['a time that is no date', { occurred_at_ms: '9000000000000000' }],
    ['no key', { idempotency_key: '' }],
    ['too long a key', { idempotency_key: 'k'.repeat(257) }],
  ])('with %s is refused by document and reader alike', (_, flaw) => {
    const entry = { ...toStreamFields(intent), ...flaw };
    expect(() => document.check(entry)).toThrow(type);
    expect(() => fromStreamFields(entry)).toThrow();
  });
});

test('more than 200 recipients are refused by document and reader alike', () => {
  const many = (count: number) => Array.from({ length: count }, (_, i) => `user-${i}`);
  const entryTo = (count: number) =>
    toStreamFields(gameTurnReady({ ...toUsers, recipientUserIds: many(count), turnNumber: 1 }));
  expect(document.check(entryTo(200))).toBe('game.turn.ready');
  expect(fromStreamFields(entryTo(200)).notification_type).toBe('game.turn.ready');
  expect(() => document.check(entryTo(201))).toThrow('recipient_user_ids');
  expect(() => fromStreamFields(entryTo(201))).toThrow('recipient_user_ids');
});

describe('the REST view', () => {
  const rest = new OpenApiDocument('platform/notification/openapi.yaml');

  test('is a valid OpenAPI document of these operations', async () => {
    expect(await rest.problems()).toEqual([]);
    const found = [...rest.operations()].map(([id, { method, path }]) => [
      id,
      method,
      path,
      ...rest.parametersOf(id),
    ]);
    expect(found).toEqual([
      ['healthz', 'GET', '/healthz'],
      ['readyz', 'GET', '/readyz'],
      [
        'listDeliveries',
        'GET',
        '/api/v1/internal/deliveries',
        'game_id query',
        'limit query',
        'cursor query',
      ],
    ]);
  });

  test.each<[string, string[]]>([
    ['Health', ['status']],
    ['Readiness', ['status', 'checks']],
    ['DeliveryPage', ['deliveries', 'next_cursor']],
    [
      'Delivery',
      [
        'delivery_id',
        'idempotency_key',
        'notification_type',
        'game_id',
        'channel',
        'recipient',
        'title',
        'text',
        'status',
        'attempts',
        'last_error',
        'occurred_at',
        'accepted_at',
        'next_attempt_at',
        'settled_at',
      ],
    ],
    ['Error', ['error']],
  ])('%s has its fields', (name, fields) => {
    expect(fieldsOf(rest.at(`/components/schemas/${name}`))).toEqual(fields);
  });
});
