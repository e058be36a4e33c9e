import { Parser } from '@asyncapi/parser';
import Ajv2020 from 'ajv/dist/2020';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { ENGINE_HEALTH } from '../../../domain/engine-health';
import { MalformedHealthEvent, parseHealthEvent } from '../../../domain/health-events';

const source = readFileSync(join(__dirname, '../../../api/runtime-events-asyncapi.yaml'), 'utf8');

interface Schema {
  type?: string;
  const?: string;
  enum?: string[];
  required?: string[];
  additionalProperties?: boolean | Schema;
  properties?: Record<string, Schema>;
  contentMediaType?: string;
  contentSchema?: { $ref: string };
}

interface Document {
  asyncapi: string;
  channels: Record<string, { address: string; messages: Record<string, { $ref: string }> }>;
  operations: Record<string, { action: string; channel: { $ref: string }; messages: { $ref: string }[] }>;
  components: {
    messages: Record<
      string,
      { name: string; payload: { $ref: string }; examples: { payload: Record<string, string> }[] }
    >;
    schemas: Record<string, Schema>;
  };
}

const document = parse(source) as Document;
const { messages, schemas } = document.components;
const ajv = new Ajv2020({ strict: false, validateSchema: false });
ajv.addSchema(document, 'document');

/** Each message with the schema of its entry, that of its payload, and the payload's fields. */
const MESSAGES: [name: string, entry: string, payload: string, fields: string[]][] = [
  [
    'runtime_snapshot_update',
    'RuntimeSnapshotUpdateEntry',
    'RuntimeSnapshotUpdate',
    [
      'game_id',
      'current_turn',
      'runtime_status',
      'engine_health_summary',
      'player_turn_stats',
      'occurred_at_ms',
    ],
  ],
  [
    'game_finished',
    'GameFinishedEntry',
    'GameFinished',
    ['game_id', 'final_turn_number', 'runtime_status', 'player_turn_stats', 'finished_at_ms'],
  ],
];

const names = MESSAGES.map(([name]) => name);

/** What Runtime Manager finds out about engines. */
const HEALTH_EVENTS = [
  'healthy',
  'container_started',
  'probe_recovered',
  'probe_failed',
  'inspect_unhealthy',
  'container_exited',
  'container_oom',
  'container_disappeared',
];

test('is a valid AsyncAPI 3.1.0 document', async () => {
  const { document: parsed, diagnostics } = await new Parser().parse(source);
  expect(diagnostics).toEqual([]);
  expect(parsed?.version()).toBe('3.1.0');
});

test('sends its two messages on one channel, and receives one on another', () => {
  expect(document.asyncapi).toBe('3.1.0');
  expect(Object.values(document.channels).map((channel) => channel.address)).toEqual([
    'gm:lobby_events',
    'runtime:health_events',
  ]);
  expect(document.channels['lobbyEvents']?.messages).toEqual({
    runtime_snapshot_update: { $ref: '#/components/messages/runtime_snapshot_update' },
    game_finished: { $ref: '#/components/messages/game_finished' },
  });
  expect(document.channels['runtimeHealthEvents']?.messages).toEqual({
    runtime_health_event: { $ref: '#/components/messages/runtime_health_event' },
  });
  expect(Object.keys(messages)).toEqual([...names, 'runtime_health_event']);
  expect(document.operations).toMatchObject({
    sendRuntimeSnapshotUpdate: {
      action: 'send',
      channel: { $ref: '#/channels/lobbyEvents' },
      messages: [{ $ref: '#/channels/lobbyEvents/messages/runtime_snapshot_update' }],
    },
    sendGameFinished: {
      action: 'send',
      channel: { $ref: '#/channels/lobbyEvents' },
      messages: [{ $ref: '#/channels/lobbyEvents/messages/game_finished' }],
    },
    receiveRuntimeHealthEvent: {
      action: 'receive',
      channel: { $ref: '#/channels/runtimeHealthEvents' },
      messages: [{ $ref: '#/channels/runtimeHealthEvents/messages/runtime_health_event' }],
    },
  });
  expect(Object.keys(document.operations)).toHaveLength(3);
});

function expectFields(name: string, fields: string[]): void {
  const schema = schemas[name];
  expect(schema?.type).toBe('object');
  expect(schema?.additionalProperties).toBe(false);
  expect(schema?.required).toEqual(fields);
  expect(Object.keys(schema?.properties ?? {})).toEqual(fields);
}

test.each(MESSAGES)('%s has its entry and payload', (name, entry, payload, fields) => {
  expect(messages[name]?.name).toBe(name);
  expect(messages[name]?.payload).toEqual({ $ref: `#/components/schemas/${entry}` });
  expectFields(entry, ['event_type', 'event_id', 'payload']);
  expect(schemas[entry]?.properties).toMatchObject({
    event_type: { type: 'string', const: name },
    payload: {
      type: 'string',
      contentMediaType: 'application/json',
      contentSchema: { $ref: `#/components/schemas/${payload}` },
    },
  });
  expectFields(payload, fields);
});

test('the statistics have their fields', () => {
  expectFields('PlayerTurnStats', ['user_id', 'planets', 'population']);
});

