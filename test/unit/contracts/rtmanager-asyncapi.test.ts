import { START_ERRORS } from '../../../platform/rtmanager/driver';
import { createLogger } from '../../../platform/service/logging';
import { jobResults } from '../../../platform/lobby/streams/job-results';
import { parseHealthEvent } from '../../../domain/health-events';
import { AsyncApiDocument } from './asyncapi-document';

// The tables below are written by hand, not derived: whoever changes the contract changes them too, knowingly.

const document = new AsyncApiDocument('platform/rtmanager/asyncapi.yaml');
const { messages, schemas } = document.root.components;

const ENTRIES: Record<string, string[]> = {
  StartJob: ['game_id', 'image_ref', 'requested_at_ms'],
  StopJob: ['game_id', 'reason?', 'requested_at_ms?'],
  JobResult: [
    'job?',
    'game_id',
    'requested_at_ms?',
    'outcome',
    'container_id',
    'engine_endpoint',
    'error_code',
    'error_message',
  ],
  HealthEvent: ['game_id', 'container_id', 'event_type', 'occurred_at_ms', 'details'],
};

const HEALTH_EVENTS = [
  'healthy',
  'container_started',
  'container_exited',
  'container_oom',
  'container_disappeared',
  'inspect_unhealthy',
  'probe_failed',
  'probe_recovered',
];

const examples = (name: string) => messages[name]?.examples.map(({ payload }) => payload) ?? [];
const choicesOf = (schema: string, field: string) =>
  (schemas[schema]?.properties?.[field] as { enum?: string[] } | undefined)?.enum;

test('is a valid AsyncAPI 3.1.0 document', async () => {
  expect(document.root.asyncapi).toBe('3.1.0');
  expect(await document.problems()).toEqual([]);
});

test('has these operations and messages, and no others', () => {
  expect(document.operations()).toEqual([
    'receiveStartJob receive runtime:start_jobs start_job',
    'receiveStopJob receive runtime:stop_jobs stop_job',
    'sendJobResult send runtime:job_results job_result',
    'sendHealthEvent send runtime:health_events health_event',
  ]);
  expect(Object.keys(document.root.channels)).toHaveLength(4);
  expect(Object.keys(messages)).toEqual(['start_job', 'stop_job', 'job_result', 'health_event']);
});

test.each(Object.entries(ENTRIES))('%s has its fields, and takes no unknown one', (name, fields) => {
  expect(document.fieldsOf(name)).toEqual(fields);
});

test('what details may say is said', () => {
  expect(schemas['HealthDetails']?.additionalProperties).toBe(false);
  expect(Object.keys(schemas['HealthDetails']?.properties ?? {})).toEqual([
    'image_ref',
    'exit_code',
    'reason',
    'in_a_row',
    'error',
  ]);
});

test('choices are those of the code', () => {
  expect(choicesOf('JobResult', 'error_code')).toEqual(['', ...START_ERRORS]);
  expect(choicesOf('JobResult', 'outcome')).toEqual(['success', 'failure']);
  expect(choicesOf('HealthEvent', 'event_type')).toEqual(HEALTH_EVENTS);
});

test.each(Object.keys(messages))('the examples of %s are entries of it', (name) => {
  expect(examples(name)).not.toEqual([]);
  for (const example of examples(name)) expect(document.check(example)).toBe(name);
});

test('Game Master understands every type of health event, and describes them alike', () => {
  const received = new AsyncApiDocument('api/runtime-events-asyncapi.yaml');
  for (const event_type of HEALTH_EVENTS) {
    const entry = { game_id: 'orion', container_id: 'c1', event_type, occurred_at_ms: '1', details: '{}' };
    expect(parseHealthEvent(entry, Date.now()).type).toBe(event_type);
    expect(document.check(entry)).toBe('health_event');
    expect(received.check(entry)).toBe('runtime_health_event');
  }
  for (const example of examples('health_event'))
    expect(received.check(example)).toBe('runtime_health_event');
});

test('Lobby understands every result', () => {
  const outgoing = { startJobs: 'start', stopJobs: 'stop', intents: 'intents' };
  const log = createLogger({ level: 'silent', name: 'test' });
  const { read } = jobResults({ stream: 'results', outgoing, log });
  for (const example of examples('job_result')) {
    expect(read(example)).toMatchObject({ job: example['job'] ?? 'start', game_id: example['game_id'] });
  }
});
