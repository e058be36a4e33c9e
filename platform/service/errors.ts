/** A refusal that a caller may see: `message` is written for that caller, `cause` only for the log. */
export class ServiceError extends Error {
  override readonly name = 'ServiceError';

  constructor(
    /** Of the HTTP answer. */
    readonly status: number,
    readonly code: string,
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }
}

/** A part that the service cannot do without is away: 503. */
export function unavailable(message: string, cause?: unknown): ServiceError {
  return new ServiceError(503, 'service_unavailable', message, { cause });
}
