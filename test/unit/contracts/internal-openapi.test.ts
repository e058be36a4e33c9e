import { ENGINE_HEALTH } from '../../../domain/engine-health';
import { ERROR_CODES } from '../../../domain/errors';
import { CALLERS, OPERATION_KINDS } from '../../../domain/operation';
import { RUNTIME_STATUSES } from '../../../domain/runtime-status';
import { entries, expectExamplesToFit, fieldsOf, OpenApiDocument } from './openapi-document';

// The tables below are written by hand, not derived: whoever changes the contract changes them too, knowingly.

const document = new OpenApiDocument('api/internal-openapi.yaml');
const API = '/api/v1/internal';

const GAME = ['game_id path*'];
const VERSION = ['version path*'];
const PAGE = ['limit query', 'cursor query'];
const OPERATION = ['Idempotency-Key header', 'X-Galaxy-Caller header', 'X-Actor header'];
const CALLER = ['X-Galaxy-Caller header'];
const PLAYER = ['X-User-ID header*'];

const INVALID = { 400: ['invalid_request'] };
const ALWAYS = {
  401: ['unauthorized'],
  403: ['forbidden'],
  429: ['too_many_requests'],
  500: ['internal_error'],
  503: ['service_unavailable'],
  ...INVALID,
};
const BODY = { 413: ['invalid_request'], 415: ['invalid_request'] };
const NO_RUNTIME = { 404: ['runtime_not_found'] };
const NO_VERSION = { 404: ['engine_version_not_found'] };
const CONFLICT = { 409: ['conflict'] };
const ENGINE = { 422: ['engine_validation_error'], 502: ['engine_unreachable'] };
const HOT_PATH = { ...ALWAYS, ...NO_RUNTIME, 409: ['runtime_not_running'], ...ENGINE };

interface Row {
  at: [method: string, path: string];
  parameters: string[];
  request: string | null;
  /** Status and schema; `inline` for the engine's own answers. */
  success: [status: string, schema: string | null];
  errors: Record<string, string[]>;
}

