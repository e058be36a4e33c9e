/**
 * The shapes of api/internal-openapi.yaml as they are checked at the edge: strict both ways, so that an undeclared
 * field neither comes in nor goes out. What needs the configuration or a store is checked by the routes.
 */
import { z } from 'zod';
import { ENGINE_HEALTH } from '../domain/engine-health';
import { ERROR_CODES } from '../domain/errors';
import { CALLERS, OPERATION_KINDS } from '../domain/operation';
import { ENGINE_VERSION_STATUSES, isExactSemver } from '../domain/engine-version';
import { isImageReference } from '../pkg/imageref';
import { RUNTIME_STATUSES } from '../domain/runtime-status';
import { CommandsBody } from './commands-body';

/** Text of `min` to `max` Unicode code points. */
const text = (min: number, max: number) =>
  z.string().refine((value) => hasCodePoints(value, min, max), `must have ${min} to ${max} characters`);

function hasCodePoints(value: string, min: number, max: number): boolean {
  // A code point takes two units at most: a long text need not be counted.
  if (value.length > 2 * max) return false;
  const { length } = Array.from(value);
  return length >= min && length <= max;
}

const gameId = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'must be 1 to 64 characters of A-Z a-z 0-9 _ -');
export const userId = z
  .string()
  .regex(/^[A-Za-z0-9_.:@-]{1,128}$/, 'must be 1 to 128 characters of A-Z a-z 0-9 _ . : @ -');
const raceName = text(1, 64).regex(
  // eslint-disable-next-line no-control-regex -- control characters are what this keeps out
  /^[^\u0000-\u001f\u007f-\u009f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]*$/,
  'must have printable characters only',
);
const version = z
  .string()
  .refine(isExactSemver, 'must be an exact semantic version like 1.4.2, without build metadata');
const imageRef = z
  .string()
  .refine(isImageReference, 'must be a container image reference with a tag or a digest');
const timestamp = z.iso.datetime();
const runtimeStatus = z.enum(RUNTIME_STATUSES);
const engineVersionStatus = z.enum(ENGINE_VERSION_STATUSES);

/** Free JSON that Postgres can hold: jsonb has neither NUL characters nor numbers out of range. */
const engineOptions = z
  .record(z.string(), z.unknown())
  .refine(isStorableJson, 'must have no NUL characters and no numbers out of range');

function isStorableJson(value: unknown): boolean {
  if (typeof value === 'string') return !value.includes('\u0000');
  if (typeof value === 'number') return Number.isFinite(value);
  if (typeof value !== 'object' || value === null) return true;
  return Object.entries(value).every(([key, inner]) => isStorableJson(key) && isStorableJson(inner));
}

export const gameParams = z.strictObject({ game_id: gameId });
export const reportParams = z.strictObject({
  game_id: gameId,
  // However great: there is no such turn, and that is the engine's word.
  turn: z.string().regex(/^(0|[1-9][0-9]*)$/, 'must be digits without a sign or leading zeros'),
});
export const versionParams = z.strictObject({ version });
export const noQuery = z.strictObject({});
/** For calls that take nothing: an empty object, or no body at all (which Fastify tells as null). */
export const emptyBody = z.strictObject({}).nullable();

const page = {
  limit: z
    .string()
    .regex(/^([1-9][0-9]?|1[0-9]{2}|200)$/, 'must be a whole number from 1 to 200')
    .optional(),
  cursor: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,512}$/, 'must be the next_cursor of an earlier page')
    .optional(),
};
const nextCursor = z.string().nullable();

export const registerBody = z.strictObject({
  engine_endpoint: z.string(),
  members: z
    .array(z.strictObject({ user_id: userId, race_name: raceName }))
    .min(1)
    .max(200)
    .refine((members) => areUnique(members.map((member) => member.user_id)), 'must not name a user_id twice')
    .refine(
      (members) => areUnique(members.map((member) => member.race_name)),
      'must not name a race_name twice',
    ),
  target_engine_version: version,
  turn_schedule: text(9, 256),
});

function areUnique(values: string[]): boolean {
  return new Set(values).size === values.length;
}

export const stopBody = z.strictObject({
  reason: text(1, 500).refine((value) => !value.includes('\u0000'), 'must have no NUL characters'),
});

export const patchBody = z.strictObject({ version });
export const banishBody = z.strictObject({ race_name: raceName });

export const runtimeRecord = z.strictObject({
  game_id: gameId,
  status: runtimeStatus,
  engine_endpoint: z.string(),
  current_image_ref: z.string(),
  current_engine_version: z.string(),
  turn_schedule: z.string(),
  current_turn: z.int().min(0),
  next_generation_at: timestamp.nullable(),
  skip_next_tick: z.boolean(),
  engine_health: z.enum(ENGINE_HEALTH),
  created_at: timestamp,
  updated_at: timestamp,
  started_at: timestamp.nullable(),
  stopped_at: timestamp.nullable(),
  finished_at: timestamp.nullable(),
});

export const runtimesQuery = z.strictObject({ status: runtimeStatus.optional(), ...page });
export const runtimePage = z.strictObject({ runtimes: z.array(runtimeRecord), next_cursor: nextCursor });

export const operation = z.strictObject({
  operation_id: z.string(),
  game_id: gameId,
  kind: z.enum(OPERATION_KINDS),
  source: z.enum([...CALLERS, 'scheduler', 'runtime_manager']).nullable(),
  actor: z.string().nullable(),
  status_from: runtimeStatus.nullable(),
  status_to: runtimeStatus.nullable(),
  outcome: z.enum(['success', 'failure']),
  error_code: z.enum(ERROR_CODES).nullable(),
  error_message: z.string().nullable(),
  started_at: timestamp,
  finished_at: timestamp,
});
export const operationsQuery = z.strictObject(page);
export const operationPage = z.strictObject({ operations: z.array(operation), next_cursor: nextCursor });

export const liveness = z.strictObject({
  ready: z.boolean(),
  status: z.enum([...RUNTIME_STATUSES, 'unregistered']),
});

/** The parser has checked it; what never reached the parser was no body at all. */
export const commandsBody = z.instanceof(CommandsBody, { error: 'must be an object with commands' });
/** Bytes of the engine's own. */
export const engineAnswer = z.instanceof(Buffer).optional();

export const engineVersion = z.strictObject({
  version: z.string(),
  image_ref: z.string(),
  options: z.record(z.string(), z.unknown()),
  status: engineVersionStatus,
  created_at: timestamp,
  updated_at: timestamp,
});
export const engineVersionsQuery = z.strictObject({ status: engineVersionStatus.optional() });
export const engineVersionList = z.strictObject({ engine_versions: z.array(engineVersion) });
export const createEngineVersionBody = z.strictObject({
  version,
  image_ref: imageRef,
  options: engineOptions.optional(),
});
export const updateEngineVersionBody = z
  .strictObject({
    image_ref: imageRef.optional(),
    options: engineOptions.optional(),
    status: engineVersionStatus.optional(),
  })
  .refine((change) => Object.keys(change).length > 0, 'must change something');
export const imageRefAnswer = z.strictObject({ image_ref: z.string() });

/** Of answers that have no body. */
export const nothing = z.undefined();

export const health = z.strictObject({ status: z.literal('ok') });
const dependencyState = z.enum(['up', 'down']);
export const readiness = z.strictObject({
  status: z.enum(['ready', 'not_ready']),
  checks: z.strictObject({ postgres: dependencyState, temporal: dependencyState }),
});
