import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

export const ROOT = path.join(__dirname, '..', '..', '..');

const IGNORED = new Set(['node_modules', 'dist', 'coverage', '.git', '.cache']);

/** All Markdown documents, as paths from the top. */
export function documents(folder = '.'): string[] {
  return readdirSync(path.join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    if (IGNORED.has(entry.name)) return [];
    const file = path.join(folder, entry.name);
    if (entry.isDirectory()) return documents(file);
    return entry.name.endsWith('.md') ? [file] : [];
  });
}

/** Rows of all tables of a document whose first cell is a name in backticks: that name, and the other cells. */
export function namedRows(file: string): { name: string; cells: string[] }[] {
  return readFileSync(path.join(ROOT, file), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => {
      const [name = '', ...cells] = line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim());
      return { name: code(name) ?? name, cells };
    });
}

/** What a cell has between backticks, when that is all it has. */
export function code(cell: string): string | undefined {
  return /^`([^`]*)`$/.exec(cell)?.[1];
}
