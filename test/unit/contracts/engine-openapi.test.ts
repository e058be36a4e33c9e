import { expectExamplesToFit, fieldsOf, OpenApiDocument } from './openapi-document';

const document = new OpenApiDocument('platform/engine/openapi.yaml');
const ADMIN = '/api/v1/admin';

type Row = [
  method: string,
  path: string,
  parameters: string[],
  request: string | null,
  success: [status: string, schema: string | null],
];

const OPERATIONS: Record<string, Row> = {
  adminInitGame: ['POST', `${ADMIN}/init`, [], 'InitRequest', ['200', 'StateResponse']],
  adminGetGameStatus: ['GET', `${ADMIN}/status`, [], null, ['200', 'StateResponse']],
  adminGenerateTurn: ['POST', `${ADMIN}/turn`, ['If-Match header'], null, ['200', 'StateResponse']],
  adminBanishRace: ['POST', `${ADMIN}/race/banish`, [], 'BanishRequest', ['204', null]],
  executeCommand: ['POST', '/api/v1/command', [], 'CommandRequest', ['200', 'Accepted']],
  putOrder: ['PUT', '/api/v1/order', [], 'CommandRequest', ['200', 'Accepted']],
  getReport: ['GET', '/api/v1/report', ['player query*', 'turn query*'], null, ['200', 'Report']],
  healthz: ['GET', '/healthz', [], null, ['200', 'Health']],
};

const OBJECTS: Record<string, string[]> = {
  ErrorEnvelope: ['error'],
  'ErrorEnvelope/properties/error': ['code', 'message'],
  Health: ['status'],
  InitRequest: ['races'],
  Race: ['race_name'],
  BanishRequest: ['race_name'],
  CommandRequest: ['actor', 'cmd'],
  StateResponse: ['id', 'turn', 'finished', 'player'],
  Player: ['id', 'race_name', 'planets', 'population'],
  Accepted: ['accepted', 'turn'],
  Report: ['turn', 'race_name', 'planets', 'population'],
};

const FREE_OBJECTS = ['CommandRequest/properties/cmd/items'];

const schema = (name: string) => `/components/schemas/${name}`;

test('is a valid OpenAPI 3.1 document', async () => {
  expect(document.root['openapi']).toBe('3.1.0');
  expect(await document.problems()).toEqual([]);
});

test('has these operations and no others', () => {
  const found = [...document.operations()].map(([id, { method, path, node }]) => {
    const [success, ...others] = document.responsesOf(id).filter(([status]) => status.startsWith('2'));
    expect(others).toEqual([]);
    const row: Row = [
      method,
      path,
      document.parametersOf(id),
      document.bodyOf(node['requestBody']),
      [success?.[0] ?? '', document.bodyOf(success?.[1])],
    ];
    return [id, row];
  });
  expect(Object.fromEntries(found)).toEqual(OPERATIONS);
});

test('refuses as agreed', () => {
  expect(document.errorCodesOf('adminInitGame')).toMatchObject({ 409: ['already_initialised'] });
  expect(document.errorCodesOf('adminGetGameStatus')).toMatchObject({ 409: ['not_initialised'] });
  expect(document.errorCodesOf('adminGenerateTurn')).toMatchObject({
    409: ['not_initialised', 'game_finished'],
    412: ['turn_mismatch'],
  });
  for (const id of Object.keys(OPERATIONS)) {
    for (const [status, response] of document.responsesOf(id)) {
      if (!status.startsWith('2'))
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

test('the fields that Game Master relies on have their types', () => {
  expect(document.at(schema('StateResponse'))['properties']).toMatchObject({
    id: { type: 'string' },
    turn: { type: 'integer', minimum: 0 },
    finished: { type: 'boolean' },
    player: { type: 'array' },
  });
  expect(document.at(schema('Player'))['properties']).toMatchObject({
    id: { type: 'string', format: 'uuid' },
    planets: { type: 'number', minimum: 0 },
    population: { type: 'number', minimum: 0 },
  });
});

test('every example fits its schema, and every error its response', () => {
  expectExamplesToFit(document, { moreThan: 20 });
});
