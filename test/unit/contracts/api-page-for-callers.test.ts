import { readFileSync } from 'node:fs';
import path from 'node:path';
import { OpenApiDocument } from './openapi-document';

const document = new OpenApiDocument('api/internal-openapi.yaml');
const page = readFileSync(path.join(__dirname, '../../../docs/api.md'), 'utf8');
const chapters = page.split(/^## /m);
/** Each part with what its chapter says before it. */
const parts = chapters.flatMap((chapter) => {
  const [common = '', ...sections] = chapter.split(/^### /m);
  return sections.map((section) => ({ section, common }));
});

const EVERYWHERE = [
  'invalid_request',
  'unauthorized',
  'forbidden',
  'too_many_requests',
  'internal_error',
  'service_unavailable',
];

const codesIn = (text: string) =>
  [...text.matchAll(/^\| (\d{3}) +\| `(\w+)`/gm)].map(([, status = '', code = '']) => `${status} ${code}`);

test.each([...document.operations()])(
  '%s has its address, an example and its own errors',
  (id, operation) => {
    const found = parts.filter(({ section }) => section.includes(`\`${id}\``));
    expect(found).toHaveLength(1);
    const { section = '', common = '' } = found[0] ?? {};
    expect(section).toContain(`\`${id}\` · ${operation.method} \`${operation.path}\``);
    expect(section).toMatch(/```sh\ncurl /);
    const own = Object.entries(document.errorCodesOf(id)).flatMap(([status, codes]) =>
      codes.filter((code) => !EVERYWHERE.includes(code)).map((code) => `${status} ${code}`),
    );
    const said = [...codesIn(common), ...codesIn(section)].filter((row) => row !== '403 forbidden');
    expect(said.sort()).toEqual(own.sort());
  },
);

test('what can come from everywhere is said once, for all', () => {
  const everywhere = chapters.find((chapter) => chapter.startsWith('What holds for every call')) ?? '';
  for (const code of [...EVERYWHERE, 'not_found', 'method_not_allowed']) {
    expect(everywhere).toMatch(new RegExp(`\\| \`${code}\` +\\|`));
  }
});
