import { readFileSync } from 'node:fs';
import path from 'node:path';
import { ROOT } from './markdown';

const DOCUMENT = 'docs/guarantees.md';
const text = readFileSync(path.join(ROOT, DOCUMENT), 'utf8');

/** Where each `[name]: file` at the end of the page leads. */
const files = new Map(
  [...text.matchAll(/^\[([\w-]+)\]: (\S+)$/gm)].map(([, name = '', target = '']) => [
    name,
    path.join(path.dirname(DOCUMENT), target),
  ]),
);
const named = [...text.matchAll(/\[([^\][]+)\]\[([\w-]+)\]/g)].map(([, title = '', name = '']) => ({
  title,
  name,
}));

it('names tests', () => expect(named.length).toBeGreaterThan(80));

it.each(named)('"$title" is a test of $name', ({ title, name }) => {
  const file = files.get(name);
  expect(file).toBeDefined();
  const source = readFileSync(path.join(ROOT, file ?? ''), 'utf8');
  expect(titlesIn(source).filter((found) => found.includes(title))).not.toEqual([]);
});

it('leads nowhere that no row points to', () => {
  expect([...files.keys()].filter((name) => !named.some((row) => row.name === name))).toEqual([]);
});

/** The titles of a file's tests: the first text that is given to `test`, `it` or what their `each` makes. */
function titlesIn(source: string): string[] {
  return [...source.matchAll(/(?:\b(?:test|it|describe)|\))\(\s*(['"`])((?:\\.|(?!\1)[^\\])*)\1/g)].map(
    ([, , title = '']) => title.replace(/\\(['"`])/g, '$1'),
  );
}
