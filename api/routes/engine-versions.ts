import { GameMasterError } from '../../domain/errors';
import type { EngineVersionRow, EngineVersionStore } from '../../stores/engine-versions';
import type { JsonObject } from '../../stores/generated/schema';
import type { ApiApp } from '../api-app';
import {
  createEngineVersionBody,
  emptyBody,
  engineVersion,
  engineVersionList,
  engineVersionsQuery,
  imageRefAnswer,
  noQuery,
  nothing,
  updateEngineVersionBody,
  versionParams,
} from '../schemas';

/** The registry of engine versions. */
export function engineVersionRoutes(app: ApiApp, { versions }: { versions: EngineVersionStore }): void {
  /** Errors: invalid_request. */
  app.get(
    '/api/v1/internal/engine-versions',
    {
      schema: {
        operationId: 'internalListEngineVersions',
        querystring: engineVersionsQuery,
        response: { 200: engineVersionList },
      },
    },
    async ({ query: { status } }) => {
      const rows = await versions.list(status);
      return { engine_versions: rows.map(toEngineVersion) };
    },
  );

  /** Errors: invalid_request, conflict. */
  app.post(
    '/api/v1/internal/engine-versions',
    {
      schema: {
        operationId: 'internalCreateEngineVersion',
        querystring: noQuery,
        body: createEngineVersionBody,
        response: { 201: engineVersion },
      },
    },
    async ({ body: { version, image_ref, options } }, reply) => {
      const row = await versions.create({
        version,
        imageRef: image_ref,
        ...(options !== undefined && { options: options as JsonObject }),
      });
      return reply.code(201).send(toEngineVersion(row));
    },
  );

  /** Errors: invalid_request, engine_version_not_found. */
  app.get(
    '/api/v1/internal/engine-versions/:version',
    {
      schema: {
        operationId: 'internalGetEngineVersion',
        params: versionParams,
        querystring: noQuery,
        response: { 200: engineVersion },
      },
    },
    async ({ params: { version } }) => {
      const row = await versions.find(version);
      if (row === null) {
        throw new GameMasterError('engine_version_not_found', `there is no engine version ${version}`);
      }
      return toEngineVersion(row);
    },
  );

  /** Errors: invalid_request, engine_version_not_found. */
  app.patch(
    '/api/v1/internal/engine-versions/:version',
    {
      schema: {
        operationId: 'internalUpdateEngineVersion',
        params: versionParams,
        querystring: noQuery,
        body: updateEngineVersionBody,
        response: { 200: engineVersion },
      },
    },
    async ({ params: { version }, body: { image_ref, options, status } }) => {
      const row = await versions.update(version, {
        ...(image_ref !== undefined && { imageRef: image_ref }),
        ...(options !== undefined && { options: options as JsonObject }),
        ...(status !== undefined && { status }),
      });
      return toEngineVersion(row);
    },
  );

  /** Errors: invalid_request, engine_version_not_found, engine_version_in_use. */
  app.delete(
    '/api/v1/internal/engine-versions/:version',
    {
      schema: {
        operationId: 'internalDeleteEngineVersion',
        params: versionParams,
        querystring: noQuery,
        body: emptyBody,
        response: { 204: nothing },
      },
    },
    async ({ params: { version } }, reply) => {
      await versions.delete(version);
      return reply.code(204).send();
    },
  );

  /** Errors: invalid_request, engine_version_not_found. */
  app.post(
    '/api/v1/internal/engine-versions/:version/deprecate',
    {
      schema: {
        operationId: 'internalDeprecateEngineVersion',
        params: versionParams,
        querystring: noQuery,
        body: emptyBody,
        response: { 200: engineVersion },
      },
    },
    async ({ params: { version } }) => toEngineVersion(await versions.deprecate(version)),
  );

  /** Errors: invalid_request, engine_version_not_found, engine_version_deprecated. */
  app.get(
    '/api/v1/internal/engine-versions/:version/image-ref',
    {
      schema: {
        operationId: 'internalResolveEngineVersionImageRef',
        params: versionParams,
        querystring: noQuery,
        response: { 200: imageRefAnswer },
      },
    },
    async ({ params: { version } }) => ({ image_ref: await versions.resolveImageRef(version) }),
  );
}

function toEngineVersion(row: EngineVersionRow) {
  return {
    version: row.version,
    image_ref: row.imageRef,
    options: row.options,
    status: row.status,
    created_at: row.createdAt.toISOString(),
    updated_at: row.updatedAt.toISOString(),
  };
}