const OPERATIONS: Record<string, Row> = {
  internalHealthz: {
    at: ['GET', '/healthz'],
    parameters: [],
    request: null,
    success: ['200', 'Health'],
    errors: {},
  },
  internalReadyz: {
    at: ['GET', '/readyz'],
    parameters: [],
    request: null,
    success: ['200', 'Readiness'],
    errors: {},
  },
  internalRegisterRuntime: {
    at: ['POST', `${API}/games/{game_id}/register-runtime`],
    parameters: [...GAME, ...OPERATION],
    request: 'RegisterRuntimeRequest',
    success: ['201', 'RuntimeRecord'],
    errors: { ...ALWAYS, ...BODY, ...NO_VERSION, 409: ['conflict', 'engine_version_deprecated'], ...ENGINE },
  },
  internalGetRuntime: {
    at: ['GET', `${API}/runtimes/{game_id}`],
    parameters: [...GAME, ...CALLER],
    request: null,
    success: ['200', 'RuntimeRecord'],
    errors: { ...ALWAYS, ...NO_RUNTIME },
  },
  internalListRuntimes: {
    at: ['GET', `${API}/runtimes`],
    parameters: [...CALLER, 'status query', ...PAGE],
    request: null,
    success: ['200', 'RuntimePage'],
    errors: ALWAYS,
  },
  internalForceNextTurn: {
    at: ['POST', `${API}/runtimes/{game_id}/force-next-turn`],
    parameters: [...GAME, ...OPERATION],
    request: null,
    success: ['200', 'RuntimeRecord'],
    errors: {
      ...ALWAYS,
      ...BODY,
      ...NO_RUNTIME,
      ...CONFLICT,
      422: ['engine_validation_error'],
      502: ['engine_unreachable', 'turn_mismatch'],
    },
  },
  internalStopRuntime: {
    at: ['POST', `${API}/runtimes/{game_id}/stop`],
    parameters: [...GAME, ...OPERATION],
    request: 'StopRuntimeRequest',
    success: ['200', 'RuntimeRecord'],
    errors: { ...ALWAYS, ...BODY, ...NO_RUNTIME, ...CONFLICT },
  },
  internalPatchRuntime: {
    at: ['POST', `${API}/runtimes/{game_id}/patch`],
    parameters: [...GAME, ...OPERATION],
    request: 'PatchRuntimeRequest',
    success: ['200', 'RuntimeRecord'],
    errors: {
      ...ALWAYS,
      ...BODY,
      404: ['runtime_not_found', 'engine_version_not_found'],
      409: ['conflict', 'semver_patch_only', 'engine_version_deprecated'],
    },
  },
  internalBanishRace: {
    at: ['POST', `${API}/runtimes/{game_id}/banish`],
    parameters: [...GAME, ...OPERATION],
    request: 'BanishRaceRequest',
    success: ['204', null],
    errors: { ...ALWAYS, ...BODY, 404: ['runtime_not_found', 'race_not_found'], ...CONFLICT, ...ENGINE },
  },
  internalInvalidateMemberships: {
    at: ['POST', `${API}/games/{game_id}/memberships/invalidate`],
    parameters: [...GAME, ...CALLER],
    request: null,
    success: ['204', null],
    errors: { ...ALWAYS, ...BODY },
  },
  internalGameLiveness: {
    at: ['GET', `${API}/games/{game_id}/liveness`],
    parameters: [...GAME, ...CALLER],
    request: null,
    success: ['200', 'Liveness'],
    errors: ALWAYS,
  },
  internalListEngineVersions: {
    at: ['GET', `${API}/engine-versions`],
    parameters: [...CALLER, 'status query'],
    request: null,
    success: ['200', 'EngineVersionList'],
    errors: ALWAYS,
  },
  internalCreateEngineVersion: {
    at: ['POST', `${API}/engine-versions`],
    parameters: CALLER,
    request: 'CreateEngineVersionRequest',
    success: ['201', 'EngineVersion'],
    errors: { ...ALWAYS, ...BODY, ...CONFLICT },
  },
  internalGetEngineVersion: {
    at: ['GET', `${API}/engine-versions/{version}`],
    parameters: [...VERSION, ...CALLER],
    request: null,
    success: ['200', 'EngineVersion'],
    errors: { ...ALWAYS, ...NO_VERSION },
  },
  internalUpdateEngineVersion: {
    at: ['PATCH', `${API}/engine-versions/{version}`],
    parameters: [...VERSION, ...CALLER],
    request: 'UpdateEngineVersionRequest',
    success: ['200', 'EngineVersion'],
    errors: { ...ALWAYS, ...BODY, ...NO_VERSION },
  },
  internalDeprecateEngineVersion: {
    at: ['POST', `${API}/engine-versions/{version}/deprecate`],
    parameters: [...VERSION, ...CALLER],
    request: null,
    success: ['200', 'EngineVersion'],
    errors: { ...ALWAYS, ...BODY, ...NO_VERSION },
  },
  internalDeleteEngineVersion: {
    at: ['DELETE', `${API}/engine-versions/{version}`],
    parameters: [...VERSION, ...CALLER],
    request: null,
    success: ['204', null],
    errors: { ...ALWAYS, ...BODY, ...NO_VERSION, 409: ['engine_version_in_use'] },
  },
  internalResolveEngineVersionImageRef: {
    at: ['GET', `${API}/engine-versions/{version}/image-ref`],
    parameters: [...VERSION, ...CALLER],
    request: null,
    success: ['200', 'ImageRef'],
    errors: { ...ALWAYS, ...NO_VERSION, 409: ['engine_version_deprecated'] },
  },
  internalExecuteCommands: {
    at: ['POST', `${API}/games/{game_id}/commands`],
    parameters: [...GAME, ...CALLER, ...PLAYER],
    request: 'CommandsRequest',
    success: ['2XX', 'inline'],
    errors: { ...HOT_PATH, ...BODY },
  },
  internalPutOrders: {
    at: ['PUT', `${API}/games/{game_id}/orders`],
    parameters: [...GAME, ...CALLER, ...PLAYER],
    request: 'CommandsRequest',
    success: ['2XX', 'inline'],
    errors: { ...HOT_PATH, ...BODY },
  },
  internalGetReport: {
    at: ['GET', `${API}/games/{game_id}/reports/{turn}`],
    parameters: [...GAME, 'turn path*', ...CALLER, ...PLAYER],
    request: null,
    success: ['2XX', 'inline'],
    errors: HOT_PATH,
  },
  internalListOperations: {
    at: ['GET', `${API}/runtimes/{game_id}/operations`],
    parameters: [...GAME, ...CALLER, ...PAGE],
    request: null,
    success: ['200', 'OperationPage'],
    errors: { ...ALWAYS, ...NO_RUNTIME },
  },
};

