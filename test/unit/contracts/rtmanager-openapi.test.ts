import { START_ERRORS } from '../../../platform/rtmanager/driver';
import { HEALTHS, RUNTIME_STATUSES } from '../../../platform/rtmanager/runtime';
import { RuntimeManagerClient } from '../../../clients/runtime-manager';
import { TestRuntimeManager } from '../../support/test-runtime-manager';
import { expectExamplesToFit, fieldsOf, OpenApiDocument } from './openapi-document';

// The tables below are written by hand, not derived: whoever changes the contract changes them too, knowingly.

const document = new OpenApiDocument('platform/rtmanager/openapi.yaml');
const ROOT = '/api/v1/internal/runtimes';
const GAME = ['game_id path*'];
const ALWAYS = { 400: ['invalid_request'], 500: ['internal_error'], 503: ['service_unavailable'] };
const UNKNOWN = { 404: ['runtime_not_found'] };
const BODY = { 413: ['invalid_request'], 415: ['invalid_request'] };
const START = {
  409: ['conflict'],
  422: ['start_config_invalid', 'image_pull_failed', 'container_start_failed'],
};

type Row = [
  method: string,
  path: string,
  parameters: string[],
  request: string | null,
  success: string,
  errors: Record<string, string[]>,
];

const OPERATIONS: Record<string, Row> = {
  healthz: ['GET', '/healthz', [], null, 'Health', {}],
  readyz: ['GET', '/readyz', [], null, 'Readiness', {}],
  listRuntimes: ['GET', ROOT, ['status query', 'limit query', 'cursor query'], null, 'RuntimeList', ALWAYS],
  getRuntime: ['GET', `${ROOT}/{game_id}`, GAME, null, 'Runtime', { ...ALWAYS, ...UNKNOWN }],
  stopRuntime: [
    'POST',
    `${ROOT}/{game_id}/stop`,
    GAME,
    'StopRequest',
    'Runtime',
    { ...ALWAYS, ...UNKNOWN, ...BODY },
  ],
  restartRuntime: [
    'POST',
    `${ROOT}/{game_id}/restart`,
    GAME,
    null,
    'Runtime',
    { ...ALWAYS, ...UNKNOWN, ...START },
  ],
  patchRuntime: [
    'POST',
    `${ROOT}/{game_id}/patch`,
    GAME,
    'PatchRequest',
    'Runtime',
    { ...ALWAYS, ...UNKNOWN, ...BODY, ...START },
  ],
};

const OBJECTS: Record<string, string[]> = {
  Health: ['status'],
  Readiness: ['status', 'checks'],
  StopRequest: ['reason'],
  PatchRequest: ['image_ref'],
  RuntimeList: ['runtimes', 'next_cursor'],
  Runtime: [
    'game_id',
    'status',
    'image_ref',
    'container_id',
    'engine_endpoint',
    'health',
    'created_at',
    'started_at',
    'ended_at',
  ],
  ErrorEnvelope: ['error'],
  'ErrorEnvelope/properties/error': ['code', 'message'],
};
const FREE_OBJECTS = ['Readiness/properties/checks'];

const schema = (name: string) => `/components/schemas/${name}`;

test('is a valid OpenAPI 3.1 document', async () => {
  expect(document.root['openapi']).toBe('3.1.0');
  expect(await document.problems()).toEqual([]);
});

test('has these operations and no others', () => {
  const found = [...document.operations()].map(([id, { method, path, node }]) => {
    const [success] = document.responsesOf(id).filter(([status]) => status === '200');
    const row: Row = [
      method,
      path,
      document.parametersOf(id),
      document.bodyOf(node['requestBody']),
      document.bodyOf(success?.[1]) ?? '',
      document.errorCodesOf(id),
    ];
    return [id, row];
  });
  expect(Object.fromEntries(found)).toEqual(OPERATIONS);
});

test('every failure has the envelope', () => {
  for (const id of Object.keys(OPERATIONS)) {
    for (const [status, response] of document.responsesOf(id)) {
      if (response['x-error-codes'] === undefined) continue;
      expect([id, status, document.bodyOf(response)]).toEqual([id, status, 'ErrorEnvelope']);
    }
  }
});

test('no object takes unknown fields but the free one', () => {
  const all = document.objectSchemas().map((pointer) => pointer.replace(schema(''), ''));
  expect(all.sort()).toEqual([...Object.keys(OBJECTS), ...FREE_OBJECTS].sort());
  for (const name of Object.keys(OBJECTS)) {
    expect([name, document.at(schema(name))['additionalProperties']]).toEqual([name, false]);
  }
});

test.each(Object.entries(OBJECTS))('%s has its fields', (name, fields) => {
  expect(fieldsOf(document.at(schema(name)))).toEqual(fields);
});

test('statuses, health and codes are those of the code', () => {
  const { status, health } = document.at(schema('Runtime'))['properties'] ?? {};
  expect(document.resolve(status ?? {})['enum']).toEqual(RUNTIME_STATUSES);
  expect(health?.['enum']).toEqual([...HEALTHS, null]);
  expect(document.errorCodesOf('patchRuntime')['422']).toEqual(START_ERRORS);
});

test('every example fits its schema, and every error its response', () => {
  expectExamplesToFit(document, { moreThan: 15 });
});

test('Game Master asks for what is there', async () => {
  const double = await TestRuntimeManager.start();
  const client = new RuntimeManagerClient({ baseUrl: double.baseUrl, timeoutMs: 2_000 });
  await client.stop('orion', 'asked for by an administrator');
  await client.patch('orion', 'galaxy/engine:1.0.1');
  await client.close();
  await double.stop();
  expect(double.requests).toEqual(['stop orion', 'patch orion']);
  for (const [i, name] of ['StopRequest', 'PatchRequest'].entries()) {
    const validate = document.validator(schema(name));
    validate(double.bodies[i]);
    expect(validate.errors).toBeNull();
  }
});
