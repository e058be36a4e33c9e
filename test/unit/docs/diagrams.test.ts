import { readFileSync } from 'node:fs';
import path from 'node:path';
import { documents, ROOT } from './markdown';
import { BadDiagram, readSequenceDiagram } from './sequence-diagram';

const diagrams = documents().flatMap((document) =>
  [...readFileSync(path.join(ROOT, document), 'utf8').matchAll(/^ *```mermaid\n([\s\S]*?)^ *```/gm)].map(
    ([, source = ''], number) => ({ document, number: number + 1, source }),
  ),
);

it.each(diagrams)('diagram $number of $document can be drawn', ({ source }) => {
  expect(readSequenceDiagram(source)).toBeGreaterThan(0);
});

it('docs/flows.md has a diagram in every chapter', () => {
  const chapters = readFileSync(path.join(ROOT, 'docs/flows.md'), 'utf8').split(/^## /m).slice(1);
  expect(chapters.filter((chapter) => !chapter.includes('```mermaid\n'))).toEqual([]);
  expect(chapters.map((chapter) => chapter.split('\n')[0])).toEqual([
    'Start',
    'Register',
    'Turn',
    'Force and skip',
    'Hot-path command',
    'Patch',
    'Finish',
    'Health',
    'Banish',
  ]);
});

it.each([
  ['another kind of diagram', 'flowchart LR\n  A --> B'],
  ['a participant that is not declared', 'sequenceDiagram\n  participant A\n  A->>B: hello'],
  ['a message without words', 'sequenceDiagram\n  participant A\n  A->>A'],
  ['an arrow that there is not', 'sequenceDiagram\n  participant A\n  A=>>A: hello'],
  ['a block that never ends', 'sequenceDiagram\n  participant A\n  opt now\n  A->>A: hello'],
  ['an end of nothing', 'sequenceDiagram\n  participant A\n  A->>A: hello\n  end'],
  ['an else without an alt', 'sequenceDiagram\n  participant A\n  opt a\n  else b\n  A->>A: hello\n  end'],
  ['a semicolon', 'sequenceDiagram\n  participant A\n  A->>A: hello; bye'],
  ['a reserved word as a name', 'sequenceDiagram\n  participant end\n  end->>end: hello'],
])('refuses %s', (_what, source) => {
  expect(() => readSequenceDiagram(source)).toThrow(BadDiagram);
});
