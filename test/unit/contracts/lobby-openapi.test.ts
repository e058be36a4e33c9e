import { GAME_STATUSES } from '../../../platform/lobby/domain/game-status';
import { ENGINE_HEALTH, RUNTIME_STATUSES } from '../../../platform/lobby/domain/runtime-view';
import { expectExamplesToFit, fieldsOf, OpenApiDocument } from './openapi-document';

// The tables below are written by hand, not derived: whoever changes the contract changes them too, knowingly.

const document = new OpenApiDocument('platform/lobby/openapi.yaml');
const GAMES = '/api/v1/lobby/games';
const GAME = `${GAMES}/{game_id}`;

const ACTOR = ['X-User-ID header', 'X-Galaxy-Caller header'];
const PLAYER = ['X-User-ID header*'];
const ID = ['game_id path*'];

const ALWAYS = { 400: ['invalid_request'], 500: ['internal_error'], 503: ['service_unavailable'] };
const BODY = { 413: ['invalid_request'], 415: ['invalid_request'] };
const FORBIDDEN = { 403: ['forbidden'] };
const NO_GAME = { 404: ['game_not_found'] };
const CONFLICT = { 409: ['conflict'] };
const NO_PLACE = { 409: ['conflict', 'game_full', 'race_name_taken'] };
const DECISION = { ...ALWAYS, ...BODY, ...FORBIDDEN, ...NO_GAME, ...CONFLICT };

interface Row {
  at: [method: string, path: string];
  parameters: string[];
  request: string | null;
  success: [status: string, schema: string];
  errors: Record<string, string[]>;
}

const decision = (word: string, success: string): Row => ({
  at: ['POST', `${GAME}/${word}`],
  parameters: [...ID, ...ACTOR],
  request: null,
  success: [success, 'Game'],
  errors: DECISION,
});