/** Every field of every object; a question mark where it may be absent. */
const OBJECTS: Record<string, string[]> = {
  ErrorEnvelope: ['error'],
  'ErrorEnvelope/properties/error': ['code', 'message'],
  Health: ['status'],
  Readiness: ['status', 'checks'],
  'Readiness/properties/checks': ['postgres', 'temporal'],
  Member: ['user_id', 'race_name'],
  RegisterRuntimeRequest: ['engine_endpoint', 'members', 'target_engine_version', 'turn_schedule'],
  StopRuntimeRequest: ['reason'],
  PatchRuntimeRequest: ['version'],
  BanishRaceRequest: ['race_name'],
  RuntimeRecord: [
    'game_id',
    'status',
    'engine_endpoint',
    'current_image_ref',
    'current_engine_version',
    'turn_schedule',
    'current_turn',
    'next_generation_at',
    'skip_next_tick',
    'engine_health',
    'created_at',
    'updated_at',
    'started_at',
    'stopped_at',
    'finished_at',
  ],
  RuntimePage: ['runtimes', 'next_cursor'],
  Operation: [
    'operation_id',
    'game_id',
    'kind',
    'source',
    'actor',
    'status_from',
    'status_to',
    'outcome',
    'error_code',
    'error_message',
    'started_at',
    'finished_at',
  ],
  OperationPage: ['operations', 'next_cursor'],
  Liveness: ['ready', 'status'],
  EngineVersion: ['version', 'image_ref', 'options', 'status', 'created_at', 'updated_at'],
  EngineVersionList: ['engine_versions'],
  CreateEngineVersionRequest: ['version', 'image_ref', 'options?'],
  UpdateEngineVersionRequest: ['image_ref?', 'options?', 'status?'],
  ImageRef: ['image_ref'],
  CommandsRequest: ['commands'],
};

/** The two places where any JSON object is let through. */
const FREE_OBJECTS = ['EngineOptions', 'CommandsRequest/properties/commands/items'];

const schema = (name: string) => `/components/schemas/${name}`;
const ids = Object.keys(OPERATIONS);

test('is a valid OpenAPI 3.1 document', async () => {
  expect(document.root['openapi']).toBe('3.1.0');
  expect(await document.problems()).toEqual([]);
});

test('has these operations and no others', () => {
  expect([...document.operations().keys()].sort()).toEqual([...ids].sort());
  expect(ids).toHaveLength(22);
});

describe.each(Object.entries(OPERATIONS))('%s', (id, row) => {
  test('has its method and path', () => {
    const { method, path } = document.operation(id);
    expect([method, path]).toEqual(row.at);
  });

  test('has its parameters', () => {
    expect(document.parametersOf(id)).toEqual(row.parameters);
  });

  test('has its request body', () => {
    const body = document.operation(id).node['requestBody'];
    expect(document.bodyOf(body)).toBe(row.request);
    if (row.request !== null) {
      expect(body?.['required']).toBe(true);
      expect(Object.keys(body?.['content'] ?? {})).toEqual(['application/json']);
    }
  });

  test('has its one success', () => {
    const successes = document.responsesOf(id).filter(([status]) => status.startsWith('2'));
    expect(successes.map(([status, response]) => [status, document.bodyOf(response)])).toEqual([row.success]);
  });

  test('has its error codes, in the envelope', () => {
    expect(document.errorCodesOf(id)).toEqual(row.errors);
    for (const [status, response] of document.responsesOf(id)) {
      if (response['x-error-codes'] !== undefined)
        expect([status, document.bodyOf(response)]).toEqual([status, 'ErrorEnvelope']);
    }
  });

  test('says when to come back after 429 and 503', () => {
    for (const [status, response] of document.responsesOf(id)) {
      if (status !== '429' && (status !== '503' || id === 'internalReadyz')) continue;
      const header = document.resolve(response['headers']?.['Retry-After'] ?? {});
      expect([status, header['required']]).toEqual([status, true]);
    }
  });

  test('returns the idempotency key exactly where it takes one', () => {
    const success = document.responsesOf(id).find(([status]) => status.startsWith('2'))?.[1];
    const header = success?.['headers']?.['Idempotency-Key'];
    const takesKey = row.parameters.includes('Idempotency-Key header');
    expect(header === undefined ? undefined : document.resolve(header)['required']).toBe(
      takesKey ? true : undefined,
    );
  });

  test('is described, with examples of its bodies', () => {
    const { node } = document.operation(id);
    expect(typeof node['summary']).toBe('string');
    expect(typeof node['description']).toBe('string');
    if (row.request !== null) expect(document.exampleNamesOf(node['requestBody'])).not.toEqual([]);
    for (const [status, response] of document.responsesOf(id)) {
      if (response['content'] !== undefined)
        expect([status, document.exampleNamesOf(response)]).not.toEqual([status, []]);
    }
  });
});

