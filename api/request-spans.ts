import { context, propagation, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import type { Context, Tracer } from '@opentelemetry/api';
import type { FastifyInstance, FastifyRequest } from 'fastify';

/**
 * A span for every request of the API, under that of the caller where a `traceparent` names one. What the handler does
 * is part of it.
 */
export function traceRequests(app: FastifyInstance, tracer: Tracer): void {
  const requests = new WeakMap<FastifyRequest, Context>();
  app.addHook('onRequest', (request, _reply, done) => {
    const { url, schema } = request.routeOptions;
    if (url?.startsWith('/api/')) {
      const { game_id } = request.params as { game_id?: string };
      const caller = propagation.extract(ROOT_CONTEXT, request.headers);
      const span = tracer.startSpan(
        `${request.method} ${url}`,
        {
          kind: SpanKind.SERVER,
          attributes: {
            'http.request.method': request.method,
            'http.route': url,
            ...(schema?.operationId && { 'gamemaster.operation': schema.operationId }),
            ...(game_id !== undefined && { 'gamemaster.game_id': game_id }),
          },
        },
        caller,
      );
      requests.set(request, trace.setSpan(caller, span));
    }
    done();
  });
  // Not earlier: reading the body loses the context.
  app.addHook('preHandler', (request, _reply, done) => {
    context.with(requests.get(request) ?? context.active(), done);
  });
  app.addHook('onResponse', (request, reply, done) => {
    const span = trace.getSpan(requests.get(request) ?? ROOT_CONTEXT);
    span?.setAttribute('http.response.status_code', reply.statusCode);
    if (reply.statusCode >= 500) span?.setStatus({ code: SpanStatusCode.ERROR });
    span?.end();
    done();
  });
}
