import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { lonelyApp, type LonelyApp } from './lonely-app';

const committed = parse(
  readFileSync(path.join(__dirname, '../../../api/internal-openapi.yaml'), 'utf8'),
) as Record<string, unknown>;

let lonely: LonelyApp;
beforeAll(async () => {
  lonely = await lonelyApp({ GAMEMASTER_API_TOKENS: 'admin:secret' });
});
afterAll(() => lonely.close());

test.each(['/docs', '/docs/'])('%s is a page, also without a token', async (url) => {
  const { status, headers, body } = await lonely.send({ url });
  expect([status, headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
  expect(headers).toMatchObject({ 'x-content-type-options': 'nosniff' });
  expect(body).toContain('swagger-ui');
});

test('what the page is made of comes from this process alone, as its policy demands', async () => {
  const { body, headers } = await lonely.send({ url: '/docs/' });
  const sources = [...body.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, source = '']) => source);
  expect(sources.length).toBeGreaterThan(3);
  for (const source of sources) {
    const { pathname, origin } = new URL(source, 'http://here/docs/');
    expect(origin).toBe('http://here');
    const part = await lonely.send({ url: pathname });
    expect([source, part.status]).toEqual([source, 200]);
    expect(part.body.length).toBeGreaterThan(0);
  }
  const policy = String(headers['content-security-policy']);
  expect(policy).not.toMatch(/https?:|\*|'unsafe-eval'/);
  expect(policy).toContain("script-src 'self';");
  // No script stands in the page itself, where the policy would stop it.
  expect(body).not.toMatch(/<script>|<script(?![^>]*src=)/);
});

test('it shows the committed document, and calls the process that it comes from', async () => {
  const { body } = await lonely.send({ url: '/docs/json' });
  expect(JSON.parse(body)).toEqual({ ...committed, servers: [{ url: '/' }] });
  expect(parse((await lonely.send({ url: '/docs/yaml' })).body)).toMatchObject({ openapi: '3.1.0' });
  expect((await lonely.send({ url: '/docs/static/swagger-initializer.js' })).body).toContain('./json');
});

test.each([
  ['GET', '/docs/nothing'],
  ['GET', '/docs/static/nothing.js'],
  ['GET', '/docs/static/../../package.json'],
  ['GET', '/docs/static/%2e%2e/%2e%2e/package.json'],
  ['POST', '/docs/nothing'],
])('%s %s is not there', async (method, url) => {
  const { status, body } = await lonely.send({ method, url });
  expect([status, JSON.parse(body)]).toMatchObject([404, { error: { code: 'not_found' } }]);
});

test('it can be switched off', async () => {
  const without = await lonelyApp({ GAMEMASTER_API_DOCS: 'false' });
  for (const url of ['/docs', '/docs/', '/docs/json', '/docs/static/swagger-ui.css']) {
    expect([url, (await without.send({ url })).status]).toEqual([url, 404]);
  }
  await without.close();
});
