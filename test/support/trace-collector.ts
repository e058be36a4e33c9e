import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** As OTLP writes spans in JSON: https://opentelemetry.io/docs/specs/otlp/ */
export interface Span {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  /** Of the process that it comes from. */
  service: string;
}

interface TracesRequest {
  resourceSpans: {
    resource: { attributes: { key: string; value: { stringValue?: string } }[] };
    scopeSpans: { spans: Omit<Span, 'service'>[] }[];
  }[];
}

/** Takes spans over OTLP/HTTP in JSON, and keeps them. */
export class TraceCollector {
  readonly spans: Span[] = [];

  private constructor(private readonly server: Server) {}

  static async start(): Promise<TraceCollector> {
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        if (request.url === '/v1/traces')
          collector.take(JSON.parse(Buffer.concat(chunks).toString()) as TracesRequest);
        response.writeHead(request.url === '/v1/traces' ? 200 : 404, { 'content-type': 'application/json' });
        response.end('{}');
      });
    });
    const collector = new TraceCollector(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return collector;
  }

  /** Has a process send its spans here, soon. */
  get env(): Record<string, string> {
    const { port } = this.server.address() as AddressInfo;
    return { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`, OTEL_BSP_SCHEDULE_DELAY: '100' };
  }

  /**
   * The way to `span` from the first span of its trace, or from below `caller`, which is not here: `service name` each.
   * Undefined while one is missing.
   */
  pathTo(span: Span, caller?: string): string[] | undefined {
    const own = `${span.service} ${span.name}`;
    if (span.parentSpanId === caller) return [own];
    const parent = this.spans.find(
      ({ traceId, spanId }) => traceId === span.traceId && spanId === span.parentSpanId,
    );
    const path = parent && this.pathTo(parent, caller);
    return path && [...path, own];
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private take(body: TracesRequest): void {
    for (const { resource, scopeSpans } of body.resourceSpans) {
      const name = resource.attributes.find(({ key }) => key === 'service.name');
      const service = name?.value.stringValue ?? '';
      for (const { spans } of scopeSpans) this.spans.push(...spans.map((span) => ({ ...span, service })));
    }
  }
}