test('a failing readiness check answers in the same shape', () => {
  const responses = document.responsesOf('internalReadyz');
  expect(responses.map(([status, response]) => [status, document.bodyOf(response)])).toEqual([
    ['200', 'Readiness'],
    ['503', 'Readiness'],
  ]);
});

test('no object takes unknown fields but the free ones', () => {
  const all = document.objectSchemas().map((pointer) => pointer.replace(schema(''), ''));
  expect(all.sort()).toEqual([...Object.keys(OBJECTS), ...FREE_OBJECTS].sort());
  for (const name of Object.keys(OBJECTS)) {
    expect([name, document.at(schema(name))['additionalProperties']]).toEqual([name, false]);
  }
  for (const name of FREE_OBJECTS) {
    expect([name, document.at(schema(name))['additionalProperties']]).toEqual([name, true]);
  }
});

test.each(Object.entries(OBJECTS))('%s has its fields', (name, fields) => {
  expect(fieldsOf(document.at(schema(name)))).toEqual(fields);
});

test.each<[string, readonly unknown[]]>([
  [
    'RuntimeStatus',
    [
      'starting',
      'running',
      'generation_in_progress',
      'generation_failed',
      'stopped',
      'engine_unreachable',
      'finished',
    ],
  ],
  ['RuntimeStatus', RUNTIME_STATUSES],
  [
    'EngineHealth',
    ['healthy', 'probe_failed', 'inspect_unhealthy', 'exited', 'oom', 'disappeared', 'turn_mismatch'],
  ],
  ['EngineHealth', ENGINE_HEALTH],
  ['ErrorCode', ERROR_CODES],
  ['EngineVersionStatus', ['active', 'deprecated']],
  ['DependencyState', ['up', 'down']],
  ['Health/properties/status', ['ok']],
  ['Readiness/properties/status', ['ready', 'not_ready']],
  ['Liveness/properties/status', ['unregistered', ...RUNTIME_STATUSES]],
  ['Operation/properties/kind', ['register', 'turn', 'force', 'stop', 'patch', 'banish', 'finish', 'health']],
  ['Operation/properties/kind', OPERATION_KINDS],
  ['Operation/properties/outcome', ['success', 'failure']],
  ['Operation/properties/source', [...CALLERS, 'scheduler', 'runtime_manager', null]],
])('%s has its values', (name, values) => {
  expect(document.at(schema(name))['enum']).toEqual(values);
});

test('every error code belongs to an operation or to any address', () => {
  const used = ids.flatMap((id) => Object.values(document.errorCodesOf(id)).flat());
  expect(new Set([...used, 'not_found', 'method_not_allowed'])).toEqual(new Set(ERROR_CODES));
});

test('every example fits its schema, and every error its response', () => {
  expectExamplesToFit(document, { moreThan: 60 });
});

test('tokens are optional, and the probes need none', () => {
  expect(document.root['security']).toEqual([{}, { callerToken: [] }]);
  expect(document.at('/components/securitySchemes/callerToken')).toMatchObject({
    type: 'http',
    scheme: 'bearer',
  });
  for (const id of ids) {
    const open = id === 'internalHealthz' || id === 'internalReadyz';
    expect([id, document.operation(id).node['security']]).toEqual([id, open ? [] : undefined]);
  }
});

