import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { createMetrics } from '../../../config/telemetry';
import { namedRows } from './markdown';

/** What a metric of prom-client knows of itself and does not type. */
interface Described {
  name: string;
  type: string;
  labelNames: string[];
}

const registries = { api: createMetrics('api').registry, worker: createMetrics('worker').registry };
const shownBy = (name: string) =>
  Object.entries(registries).flatMap(([process, registry]) =>
    registry.getSingleMetric(name) ? [process] : [],
  );

it('docs/metrics.md has every metric with its type and labels and who shows it, and no other', () => {
  const { registry: _registry, ...metrics } = createMetrics('api');
  const inCode = (Object.values(metrics) as unknown as (Described & { constructor: { name: string } })[]).map(
    ({ name, labelNames, constructor }) => ({
      name,
      type: constructor.name.toLowerCase(),
      labels: labelNames,
      from: shownBy(name),
    }),
  );
  const inDocument = namedRows('docs/metrics.md').map(({ name, cells: [type, labels = '', from = ''] }) => ({
    name,
    type,
    labels: labels === '' ? [] : labels.split(', ').map((label) => label.replaceAll('`', '')),
    from: from === 'both' ? ['api', 'worker'] : [from],
  }));
  const byName = (a: { name: string }, b: { name: string }) => a.name.localeCompare(b.name);
  expect(inDocument.sort(byName)).toEqual(inCode.sort(byName));
});

it('deploy/alerts.yaml asks for metrics that there are', () => {
  const file = path.join(__dirname, '../../../deploy/alerts.yaml');
  const { groups } = parse(readFileSync(file, 'utf8')) as { groups: { rules: { expr: string }[] }[] };
  const asked = groups
    .flatMap(({ rules }) => rules)
    .flatMap(({ expr }) => expr.match(/gamemaster_\w+/g) ?? []);
  expect(asked.length).toBeGreaterThan(5);
  const known = asked.filter((name) => shownBy(name.replace(/_(bucket|sum|count)$/, '')).length > 0);
  expect(known).toEqual(asked);
});
