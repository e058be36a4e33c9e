import { readFileSync } from 'node:fs';
import path from 'node:path';

export const ROOT = path.join(__dirname, '..', '..', '..');

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
