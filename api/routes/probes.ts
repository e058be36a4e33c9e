import type { ApiApp } from '../api-app';
import type { ApiReadiness } from '../readiness';
import { health, readiness } from '../schemas';

/** For orchestrators: whether the process lives, and whether it can do its work. */
export function probeRoutes(
  app: ApiApp,
  { readiness: check }: { readiness: () => Promise<ApiReadiness> },
): void {
  app.get(
    '/healthz',
    { logLevel: 'warn', schema: { operationId: 'internalHealthz', response: { 200: health } } },
    () => ({ status: 'ok' as const }),
  );

  app.get(
    '/readyz',
    {
      logLevel: 'warn',
      schema: { operationId: 'internalReadyz', response: { 200: readiness, 503: readiness } },
    },
    async (_request, reply) => {
      const { ready, checks } = await check();
      return reply.code(ready ? 200 : 503).send({ status: ready ? 'ready' : 'not_ready', checks });
    },
  );
}
