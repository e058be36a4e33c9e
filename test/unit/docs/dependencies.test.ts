import manifest from '../../../package.json';
import { namedRows } from './markdown';

it('docs/decisions/dependencies.md gives a reason for every package, and no other', () => {
  const rows = namedRows('docs/decisions/dependencies.md');
  const packages = [...Object.keys(manifest.dependencies), ...Object.keys(manifest.devDependencies)];
  expect(rows.map(({ name }) => name).sort()).toEqual(packages.sort());
  expect(rows.filter(({ cells: [reason = ''] }) => reason === '')).toEqual([]);
});
