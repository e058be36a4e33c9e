import { readFileSync } from 'node:fs';
import path from 'node:path';
import { PERMISSIONS, type OperationId } from '../../../api/permissions';
import { CALLERS, type Caller } from '../../../domain/operation';
import { OpenApiDocument } from '../contracts/openapi-document';
import { lonelyApp, type LonelyApp } from './lonely-app';
import type { HttpAnswer, HttpRequest } from './send';

const tokenOf = (caller: Caller) => `${caller}-secret`;
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

let guarded: LonelyApp;
beforeAll(async () => {
  guarded = await lonelyApp({
    GAMEMASTER_API_TOKENS: [
      ...CALLERS.map((caller) => `${caller}:${tokenOf(caller)}`),
      'admin:second',
    ].join(),
  });
});
afterAll(() => guarded.close());

const codeOf = ({ body }: HttpAnswer) => (JSON.parse(body) as { error?: { code: string } }).error?.code;

const document = new OpenApiDocument('api/internal-openapi.yaml');
const operations = [...document.operations()].map(([id, { method, path }]) => ({
  id: id as OperationId,
  request: {
    method,
    url: path.replace('{game_id}', 'orion').replace('{version}', '1.0.0').replace('{turn}', '1'),
  },
}));
const routed = () => new Set(guarded.routes.map(({ schema }) => schema?.operationId));

describe('caller by operation', () => {
  const rows = operations.flatMap(({ id, request }) => CALLERS.map((caller) => ({ id, request, caller })));
  it.each(rows)('$id by $caller', async ({ id, request, caller }) => {
    if (!routed().has(id)) return;
    const answer = await guarded.send({ ...request, headers: bearer(tokenOf(caller)) });
    const mayUse = PERMISSIONS[id]?.includes(caller) ?? true;
    if (mayUse) expect([401, 403, 404, 405]).not.toContain(answer.status);
    else expect([answer.status, codeOf(answer)]).toEqual([403, 'forbidden']);
  });

  it.each(operations)('$id without a token', async ({ id, request }) => {
    if (!routed().has(id)) return;
    const answer = await guarded.send(request);
    if (PERMISSIONS[id] === null) expect([401, 403]).not.toContain(answer.status);
    else {
      expect([answer.status, codeOf(answer)]).toEqual([401, 'unauthorized']);
      expect(answer.headers['www-authenticate']).toBe('Bearer realm="gamemaster"');
    }
  });

  it('is the table that people read', () => {
    const page = readFileSync(path.join(__dirname, '../../../docs/callers.md'), 'utf8');
    const rows = [...page.matchAll(/^\| (internal\w+) +\|(.*)\|$/gm)].map(([, id = '', cells = '']) => {
      const marks = cells.split('|').map((cell) => cell.trim());
      return [
        id,
        marks.includes('anybody') ? null : CALLERS.filter((_caller, index) => marks[index] === 'yes'),
      ];
    });
    expect(Object.fromEntries(rows)).toEqual(
      Object.fromEntries(
        Object.entries(PERMISSIONS).map(([id, callers]) => [
          id,
          callers && CALLERS.filter((caller) => callers.includes(caller)),
        ]),
      ),
    );
  });
});

describe('a token', () => {
  const list = (headers: HttpRequest['headers']): Promise<HttpAnswer> =>
    guarded.send({ url: '/api/v1/internal/runtimes', ...(headers && { headers }) });

  it.each<[string, HttpRequest['headers']]>([
    ['as it is', bearer('admin-secret')],
    ['that is another of the same caller', bearer('second')],
    ['of a scheme in capitals', { authorization: 'BEARER admin-secret' }],
    ['after more than one space', { authorization: 'Bearer  admin-secret' }],
  ])('is taken: %s', async (_what, headers) => {
    expect((await list(headers)).status).toBe(503);
  });

  it.each<[string, HttpRequest['headers']]>([
    ['none', {}],
    ['an empty header', { authorization: '' }],
    ['an empty token', { authorization: 'Bearer ' }],
    ['a token without its scheme', { authorization: 'admin-secret' }],
    ['another scheme', { authorization: 'Basic admin-secret' }],
    ['one that nobody has', bearer('admin-secre')],
    ['one with more at its end', bearer('admin-secret1')],
    ['one in capitals', bearer('ADMIN-SECRET')],
    ['the name of a caller', bearer('admin')],
    ['an entry of the configuration', bearer('admin:admin-secret')],
    ['a very long one', bearer('x'.repeat(8_000))],
    ['two headers', { authorization: ['Bearer admin-secret', 'Bearer admin-secret'] }],
  ])('is refused: %s', async (_what, headers) => {
    const answer = await list(headers);
    expect([answer.status, codeOf(answer)]).toEqual([401, 'unauthorized']);
  });

  it('is asked for before anything else about the request is looked at', async () => {
    const bad: HttpRequest = {
      method: 'POST',
      url: '/api/v1/internal/runtimes/a.b/stop?x=1',
      headers: { 'content-type': 'text/plain', 'idempotency-key': 'a b' },
      payload: 'nonsense',
    };
    expect((await guarded.send(bad)).status).toBe(401);
    const as = (caller: Caller) =>
      guarded.send({ ...bad, headers: { ...bad.headers, ...bearer(tokenOf(caller)) } });
    expect((await as('gateway')).status).toBe(403);
    expect((await as('admin')).status).toBe(400);
  });

  it('is not needed to learn that there is no such address', async () => {
    expect((await guarded.send({ url: '/nothing' })).status).toBe(404);
    expect((await guarded.send({ method: 'PUT', url: '/api/v1/internal/runtimes' })).status).toBe(405);
  });

  it('is in no line of the log', async () => {
    await list(bearer('hunter2'));
    await list(bearer('admin-secret'));
    expect(JSON.stringify(guarded.lines)).not.toMatch(/hunter2|-secret/);
  });
});
