import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Parser } from '@asyncapi/parser';
import Ajv2020 from 'ajv/dist/2020';
import { parse } from 'yaml';

const source = readFileSync(join(__dirname, '../../../platform/lobby/asyncapi.yaml'), 'utf8');

interface Schema {
  type?: string;
  additionalProperties?: boolean;
  required?: string[];
  properties?: Record<string, { const?: string }>;
}

interface Document {
  asyncapi: string;
  channels: Record<string, { address: string; messages: Record<string, unknown> }>;
  operations: Record<string, unknown>;
  components: {
    messages: Record<string, { name: string; payload: { $ref: string }; examples: { payload: unknown }[] }>;
    schemas: Record<string, Schema>;
  };
}

const document = parse(source) as Document;
const { messages, schemas } = document.components;
const ajv = new Ajv2020({ strict: false, validateSchema: false });
ajv.addSchema(document, 'document');

/** Each message with the schema of its entry; they have the same fields. */
const MESSAGES: [name: string, entry: string][] = [
  ['user.permanently_blocked', 'UserPermanentlyBlockedEntry'],
  ['user.deleted', 'UserDeletedEntry'],
];
const FIELDS = ['event_type', 'event_id', 'user_id', 'occurred_at_ms'];

test('is a valid AsyncAPI 3.1.0 document', async () => {
  const { document: parsed, diagnostics } = await new Parser().parse(source);
  expect(diagnostics).toEqual([]);
  expect(parsed?.version()).toBe('3.1.0');
});

test('receives its two messages on one channel, and sends none', () => {
  expect(Object.values(document.channels).map(({ address }) => address)).toEqual(['user:lifecycle_events']);
  expect(document.channels['userLifecycle']?.messages).toEqual(
    Object.fromEntries(MESSAGES.map(([name]) => [name, { $ref: `#/components/messages/${name}` }])),
  );
  expect(Object.keys(messages)).toEqual(MESSAGES.map(([name]) => name));
  expect(document.operations).toEqual({
    receiveUserLifecycle: expect.objectContaining({
      action: 'receive',
      channel: { $ref: '#/channels/userLifecycle' },
      messages: MESSAGES.map(([name]) => ({ $ref: `#/channels/userLifecycle/messages/${name}` })),
    }) as unknown,
  });
});

test.each(MESSAGES)('%s has its entry, and takes no unknown field', (name, entry) => {
  expect(messages[name]?.name).toBe(name);
  expect(messages[name]?.payload).toEqual({ $ref: `#/components/schemas/${entry}` });
  const schema = schemas[entry];
  expect([schema?.type, schema?.additionalProperties]).toEqual(['object', false]);
  expect(schema?.required).toEqual(FIELDS);
  expect(Object.keys(schema?.properties ?? {})).toEqual(FIELDS);
  expect(schema?.properties?.['event_type']?.const).toBe(name);
});

test.each(MESSAGES)('the examples of %s are entries of it', (name, entry) => {
  const examples = messages[name]?.examples ?? [];
  expect(examples).not.toEqual([]);
  for (const { payload } of examples) {
    ajv.validate({ $ref: `document#/components/schemas/${entry}` }, payload);
    expect(ajv.errors).toBeNull();
  }
});
