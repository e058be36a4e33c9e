/**
 * Every error a caller of the Game Master can be given, by its code. The edge maps a code to an HTTP status
 * (api/errors.ts); nothing else does.
 */
export const ERROR_CODES = [
  'invalid_request',
  'unauthorized',
  'forbidden',
  'runtime_not_found',
  'engine_version_not_found',
  'race_not_found',
  'not_found',
  'method_not_allowed',
  'conflict',
  'runtime_not_running',
  'semver_patch_only',
  'engine_version_in_use',
  'engine_version_deprecated',
  'too_many_requests',
  'engine_validation_error',
  'engine_unreachable',
  'turn_mismatch',
  'service_unavailable',
  'internal_error',
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

export function isErrorCode(value: unknown): value is ErrorCode {
  return (ERROR_CODES as readonly unknown[]).includes(value);
}

/** An expected failure: `message` is written for the caller, `cause` only for the log. */
export class GameMasterError extends Error {
  override readonly name = 'GameMasterError';

  constructor(
    readonly code: ErrorCode,
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }
}
