import { namedRows } from './markdown';
import { GAME_STATUSES, mayBecome } from '../../../platform/lobby/domain/game-status';

const rows = namedRows('platform/lobby/README.md');

describe('platform/lobby/README.md', () => {
  test('has the table of statuses as the code has it', () => {
    const table = rows.filter(({ name }) => (GAME_STATUSES as readonly string[]).includes(name));
    expect(table.map(({ name }) => name)).toHaveLength(GAME_STATUSES.length);
    for (const { name, cells } of table) {
      const from = GAME_STATUSES.find((status) => status === name) ?? 'draft';
      const next = [...(cells[0] ?? '').matchAll(/`(\w+)`/g)].map(([, status]) => status);
      expect([from, next.sort()]).toEqual([from, GAME_STATUSES.filter((to) => mayBecome(from, to)).sort()]);
    }
  });
});