const OPERATIONS: Record<string, Row> = {
  healthz: {
    at: ['GET', '/healthz'],
    parameters: [],
    request: null,
    success: ['200', 'Health'],
    errors: {},
  },
  readyz: {
    at: ['GET', '/readyz'],
    parameters: [],
    request: null,
    success: ['200', 'Readiness'],
    errors: {},
  },
  lobbyCreateGame: {
    at: ['POST', GAMES],
    parameters: ACTOR,
    request: 'CreateGameRequest',
    success: ['201', 'Game'],
    errors: { ...ALWAYS, ...BODY },
  },
  lobbyListGames: {
    at: ['GET', GAMES],
    parameters: ['status query', 'limit query', 'cursor query'],
    request: null,
    success: ['200', 'GamePage'],
    errors: ALWAYS,
  },
  lobbyGetGame: {
    at: ['GET', GAME],
    parameters: ID,
    request: null,
    success: ['200', 'Game'],
    errors: { ...ALWAYS, ...NO_GAME },
  },
  lobbyOpenEnrollment: decision('open-enrollment', '200'),
  lobbyStartGame: {
    ...decision('start', '202'),
    errors: {
      ...DECISION,
      404: ['game_not_found', 'engine_version_not_found'],
      409: ['conflict', 'not_enough_players', 'engine_version_deprecated'],
    },
  },
  lobbyPauseGame: decision('pause', '200'),
  lobbyResumeGame: decision('resume', '202'),
  lobbyCancelGame: decision('cancel', '200'),
  lobbySubmitApplication: {
    at: ['POST', `${GAME}/applications`],
    parameters: [...ID, ...PLAYER],
    request: 'RaceRequest',
    success: ['201', 'Application'],
    errors: { ...ALWAYS, ...BODY, ...FORBIDDEN, ...NO_GAME, ...NO_PLACE },
  },
  lobbyListApplications: {
    at: ['GET', `${GAME}/applications`],
    parameters: [...ID, ...ACTOR],
    request: null,
    success: ['200', 'ApplicationList'],
    errors: { ...ALWAYS, ...FORBIDDEN, ...NO_GAME },
  },
  lobbyApproveApplication: {
    at: ['POST', `${GAME}/applications/{application_id}/approve`],
    parameters: [...ID, 'application_id path*', ...ACTOR],
    request: null,
    success: ['200', 'Application'],
    errors: { ...DECISION, 404: ['game_not_found', 'application_not_found'], 409: ['conflict', 'game_full'] },
  },
  lobbyRejectApplication: {
    at: ['POST', `${GAME}/applications/{application_id}/reject`],
    parameters: [...ID, 'application_id path*', ...ACTOR],
    request: null,
    success: ['200', 'Application'],
    errors: { ...DECISION, 404: ['game_not_found', 'application_not_found'] },
  },
  lobbyCreateInvite: {
    at: ['POST', `${GAME}/invites`],
    parameters: [...ID, ...ACTOR],
    request: 'CreateInviteRequest',
    success: ['201', 'Invite'],
    errors: DECISION,
  },
  lobbyListInvites: {
    at: ['GET', `${GAME}/invites`],
    parameters: [...ID, ...ACTOR],
    request: null,
    success: ['200', 'InviteList'],
    errors: { ...ALWAYS, ...FORBIDDEN, ...NO_GAME },
  },
  lobbyRedeemInvite: {
    at: ['POST', `${GAME}/invites/{invite_id}/redeem`],
    parameters: [...ID, 'invite_id path*', ...PLAYER],
    request: 'RaceRequest',
    success: ['200', 'Invite'],
    errors: {
      ...ALWAYS,
      ...BODY,
      ...FORBIDDEN,
      404: ['game_not_found', 'invite_not_found'],
      ...NO_PLACE,
    },
  },
  lobbyListMembers: {
    at: ['GET', `${GAME}/members`],
    parameters: ID,
    request: null,
    success: ['200', 'MemberList'],
    errors: { ...ALWAYS, ...NO_GAME },
  },
  lobbyRemoveMember: {
    at: ['POST', `${GAME}/members/{user_id}/remove`],
    parameters: [...ID, 'user_id path*', ...ACTOR],
    request: null,
    success: ['200', 'Member'],
    errors: { ...DECISION, 404: ['game_not_found', 'member_not_found'] },
  },
  lobbyBlockMember: {
    at: ['POST', `${GAME}/members/{user_id}/block`],
    parameters: [...ID, 'user_id path*', ...ACTOR],
    request: null,
    success: ['200', 'Member'],
    errors: { ...DECISION, 404: ['game_not_found', 'member_not_found'] },
  },
  internalGetMemberships: {
    at: ['GET', '/api/v1/internal/games/{game_id}/memberships'],
    parameters: ID,
    request: null,
    success: ['200', 'MembershipList'],
    errors: { ...ALWAYS, ...NO_GAME },
  },
};

/** Every field of every object; a question mark where it may be absent. */
const OBJECTS: Record<string, string[]> = {
  CreateGameRequest: ['name', 'target_engine_version', 'turn_schedule', 'min_players', 'max_players'],
  Game: [
    'game_id',
    'name',
    'owner_user_id',
    'status',
    'status_reason',
    'target_engine_version',
    'turn_schedule',
    'min_players',
    'max_players',
    'active_players',
    'runtime',
    'created_at',
    'updated_at',
    'started_at',
    'finished_at',
  ],
  RuntimeView: ['current_turn', 'runtime_status', 'engine_health', 'told_at'],
  GamePage: ['games', 'next_cursor'],
  RaceRequest: ['race_name'],
  CreateInviteRequest: ['user_id'],
  Application: ['application_id', 'game_id', 'user_id', 'race_name', 'status', 'created_at', 'decided_at'],
  ApplicationList: ['applications'],
  Invite: ['invite_id', 'game_id', 'user_id', 'race_name', 'status', 'created_at', 'decided_at'],
  InviteList: ['invites'],
  Member: ['user_id', 'race_name', 'status', 'stats', 'capable', 'joined_at'],
  PlayerStats: [
    'planets',
    'population',
    'initial_planets',
    'initial_population',
    'max_planets',
    'max_population',
  ],
  MemberList: ['members'],
  Membership: ['user_id', 'race_name', 'status'],
  MembershipList: ['memberships'],
  Health: ['status'],
  Readiness: ['status', 'checks'],
  'Readiness/properties/checks': ['postgres', 'redis'],
  ErrorEnvelope: ['error'],
  'ErrorEnvelope/properties/error': ['code', 'message'],
};