test('statuses and health are those of the contract', () => {
  const snapshot = schemas['RuntimeSnapshotUpdate']?.properties;
  expect(snapshot?.['runtime_status']?.enum).toEqual([
    'running',
    'generation_failed',
    'stopped',
    'engine_unreachable',
  ]);
  expect(snapshot?.['engine_health_summary']?.enum).toEqual(ENGINE_HEALTH);
  expect(schemas['GameFinished']?.properties?.['runtime_status']?.const).toBe('finished');
});

test.each(MESSAGES)('the examples of %s are entries of it, payload included', (name, entry, payload) => {
  const examples = messages[name]?.examples ?? [];
  expect(examples).not.toEqual([]);
  for (const example of examples) {
    ajv.validate({ $ref: `document#/components/schemas/${entry}` }, example.payload);
    expect(ajv.errors).toBeNull();
    ajv.validate(
      { $ref: `document#/components/schemas/${payload}` },
      JSON.parse(example.payload['payload'] ?? ''),
    );
    expect(ajv.errors).toBeNull();
  }
});

describe('a report on an engine', () => {
  const message = messages['runtime_health_event'];
  const examples = (message?.examples ?? []).map(({ payload }) => payload);
  const [example = {}] = examples;
  const at = Number(example['occurred_at_ms']);

  function isValid(entry: Record<string, string>): boolean {
    return ajv.validate({ $ref: 'document#/components/schemas/RuntimeHealthEventEntry' }, entry);
  }

  /** What the consumer makes of the entry: its type, or null where it is put aside. */
  function typeOf(entry: Record<string, string>): string | null {
    try {
      return parseHealthEvent(entry, at).type;
    } catch (error) {
      if (error instanceof MalformedHealthEvent) return null;
      throw error;
    }
  }

  test('has its fields, and may have others', () => {
    const schema = schemas['RuntimeHealthEventEntry'];
    expect(message).toMatchObject({
      name: 'runtime_health_event',
      payload: { $ref: '#/components/schemas/RuntimeHealthEventEntry' },
    });
    expect(schema?.required).toEqual(['game_id', 'container_id', 'event_type', 'occurred_at_ms']);
    expect(Object.keys(schema?.properties ?? {})).toEqual([...(schema?.required ?? []), 'details']);
    expect(schema?.properties?.['event_type']?.enum).toEqual(HEALTH_EVENTS);
    expect(schema?.properties?.['details']?.contentMediaType).toBe('application/json');
    expect(schema?.additionalProperties).toEqual({ type: 'string' });
  });

  test('has an example of each type, which the consumer takes', () => {
    expect(examples.map((entry) => entry['event_type'])).toEqual(HEALTH_EVENTS);
    expect(examples.map(isValid)).toEqual(examples.map(() => true));
    expect(examples.map(typeOf)).toEqual(HEALTH_EVENTS);
  });

  const without = (field: string) =>
    Object.fromEntries(Object.entries(example).filter(([name]) => name !== field));
  test.each<[string, Record<string, string>, boolean]>([
    ['without game_id', without('game_id'), false],
    ['without container_id', without('container_id'), false],
    ['without event_type', without('event_type'), false],
    ['without occurred_at_ms', without('occurred_at_ms'), false],
    ['without details', without('details'), true],
    ['with another field', { ...example, region: 'north' }, true],
    ['of the longest game', { ...example, game_id: 'g'.repeat(64) }, true],
    ['of a game too long', { ...example, game_id: 'g'.repeat(65) }, false],
    ['of no game', { ...example, game_id: '' }, false],
    ['of a path', { ...example, game_id: '../orion' }, false],
    ['of the longest container', { ...example, container_id: '🌊'.repeat(256) }, true],
    ['of a container too long', { ...example, container_id: 'c'.repeat(257) }, false],
    ['of no container', { ...example, container_id: '' }, false],
    ['of a type in capitals', { ...example, event_type: 'HEALTHY' }, false],
    ['of an unknown type', { ...example, event_type: 'container_bored' }, false],
    ['of the first moment', { ...example, occurred_at_ms: '0' }, true],
    ['of a time with a sign', { ...example, occurred_at_ms: '+1' }, false],
    ['of a time with a fraction', { ...example, occurred_at_ms: '1.5' }, false],
    ['of a time with blanks', { ...example, occurred_at_ms: ' 1' }, false],
    ['of a time in digits of elsewhere', { ...example, occurred_at_ms: '١' }, false],
    ['of a time too long', { ...example, occurred_at_ms: '1'.repeat(16) }, false],
  ])('%s is to the consumer what it is to the schema', (_what, entry, valid) => {
    expect([isValid(entry), typeOf(entry) !== null]).toEqual([valid, valid]);
  });

  test('what a schema cannot say is put aside too', () => {
    expect(typeOf({ ...example, details: 'in words' })).toBeNull();
    expect(typeOf({ ...example, occurred_at_ms: (at + 86_400_000).toString() })).toBe('healthy');
    expect(typeOf({ ...example, occurred_at_ms: (at + 86_400_001).toString() })).toBeNull();
  });
});
