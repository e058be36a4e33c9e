import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { HTTP_STATUS } from '../../../api/errors';
import { ERROR_CODES } from '../../../domain/errors';
import { CALLERS } from '../../../domain/operation';
import { lonelyApp, type LonelyApp } from './lonely-app';

interface Operation {
  operationId: string;
  responses: Record<string, unknown>;
  requestBody?: unknown;
}
interface Contract {
  paths: Record<string, Record<string, Operation>>;
  components: {
    schemas: { ErrorCode: { enum: string[] } };
    parameters: { Caller: { schema: { enum: string[] } } };
  };
}

const contract = parse(
  readFileSync(path.join(__dirname, '../../../api/internal-openapi.yaml'), 'utf8'),
) as Contract;

const METHODS = ['get', 'put', 'post', 'patch', 'delete'];
const declared = Object.entries(contract.paths).flatMap(([url, item]) =>
  Object.entries(item)
    .filter(([method]) => METHODS.includes(method))
    .map(([method, operation]) => ({ method: method.toUpperCase(), url, operation })),
);

let lonely: LonelyApp;
beforeAll(async () => {
  lonely = await lonelyApp();
});
afterAll(() => lonely.close());

test('every route is an operation of the contract, under its method, path and id', () => {
  expect(lonely.routes.length).toBeGreaterThan(0);
  for (const { method, url, schema } of lonely.routes.filter(({ url }) => !url.startsWith('/docs'))) {
    const path = url.replace(/:(\w+)/g, '{$1}');
    const operation = declared.find((one) => one.method === method && one.url === path)?.operation;
    expect([method, path, schema?.operationId]).toEqual([method, path, operation?.operationId]);
    const successes = Object.keys(operation?.responses ?? {}).filter((status) => status.startsWith('2'));
    expect(successes).toEqual(Object.keys(schema?.response ?? {}).filter((status) => status.startsWith('2')));
    // Force takes an empty object although it needs no body.
    if (operation?.requestBody !== undefined) expect(schema?.body).toBeDefined();
  }
});

test('the operations of games and of the registry are there', () => {
  expect(lonely.routes.map(({ schema }) => schema?.operationId)).toEqual(
    expect.arrayContaining([
      'internalHealthz',
      'internalReadyz',
      'internalRegisterRuntime',
      'internalGetRuntime',
      'internalListRuntimes',
      'internalForceNextTurn',
      'internalStopRuntime',
      'internalPatchRuntime',
      'internalBanishRace',
      'internalListOperations',
      'internalListEngineVersions',
      'internalCreateEngineVersion',
      'internalGetEngineVersion',
      'internalUpdateEngineVersion',
      'internalDeprecateEngineVersion',
      'internalDeleteEngineVersion',
      'internalResolveEngineVersionImageRef',
    ]),
  );
});

test('the contract has the same codes and callers, and each response status is one of a code', () => {
  expect([...contract.components.schemas.ErrorCode.enum].sort()).toEqual([...ERROR_CODES].sort());
  expect(contract.components.parameters.Caller.schema.enum).toEqual([...CALLERS]);
  const statuses = new Set([...Object.values(HTTP_STATUS), 413, 415].map(String));
  for (const { operation } of declared) {
    const failures = Object.keys(operation.responses).filter((status) => /^[45]/.test(status));
    expect(failures.filter((status) => !statuses.has(status))).toEqual([]);
  }
});
