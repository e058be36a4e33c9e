import { Parser } from '@asyncapi/parser';
import Ajv2020 from 'ajv/dist/2020';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { ENGINE_HEALTH } from '../../../domain/engine-health';

const source = readFileSync(join(__dirname, '../../../api/runtime-events-asyncapi.yaml'), 'utf8');

interface Schema {
  type?: string;
  const?: string;
  enum?: string[];
  required?: string[];
  additionalProperties?: boolean;
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

test('is a valid AsyncAPI 3.1.0 document', async () => {
  const { document: parsed, diagnostics } = await new Parser().parse(source);
  expect(diagnostics).toEqual([]);
  expect(parsed?.version()).toBe('3.1.0');
});

test('sends its two messages on one channel, and receives none', () => {
  expect(document.asyncapi).toBe('3.1.0');
  expect(Object.values(document.channels).map((channel) => channel.address)).toEqual(['gm:lobby_events']);
  expect(document.channels['lobbyEvents']?.messages).toEqual({
    runtime_snapshot_update: { $ref: '#/components/messages/runtime_snapshot_update' },
    game_finished: { $ref: '#/components/messages/game_finished' },
  });
  expect(Object.keys(messages)).toEqual(names);
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
  });
  expect(Object.keys(document.operations)).toHaveLength(2);
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
