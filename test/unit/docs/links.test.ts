import { existsSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { documents, ROOT } from './markdown';

/** Targets of the links that stay inside the repository. */
function links(document: string): { target: string; file: string; anchor: string | undefined }[] {
  const prose = readFileSync(path.join(ROOT, document), 'utf8').replace(/^```[\s\S]*?^```/gm, '');
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = '']) => target)
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => {
      const [place = '', anchor] = target.split('#');
      const file = place === '' ? document : path.join(path.dirname(document), place);
      return { target, file, anchor };
    });
}

/** The anchors of a document's headings, as GitHub makes them. */
function anchors(document: string): string[] {
  const headings = readFileSync(path.join(ROOT, document), 'utf8').matchAll(/^#+ +(.+)$/gm);
  return [...headings].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

const all = documents();

it.each(all)('%s has no broken link', (document) => {
  const broken = links(document).filter(({ file, anchor }) => {
    if (!existsSync(path.join(ROOT, file))) return true;
    return anchor !== undefined && !anchors(file).includes(anchor);
  });
  expect(broken.map(({ target }) => target)).toEqual([]);
});

it('every document is within two clicks of the README', () => {
  const reached = new Set(['README.md']);
  for (let clicks = 0; clicks < 2; clicks++) {
    for (const document of [...reached].filter((file) => file.endsWith('.md'))) {
      for (const { file } of links(document)) if (statSync(path.join(ROOT, file)).isFile()) reached.add(file);
    }
  }
  expect(all.filter((document) => !reached.has(document))).toEqual([]);
});
