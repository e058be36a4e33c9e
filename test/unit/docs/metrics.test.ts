import { createMetrics } from '../../../config/telemetry';
import { namedRows } from './markdown';

/** What a metric of prom-client knows of itself and does not type. */
interface Described {
  name: string;
  type: string;
  labelNames: string[];
}

it('docs/metrics.md has every metric with its type and labels, and no other', () => {
  const { registry: _registry, ...metrics } = createMetrics();
  const inCode = (Object.values(metrics) as unknown as (Described & { constructor: { name: string } })[]).map(
    ({ name, labelNames, constructor }) => ({
      name,
      type: constructor.name.toLowerCase(),
      labels: labelNames,
    }),
  );
  const inDocument = namedRows('docs/metrics.md').map(({ name, cells: [type, labels = ''] }) => ({
    name,
    type,
    labels: labels === '' ? [] : labels.split(', ').map((label) => label.replaceAll('`', '')),
  }));
  const byName = (a: { name: string }, b: { name: string }) => a.name.localeCompare(b.name);
  expect(inDocument.sort(byName)).toEqual(inCode.sort(byName));
});
