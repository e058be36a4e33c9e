import { createMetrics } from '../../../platform/service/metrics';
import { code, namedRows } from './markdown';
import { settings } from '../../../platform/lobby/config';
import { GAME_STATUSES, mayBecome } from '../../../platform/lobby/domain/game-status';
import { addMetrics } from '../../../platform/lobby/metrics';
import { Database } from '../../../platform/lobby/stores/postgres';

const rows = namedRows('platform/lobby/README.md');

describe('platform/lobby/README.md', () => {
  const variables = rows.filter(({ name }) => name.startsWith('LOBBY_'));

  test('has every setting, once, and no other', () => {
    expect(variables.map(({ name }) => name).sort()).toEqual(
      Object.keys(settings)
        .map((name) => `LOBBY_${name}`)
        .sort(),
    );
  });

  test.each(variables)('says what $name is by default', ({ name, cells: [fallback = ''] }) => {
    const setting = settings[name.slice('LOBBY_'.length) as keyof typeof settings];
    const unset = setting.safeParse(undefined);
    if (fallback === 'required') expect(unset.success).toBe(false);
    else if (fallback === 'off') expect(unset).toEqual({ success: true, data: undefined });
    else expect(unset.data).toEqual(setting.parse(code(fallback)));
  });

  test('has the table of statuses as the code has it', () => {
    const table = rows.filter(({ name }) => (GAME_STATUSES as readonly string[]).includes(name));
    expect(table.map(({ name }) => name)).toHaveLength(GAME_STATUSES.length);
    for (const { name, cells } of table) {
      const from = GAME_STATUSES.find((status) => status === name) ?? 'draft';
      const next = [...(cells[0] ?? '').matchAll(/`(\w+)`/g)].map(([, status]) => status);
      expect([from, next.sort()]).toEqual([from, GAME_STATUSES.filter((to) => mayBecome(from, to)).sort()]);
    }
  });

  test('has every metric of its own', () => {
    const { registry } = createMetrics('lobby');
    const ofEveryService = registry.getMetricsAsArray().map(({ name }) => name);
    addMetrics(registry, new Database('postgres://localhost/none', () => undefined));
    const own = registry
      .getMetricsAsArray()
      .map(({ name }) => name)
      .filter((name) => !ofEveryService.includes(name));
    const metrics = rows.filter(({ name }) => name.startsWith('lobby_'));
    expect(metrics.map(({ name }) => name).sort()).toEqual(own.sort());
  });
});
