import path from 'node:path';
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyError } from 'fastify';
import { GameMasterError } from '../../domain/errors';
import type { ApiApp } from '../api-app';

/** The committed document, beside the code also where that is compiled. */
const DOCUMENT = path.join(__dirname, '..', 'internal-openapi.yaml');

/** Everything is served from here, nothing from elsewhere. The page sets styles by script. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "form-action 'none'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** `/docs`: the contract as a page to read and to try calls on; the document itself at `/docs/json` and `/docs/yaml`. */
export async function apiPage(app: ApiApp): Promise<void> {
  // Of its files the page refuses addresses that lead out of their folder: nothing is there.
  app.setErrorHandler((error: FastifyError) => {
    const isRefusal = error.statusCode !== undefined && error.statusCode < 500;
    throw isRefusal ? new GameMasterError('not_found', 'there is nothing at this address') : error;
  });
  await app.register(swagger, {
    mode: 'static',
    specification: { path: DOCUMENT, baseDir: path.dirname(DOCUMENT) },
  });
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    staticCSP: CONTENT_SECURITY_POLICY,
    // Calls go to the process that shows the page, whatever its address.
    transformSpecification: (document) => ({ ...document, servers: [{ url: '/' }] }),
    uiConfig: { validatorUrl: null, deepLinking: true, displayRequestDuration: true },
  });
}
