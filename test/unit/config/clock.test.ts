import { byAsking, ByLeastDelay, clockLook } from '../../../config/clock';
import { createMetrics } from '../../../config/telemetry';

function looking(...differences: (number | null | Error)[]) {
  const metrics = createMetrics('api');
  const warnings: unknown[] = [];
  const look = clockLook(
    'postgres',
    () => {
      const next = differences.shift() ?? null;
      return next instanceof Error ? Promise.reject(next) : Promise.resolve(next);
    },
    metrics,
    { warn: (fields: unknown) => void warnings.push(fields) },
  );
  const shown = async () => (await metrics.clockDifference.get()).values;
  return { look, warnings, shown };
}

it('shows how far this host is ahead, and warns once when that begins to be more than a second', async () => {
  const { look, warnings, shown } = looking(-999, -1_500, -1_600, 0, 2_000);
  await look();
  expect(await shown()).toEqual([{ labels: { clock: 'postgres' }, value: -0.999 }]);
  expect(warnings).toEqual([]);
  await look();
  await look();
  expect(warnings).toEqual([{ clock: 'postgres', ahead_ms: -1_500 }]);
  await look();
  await look();
  expect(warnings).toHaveLength(2);
  expect(await shown()).toEqual([{ labels: { clock: 'postgres' }, value: 2 }]);
});

it('shows nothing of a clock that cannot be read', async () => {
  const { look, warnings, shown } = looking(new Error('away'), null);
  await look();
  await look();
  expect(await shown()).toEqual([]);
  expect(warnings).toEqual([]);
});

it('takes an answer for the time in the middle of the wait', async () => {
  const times = [1_000, 1_300];
  const ahead = byAsking(
    () => Promise.resolve(new Date(1_050)),
    () => times.shift() ?? NaN,
  );
  expect(await ahead()).toBe(100);
});

it('takes the least delay since the last look', async () => {
  const delays = new ByLeastDelay();
  expect(await delays.aheadOf()).toBeNull();
  for (const delay of [40, -3, 700]) delays.see(delay);
  expect(await delays.aheadOf()).toBe(-3);
  expect(await delays.aheadOf()).toBeNull();
});
