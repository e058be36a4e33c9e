import type { z } from 'zod';
import { apiSettings, sharedSettings, workerSettings } from '../../../config/settings';
import { code, namedRows } from './markdown';

const settings: Record<string, z.ZodType> = { ...apiSettings, ...workerSettings };
const rows = namedRows('docs/configuration.md');

function processOf(name: string): string {
  if (name in sharedSettings) return 'both';
  return name in apiSettings ? 'api' : 'worker';
}

describe('docs/configuration.md', () => {
  it('has every setting, once, and no other', () => {
    expect(rows.map(({ name }) => name).sort()).toEqual(Object.keys(settings).sort());
  });

  it.each(rows)(
    'says who reads $name and what it is by default',
    ({ name, cells: [fallback = '', reader] }) => {
      expect(reader).toBe(processOf(name));
      const unset = settings[name]?.safeParse(undefined);
      if (fallback === 'required') expect(unset?.success).toBe(false);
      else if (fallback === 'off') expect(unset).toEqual({ success: true, data: undefined });
      else expect(unset?.data).toEqual(settings[name]?.parse(code(fallback)));
    },
  );
});
