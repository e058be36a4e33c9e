import type { AddressInfo } from 'node:net';
import type { RouteOptions } from 'fastify';
import { pino } from 'pino';
import { buildApp } from '../../../api/app';
import { checkReadiness } from '../../../api/readiness';
import { connectTemporal, pingTemporal } from '../../../clients/temporal';
import { loadApiConfig } from '../../../config/api';
import { createMetrics } from '../../../config/telemetry';
import { openDatabase } from '../../../stores/postgres';
import { sendTo, type HttpAnswer, type HttpRequest } from './send';

/** Nothing listens on port 1. */
const NOWHERE = '127.0.0.1:1';

export interface LonelyApp {
  port: number;
  send: (request: HttpRequest) => Promise<HttpAnswer>;
  routes: RouteOptions[];
  /** What was logged, oldest first. */
  lines: Record<string, unknown>[];
  close: () => Promise<void>;
}

/**
 * The api with none of its neighbours: what passes every check of the edge ends as `service_unavailable`, because the
 * store is not there.
 */
export async function lonelyApp(settings: Record<string, string> = {}): Promise<LonelyApp> {
  const config = loadApiConfig({
    GAMEMASTER_POSTGRES_DSN: `postgres://nobody@${NOWHERE}/nothing`,
    GAMEMASTER_TEMPORAL_ADDRESS: NOWHERE,
    GAMEMASTER_LOBBY_BASE_URL: `http://${NOWHERE}`,
    GAMEMASTER_RTM_BASE_URL: `http://${NOWHERE}`,
    ...settings,
  });
  const lines: Record<string, unknown>[] = [];
  const log = pino({ level: config.logLevel }, { write: (line) => lines.push(JSON.parse(line) as never) });
  const database = openDatabase({
    ...config.postgres,
    applicationName: 'test',
    onPoolError: () => undefined,
  });
  const temporal = connectTemporal(config.temporal);
  const readiness = checkReadiness({
    postgres: () => database.ping(500),
    temporal: () => pingTemporal(temporal, 500),
  });
  const app = buildApp({ config, database, temporal, readiness, metrics: createMetrics('api'), log });
  const routes: RouteOptions[] = [];
  app.addHook('onRoute', (route) => void routes.push(route));
  await app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = app.server.address() as AddressInfo;
  return {
    port,
    send: (request) => sendTo(port, request),
    routes,
    lines,
    close: async () => {
      await app.close();
      await temporal.connection.close();
      await database.close();
    },
  };
}
