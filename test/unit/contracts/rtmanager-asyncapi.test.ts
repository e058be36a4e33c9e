import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Parser } from '@asyncapi/parser';
import Ajv2020 from 'ajv/dist/2020';
import { parse } from 'yaml';
import { parseHealthEvent } from '../../../domain/health-events';
import { START_ERRORS } from '../../../platform/rtmanager/driver';

const source = readFileSync(join(__dirname, '../../../platform/rtmanager/asyncapi.yaml'), 'utf8');

interface Schema {
  type?: string;
  enum?: string[];
  additionalProperties?: boolean;
  required?: string[];
  properties?: Record<string, Schema>;
  contentSchema?: { $ref: string };
}

interface Document {
  channels: Record<string, { address: string; messages: Record<string, unknown> }>;
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

/** Each message with its channel, what is done with it, the schema of its entry and the fields of that. */
const MESSAGES: {
  name: string;
  channel: [name: string, address: string];
  operation: [id: string, action: string];
  entry: string;
  fields: string[];
}[] = [
  {
    name: 'start_job',
    channel: ['startJobs', 'runtime:start_jobs'],
    operation: ['receiveStartJob', 'receive'],
    entry: 'StartJob',
    fields: ['game_id', 'image_ref', 'requested_at_ms'],
  },
  {
    name: 'stop_job',
    channel: ['stopJobs', 'runtime:stop_jobs'],
    operation: ['receiveStopJob', 'receive'],
    entry: 'StopJob',
    fields: ['game_id', 'reason', 'requested_at_ms'],
  },
  {
    name: 'job_result',
    channel: ['jobResults', 'runtime:job_results'],
    operation: ['sendJobResult', 'send'],
    entry: 'JobResult',
    fields: [
      'job',
      'game_id',
      'requested_at_ms',
      'outcome',
      'container_id',
      'engine_endpoint',
      'error_code',
      'error_message',
    ],
  },
  {
    name: 'health_event',
    channel: ['healthEvents', 'runtime:health_events'],
    operation: ['sendHealthEvent', 'send'],
    entry: 'HealthEvent',
    fields: ['game_id', 'container_id', 'event_type', 'occurred_at_ms', 'details'],
  },
];

test('is a valid AsyncAPI 3.1.0 document', async () => {
  const { document: parsed, diagnostics } = await new Parser().parse(source);
  expect(diagnostics).toEqual([]);
  expect(parsed?.version()).toBe('3.1.0');
});

test('has these channels, operations and messages, and no others', () => {
  const channels = MESSAGES.map(({ name, channel: [id, address] }) => [
    id,
    { address, messages: { [name]: { $ref: `#/components/messages/${name}` } } },
  ]);
  const operations = MESSAGES.map(({ name, channel: [channel], operation: [id, action] }) => [
    id,
    {
      action,
      channel: { $ref: `#/channels/${channel}` },
      messages: [{ $ref: `#/channels/${channel}/messages/${name}` }],
    },
  ]);
  expect(document.channels).toMatchObject(Object.fromEntries(channels) as object);
  expect(document.operations).toMatchObject(Object.fromEntries(operations) as object);
  expect(Object.keys(document.channels)).toHaveLength(MESSAGES.length);
  expect(Object.keys(document.operations)).toHaveLength(MESSAGES.length);
  expect(Object.keys(messages)).toEqual(MESSAGES.map(({ name }) => name));
});

test.each(MESSAGES)('$name has its fields, and takes no unknown one', ({ name, entry, fields }) => {
  expect(messages[name]?.name).toBe(name);
  expect(messages[name]?.payload).toEqual({ $ref: `#/components/schemas/${entry}` });
  const schema = schemas[entry];
  expect([schema?.type, schema?.additionalProperties]).toEqual(['object', false]);
  expect(schema?.required).toEqual(fields);
  expect(Object.keys(schema?.properties ?? {})).toEqual(fields);
});

test.each(MESSAGES)('the examples of $name are entries of it', ({ name, entry }) => {
  const examples = messages[name]?.examples ?? [];
  expect(examples).not.toEqual([]);
  for (const { payload } of examples) {
    ajv.validate({ $ref: `document#/components/schemas/${entry}` }, payload);
    expect(ajv.errors).toBeNull();
    if (payload['details'] === undefined) continue;
    ajv.validate({ $ref: 'document#/components/schemas/HealthDetails' }, JSON.parse(payload['details']));
    expect(ajv.errors).toBeNull();
  }
});

test('error codes are those of the code', () => {
  expect(schemas['JobResult']?.properties?.['error_code']?.enum).toEqual(['', ...START_ERRORS]);
});

test('Game Master understands every type of health event, and no other', () => {
  const types = schemas['HealthEvent']?.properties?.['event_type']?.enum ?? [];
  expect(types).toEqual([
    'healthy',
    'container_started',
    'container_exited',
    'container_oom',
    'container_disappeared',
    'inspect_unhealthy',
    'probe_failed',
    'probe_recovered',
  ]);
  for (const event_type of types) {
    const entry = { game_id: 'orion', container_id: 'c1', event_type, occurred_at_ms: '1', details: '{}' };
    expect(parseHealthEvent(entry, Date.now()).type).toBe(event_type);
  }
});
