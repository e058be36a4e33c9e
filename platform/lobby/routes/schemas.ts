/** The shapes of openapi.yaml as they are checked at the edge: strict both ways. */
import semver from 'semver';
import { z } from 'zod';
import { GAME_STATUSES } from '../domain/game-status';
import { ENGINE_HEALTH, RUNTIME_STATUSES } from '../domain/runtime-view';

const gameId = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'must be 1 to 64 characters of A-Z a-z 0-9 _ -');
const userId = z
  .string()
  .regex(/^[A-Za-z0-9_.:@-]{1,128}$/, 'must be 1 to 128 characters of A-Z a-z 0-9 _ . : @ -');

/** Text of 1 to 64 Unicode code points that can be seen. */
const name = z
  .string()
  // Two units at most for each code point, so that a long text need not be counted.
  .refine(
    (value) => value.length <= 128 && value !== '' && Array.from(value).length <= 64,
    'must have 1 to 64 characters',
  )
  .regex(
    // eslint-disable-next-line no-control-regex -- control characters are what this keeps out
    /^[^\u0000-\u001f\u007f-\u009f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]*$/,
    'must have printable characters only',
  )
  .refine((value) => !/\p{Surrogate}/u.test(value), 'must be well-formed Unicode');

const playerCount = z.int('must be a whole number from 1 to 200').min(1).max(200);
const time = z.iso.datetime();

export const gameParams = z.strictObject({ game_id: gameId });
export const applicationParams = z.strictObject({ game_id: gameId, application_id: z.uuid() });
export const inviteParams = z.strictObject({ game_id: gameId, invite_id: z.uuid() });
export const memberParams = z.strictObject({ game_id: gameId, user_id: userId });

export const listQuery = z.strictObject({
  status: z.enum(GAME_STATUSES).optional(),
  limit: z
    .string()
    .regex(/^([1-9][0-9]?|1[0-9]{2}|200)$/, 'must be a whole number from 1 to 200')
    .optional(),
  cursor: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,512}$/, 'must be the next_cursor of an earlier page')
    .optional(),
});

/** Headers that say who asks; there may be any others. */
export const actorHeaders = z.object({
  'x-user-id': userId.optional(),
  'x-galaxy-caller': z.enum(['gateway', 'admin', 'operator']).optional(),
});
export const playerHeaders = z.object({ 'x-user-id': userId });

export const createGameBody = z
  .strictObject({
    name,
    target_engine_version: z
      .string()
      .max(256)
      .refine((version) => semver.valid(version) === version, 'must be an exact semantic version like 1.4.2'),
    turn_schedule: z.string().min(9).max(256),
    min_players: playerCount,
    max_players: playerCount,
  })
  .refine(({ min_players, max_players }) => min_players <= max_players, {
    path: ['max_players'],
    error: 'must not be less than min_players',
  });
export const raceBody = z.strictObject({ race_name: name });
export const inviteBody = z.strictObject({ user_id: userId });

export const game = z.strictObject({
  game_id: gameId,
  name: z.string(),
  owner_user_id: z.string().nullable(),
  status: z.enum(GAME_STATUSES),
  status_reason: z.string().nullable(),
  target_engine_version: z.string(),
  turn_schedule: z.string(),
  min_players: playerCount,
  max_players: playerCount,
  active_players: z.int(),
  runtime: z
    .strictObject({
      current_turn: z.int(),
      runtime_status: z.enum(RUNTIME_STATUSES),
      engine_health: z.enum(ENGINE_HEALTH).nullable(),
      told_at: time,
    })
    .nullable(),
  created_at: time,
  updated_at: time,
  started_at: time.nullable(),
  finished_at: time.nullable(),
});
export const gamePage = z.strictObject({ games: z.array(game), next_cursor: z.string().nullable() });

export const application = z.strictObject({
  application_id: z.uuid(),
  game_id: gameId,
  user_id: userId,
  race_name: z.string(),
  status: z.enum(['submitted', 'approved', 'rejected']),
  created_at: time,
  decided_at: time.nullable(),
});
export const applicationList = z.strictObject({ applications: z.array(application) });

export const invite = z.strictObject({
  invite_id: z.uuid(),
  game_id: gameId,
  user_id: userId,
  race_name: z.string().nullable(),
  status: z.enum(['open', 'redeemed', 'revoked']),
  created_at: time,
  decided_at: time.nullable(),
});
export const inviteList = z.strictObject({ invites: z.array(invite) });

const memberStatus = z.enum(['active', 'removed', 'blocked']);
export const member = z.strictObject({
  user_id: userId,
  race_name: z.string(),
  status: memberStatus,
  stats: z
    .strictObject({
      planets: z.number(),
      population: z.number(),
      initial_planets: z.number(),
      initial_population: z.number(),
      max_planets: z.number(),
      max_population: z.number(),
    })
    .nullable(),
  capable: z.boolean().nullable(),
  joined_at: time,
});
export const memberList = z.strictObject({ members: z.array(member) });
export const membershipList = z.strictObject({
  memberships: z.array(z.strictObject({ user_id: userId, race_name: z.string(), status: memberStatus })),
});
