/** How every failure leaves the api: the status of each code, and the one envelope they all share. */
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import { GameMasterError, type ErrorCode } from '../domain/errors';
import { StoreUnavailable } from '../stores/errors';

/** The only place where an error code becomes an HTTP status. */
export const HTTP_STATUS: Readonly<Record<ErrorCode, number>> = {
  invalid_request: 400,
  unauthorized: 401,
  forbidden: 403,
  runtime_not_found: 404,
  engine_version_not_found: 404,
  race_not_found: 404,
  not_found: 404,
  method_not_allowed: 405,
  conflict: 409,
  runtime_not_running: 409,
  semver_patch_only: 409,
  engine_version_in_use: 409,
  engine_version_deprecated: 409,
  engine_validation_error: 422,
  too_many_requests: 429,
  internal_error: 500,
  engine_unreachable: 502,
  turn_mismatch: 502,
  service_unavailable: 503,
};

/** Seconds after which a caller may try again, for the codes that promise the header. */
const RETRY_AFTER: Partial<Record<ErrorCode, number>> = { too_many_requests: 1, service_unavailable: 2 };

/** Validation tells what is wrong with a field, which may quote the caller: no message grows beyond this. */
const LONGEST_MESSAGE = 500;

export interface ErrorEnvelope {
  error: { code: ErrorCode; message: string };
}

export interface Failure {
  status: number;
  code: ErrorCode;
  message: string;
}

export function envelope({ code, message }: Pick<Failure, 'code' | 'message'>): ErrorEnvelope {
  return { error: { code, message } };
}

/** What the caller is told of `error`. Whatever is not expected becomes `internal_error`, without its details. */
export function describeFailure(error: unknown, bodyLimit: number): Failure {
  if (error instanceof GameMasterError && error.code !== 'internal_error') {
    return failure(error.code, error.message);
  }
  if (error instanceof StoreUnavailable) return failure('service_unavailable', 'the store is not available');
  if (hasZodFastifySchemaValidationErrors(error)) return failure('invalid_request', describeIssues(error));
  switch (codeOf(error)) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return failure('invalid_request', `the body is longer than ${bodyLimit} bytes`, 413);
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return failure('invalid_request', 'the body must be application/json', 415);
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return failure('invalid_request', 'the body is not as long as its Content-Length says');
    case 'FST_ERR_BAD_URL':
      return failure('invalid_request', 'the address is not a valid URL');
    case 'FST_ERR_HANDLER_TIMEOUT':
      return failure('service_unavailable', 'the request took too long');
    default:
      return failure('internal_error', 'internal error');
  }
}

/** A refusal of the body's encoding, which has the status of a wrong media type. */
export class UnsupportedBody extends Error {
  readonly code = 'FST_ERR_CTP_INVALID_MEDIA_TYPE';
}

/** Answers with the envelope and notes the failure on the request, for its log line. */
export function sendFailure(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  bodyLimit: number,
): FastifyReply {
  const told = describeFailure(error, bodyLimit);
  request.failure = { code: told.code, error };
  const retryAfter = RETRY_AFTER[told.code];
  if (retryAfter !== undefined) reply.header('retry-after', retryAfter.toString());
  return reply.code(told.status).type('application/json; charset=utf-8').send(envelope(told));
}

function failure(code: ErrorCode, message: string, status = HTTP_STATUS[code]): Failure {
  const short = message.length > LONGEST_MESSAGE ? `${message.slice(0, LONGEST_MESSAGE)}…` : message;
  return { status, code, message: short };
}

/** `members.0.user_id: must be …; body: Unrecognized key: "x"` */
function describeIssues(error: FastifyError): string {
  const part = error.validationContext === 'querystring' ? 'query' : (error.validationContext ?? 'body');
  const issues = (error.validation ?? []).map(({ instancePath, message }) => {
    const path = instancePath.split('/').filter(Boolean).join('.');
    return `${path === '' ? part : path}: ${message ?? 'is not valid'}`;
  });
  return issues.slice(0, 5).join('; ');
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
