import { createLogger } from '../../../config/logging';
import { startTracing } from '../../../config/tracing';

const log = createLogger({ level: 'fatal', name: 'test' }, { write: () => undefined });

it.each([
  {},
  { OTEL_EXPORTER_OTLP_ENDPOINT: ' ' },
  { OTEL_SERVICE_NAME: 'x', OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: 'http://collector:4318' },
  { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318', OTEL_SDK_DISABLED: 'True' },
])('is off with %j', async (env) => {
  expect(await startTracing('api', log, env)).toBeNull();
});

it.each([
  { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' },
  { OTEL_EXPORTER_OTLP_ENDPOINT: '', OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://127.0.0.1:1' },
  { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1', OTEL_SDK_DISABLED: 'false' },
])('is on with %j', async (env) => {
  const tracing = await startTracing('api', log, env);
  expect(tracing?.plugin.name).toBe('OpenTelemetryPlugin');
  await tracing?.close();
});
