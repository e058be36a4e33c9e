const STATUS = {
  invalid_request: 400,
  not_found: 404,
  race_not_found: 404,
  turn_not_found: 404,
  method_not_allowed: 405,
  not_initialised: 409,
  already_initialised: 409,
  game_finished: 409,
  turn_mismatch: 412,
  internal_error: 500,
  shutting_down: 503,
} as const;

export type EngineErrorCode = keyof typeof STATUS;

/** A refusal that openapi.yaml knows. `status` is the code's own but for bodies too long (413) or not JSON (415). */
export class EngineError extends Error {
  override readonly name = 'EngineError';

  constructor(
    readonly code: EngineErrorCode,
    message: string,
    readonly status: number = STATUS[code],
  ) {
    super(message);
  }
}