describe('limits', () => {
  const members = (count: number) =>
    Array.from({ length: count }, (_, i) => ({ user_id: `u${i}`, race_name: `r${i}` }));
  const registration = (changes: object) => ({
    engine_endpoint: 'http://galaxy-game-1:8080',
    members: members(1),
    target_engine_version: '1.0.0',
    turn_schedule: '* * * * *',
    ...changes,
  });
  const x = (length: number) => 'x'.repeat(length);
  const parameter = (name: string) => `/components/parameters/${name}/schema`;

  test.each<[pointer: string, accepted: unknown[], refused: unknown[]]>([
    [schema('GameId'), ['a', 'A-z_9', x(64)], ['', x(65), 'a b', 'a/b', 'ж']],
    [schema('UserId'), ['a', 'me@x.y:1_-', x(128)], ['', x(129), 'a b', 'a/b']],
    [
      schema('RaceName'),
      ['Z', 'Ёжики 7', '🚀'.repeat(64), x(64)],
      ['', x(65), '🚀'.repeat(65), 'a\nb', 'a\0', 'a\u200bb', 'a\u202eb', 'a\u2028b'],
    ],
    [schema('IdempotencyKey'), ['k', '~!', x(128)], ['', x(129), 'a b', 'ä', 'a\tb']],
    [parameter('Limit'), [1, 50, 200], [0, 201, 1.5, '5']],
    [parameter('Caller'), ['lobby', 'gateway', 'admin', 'operator'], ['', 'Lobby', 'scheduler']],
    [parameter('Actor'), ['a', 'Ann Lee', x(128)], ['', ' a', 'a ', x(129), 'ä', 'a\nb']],
    [schema('Cursor'), ['abc-_'], ['', 'a=', x(513)]],
    [
      schema('SemanticVersion'),
      ['0.0.0', '1.2.3', '10.20.30-rc.1', '9007199254740991.0.0', '1.0.0--', '1.0.0-0a'],
      ['', '1', '1.2', 'v1.2.3', '01.2.3', '1.2.3+b1', '1.2.3-01', '1.2.3-', '1.2.3 ', '=1.2.3'],
    ],
    [
      schema('ImageReference'),
      [
        'engine:1',
        'localhost:5000/engine:1',
        '[::1]:5000/engine:1',
        '[2001:DB8::1]/galaxy/engine:1',
        'registry.example/galaxy/engine:1.4.2-rc_1',
        `engine@sha256:${'a'.repeat(64)}`,
        `a.b:1/c__d/e-f:t@sha512:${'0'.repeat(128)}`,
      ],
      [
        '',
        'engine',
        'a/b',
        '[]/a:1',
        '[::1/a:1',
        'Engine:1',
        'engine:',
        `engine@sha256:${'a'.repeat(63)}`,
        'a//b:1',
        'a:-1',
        'a_:1',
        ':1',
      ],
    ],
    [
      schema('EngineEndpoint'),
      ['http://galaxy-game-1:8080', 'https://h', 'HTTP://h', 'http://h/', 'http://[::1]:80'],
      [
        '',
        'h:80',
        'ftp://h',
        'http://',
        'http://u:p@h',
        'http://h/path',
        'http://h?q',
        'http://h#f',
        'http://h\\x',
      ],
    ],
    [
      schema('StopRuntimeRequest'),
      [{ reason: 'r' }, { reason: 'ж'.repeat(500) }],
      [{}, { reason: '' }, { reason: x(501) }, { reason: 'a\0' }, { reason: 'r', why: 1 }],
    ],
    [
      schema('RegisterRuntimeRequest'),
      [registration({}), registration({ members: members(200) })],
      [
        registration({ members: [] }),
        registration({ members: members(201) }),
        registration({ members: [...members(1), ...members(1)] }),
        registration({ members: [{ user_id: 'u' }] }),
        registration({ members: [{ user_id: 'u', race_name: 'r', admin: true }] }),
        registration({ turn_schedule: '* * * *' }),
        registration({ game_id: 'g' }),
      ],
    ],
    [
      schema('CommandsRequest'),
      [{ commands: [] }, { commands: [{}, { a: { b: [] } }] }, { commands: Array(1000).fill({}) }],
      [
        {},
        { commands: Array(1001).fill({}) },
        { commands: [[]] },
        { commands: ['x'] },
        { commands: [], actor: 'Zerg' },
      ],
    ],
    [
      schema('CreateEngineVersionRequest'),
      [
        { version: '1.0.0', image_ref: 'e:1' },
        { version: '1.0.0', image_ref: 'e:1', options: { a: [1] } },
      ],
      [
        { version: '1.0.0' },
        { version: '1.0.0', image_ref: 'e:1', options: [] },
        { version: '1.0.0', image_ref: 'e:1', status: 'active' },
      ],
    ],
    [
      schema('UpdateEngineVersionRequest'),
      [{ options: {} }, { status: 'active' }],
      [{}, { version: '1.0.0' }, { options: null }],
    ],
    [
      '/paths/~1api~1v1~1internal~1games~1{game_id}~1reports~1{turn}/parameters/1/schema',
      [0, 7],
      [-1, 0.5, '7'],
    ],
  ])('%s', (pointer, accepted, refused) => {
    const validate = document.validator(pointer);
    for (const value of accepted) expect([value, validate(value)]).toEqual([value, true]);
    for (const value of refused) expect([value, validate(value)]).toEqual([value, false]);
  });
});

test('times that have not happened are null', () => {
  const record = document.at(schema('RuntimeRecord'))['properties'];
  const nullable = entries(record).filter(([, node]) => JSON.stringify(node['type']) === '["string","null"]');
  expect(nullable.map(([name]) => name)).toEqual([
    'next_generation_at',
    'started_at',
    'stopped_at',
    'finished_at',
  ]);
  for (const [, node] of nullable) expect(node['format']).toBe('date-time');
});
