import {
  context,
  diag,
  DiagLogLevel,
  propagation,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import type { Tracer } from '@opentelemetry/api';
import type { OpenTelemetryPlugin } from '@temporalio/interceptors-opentelemetry-v2';
import type { Logger } from './logging';

export interface Tracing {
  /** For what Temporal carries: a client, or a worker whose workflow bundle is the traced one. */
  plugin: OpenTelemetryPlugin;
  tracer: Tracer;
  /** Runs a call to another service as a span; gives it the headers that carry the trace on. */
  traceCall: <Answer>(
    span: { name: string; attributes: Record<string, string> },
    call: (headers: Record<string, string>) => Promise<Answer>,
  ) => Promise<Answer>;
  /** Sends what is left. */
  close: () => Promise<void>;
}

/** Of a collector that does not answer when the process ends. */
const CLOSE_TIMEOUT_MS = 2_000;

/**
 * Starts tracing where the standard `OTEL_*` variables ask for it; null where they do not, and then nothing of it is
 * even loaded. `service` is the name unless OTEL_SERVICE_NAME says another.
 */
export async function startTracing(
  service: string,
  log: Logger,
  env: NodeJS.ProcessEnv = process.env,
): Promise<Tracing | null> {
  if (!isAskedFor(env)) return null;
  const [
    { AsyncLocalStorageContextManager },
    { W3CTraceContextPropagator },
    { OTLPTraceExporter },
    { defaultResource, detectResources, envDetector, resourceFromAttributes },
    { BasicTracerProvider, BatchSpanProcessor },
    { OpenTelemetryPlugin: Plugin },
  ] = await Promise.all([
    import('@opentelemetry/context-async-hooks'),
    import('@opentelemetry/core'),
    import('@opentelemetry/exporter-trace-otlp-http'),
    import('@opentelemetry/resources'),
    import('@opentelemetry/sdk-trace-base'),
    import('@temporalio/interceptors-opentelemetry-v2'),
  ]);
  diag.setLogger(
    {
      error: (message) => log.warn({ problem: message }, 'tracing'),
      warn: (message) => log.warn({ problem: message }, 'tracing'),
      info: (message) => log.info(message),
      debug: (message) => log.debug(message),
      verbose: (message) => log.trace(message),
    },
    DiagLogLevel.WARN,
  );
  const resource = defaultResource()
    .merge(resourceFromAttributes({ 'service.name': service }))
    .merge(detectResources({ detectors: [envDetector] }));
  const spanProcessor = new BatchSpanProcessor(new OTLPTraceExporter());
  const provider = new BasicTracerProvider({ resource, spanProcessors: [spanProcessor] });
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  trace.setGlobalTracerProvider(provider);
  const tracer = provider.getTracer(service);
  return {
    plugin: new Plugin({ resource, spanProcessor }),
    tracer,
    traceCall: (span, call) => traceCall(tracer, span, call),
    close: () =>
      provider.forceFlush({ timeoutMillis: CLOSE_TIMEOUT_MS }).catch((err: unknown) => {
        log.warn({ err }, 'the last spans were not sent');
      }),
  };
}

/** https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/ */
function isAskedFor(env: NodeJS.ProcessEnv): boolean {
  const { OTEL_SDK_DISABLED, OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT } = env;
  if (OTEL_SDK_DISABLED?.trim().toLowerCase() === 'true') return false;
  return [OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT].some((url) => url?.trim());
}

function traceCall<Answer>(
  tracer: Tracer,
  { name, attributes }: Parameters<Tracing['traceCall']>[0],
  call: (headers: Record<string, string>) => Promise<Answer>,
): Promise<Answer> {
  return tracer.startActiveSpan(name, { kind: SpanKind.CLIENT, attributes }, async (span) => {
    const headers: Record<string, string> = {};
    propagation.inject(context.active(), headers);
    try {
      return await call(headers);
    } catch (error) {
      span.setStatus({ code: SpanStatusCode.ERROR, message: String(error) });
      throw error;
    } finally {
      span.end();
    }
  });
}