const schema = (name: string) => `/components/schemas/${name}`;
const ids = Object.keys(OPERATIONS);

test('is a valid OpenAPI 3.1 document', async () => {
  expect(document.root['openapi']).toBe('3.1.0');
  expect(await document.problems()).toEqual([]);
});

test('has these operations and no others', () => {
  expect([...document.operations().keys()].sort()).toEqual([...ids].sort());
});

describe.each(Object.entries(OPERATIONS))('%s', (id, row) => {
  test('has its method, path, parameters and body', () => {
    const { method, path, node } = document.operation(id);
    expect([method, path]).toEqual(row.at);
    expect(document.parametersOf(id)).toEqual(row.parameters);
    expect(document.bodyOf(node['requestBody'])).toBe(row.request);
    if (row.request !== null) expect(node['requestBody']?.['required']).toBe(true);
  });

  test('has its one success, and its error codes in the envelope', () => {
    const successes = document.responsesOf(id).filter(([status]) => status.startsWith('2'));
    expect(successes.map(([status, response]) => [status, document.bodyOf(response)])).toEqual([row.success]);
    expect(document.errorCodesOf(id)).toEqual(row.errors);
    for (const [status, response] of document.responsesOf(id)) {
      if (response['x-error-codes'] === undefined) continue;
      expect([status, document.bodyOf(response)]).toEqual([status, 'ErrorEnvelope']);
      const retryAfter = document.resolve(response['headers']?.['Retry-After'] ?? {});
      if (status === '503') expect(retryAfter['required']).toBe(true);
    }
  });

  test('is described, with examples of its bodies', () => {
    const { node } = document.operation(id);
    expect([typeof node['summary'], typeof node['description']]).toEqual(['string', 'string']);
    if (row.request !== null) expect(document.exampleNamesOf(node['requestBody'])).not.toEqual([]);
    for (const [status, response] of document.responsesOf(id)) {
      expect([status, document.exampleNamesOf(response)]).not.toEqual([status, []]);
    }
  });
});

test('no object takes unknown fields', () => {
  const all = document
    .objectSchemas()
    .map((pointer) => pointer.replace(schema(''), ''))
    // Objects that may be null as well are not found by their type alone.
    .concat(['RuntimeView', 'PlayerStats']);
  expect([...new Set(all)].sort()).toEqual(Object.keys(OBJECTS).sort());
  for (const name of Object.keys(OBJECTS)) {
    expect([name, document.at(schema(name))['additionalProperties']]).toEqual([name, false]);
  }
});

test.each(Object.entries(OBJECTS))('%s has its fields', (name, fields) => {
  expect(fieldsOf(document.at(schema(name)))).toEqual(fields);
});

test.each<[string, readonly unknown[]]>([
  [
    'GameStatus',
    ['draft', 'enrollment', 'starting', 'running', 'paused', 'finished', 'start_failed', 'cancelled'],
  ],
  ['GameStatus', GAME_STATUSES],
  ['RuntimeView/properties/runtime_status', RUNTIME_STATUSES],
  ['RuntimeView/properties/engine_health', [...ENGINE_HEALTH, null]],
  ['MemberStatus', ['active', 'removed', 'blocked']],
  ['ApplicationStatus', ['submitted', 'approved', 'rejected']],
  ['InviteStatus', ['open', 'redeemed', 'revoked']],
  ['Readiness/properties/status', ['ready', 'not_ready']],
])('%s has its values', (name, values) => {
  expect(document.at(schema(name))['enum']).toEqual(values);
});

test('every error code belongs to an operation or to any address', () => {
  const used = ids.flatMap((id) => Object.values(document.errorCodesOf(id)).flat());
  const listed = document.at(schema('ErrorCode'))['enum'] as unknown as string[];
  expect(new Set([...used, 'not_found'])).toEqual(new Set(listed));
});

test('every example fits its schema, and every error its response', () => {
  expectExamplesToFit(document, { moreThan: 50 });
});
