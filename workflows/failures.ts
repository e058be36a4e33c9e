import { ActivityFailure, ApplicationFailure } from '@temporalio/workflow';
import type { Failure } from '../activities/operation';
import { isErrorCode } from '../domain/errors';
import type { OutcomeIdentity, TurnUnderWay } from './messages';

/** What a caller of an update is given: `type` is the error code, the detail tells whose outcome it is, or what it waits for. */
export function asUpdateFailure(
  { code, message }: Failure,
  detail?: OutcomeIdentity | TurnUnderWay,
): ApplicationFailure {
  return ApplicationFailure.create({
    type: code,
    message,
    nonRetryable: true,
    ...(detail && { details: [detail] }),
  });
}

/** Why an activity failed, in the terms of the error catalogue. */
export function failureOf(error: unknown): Failure {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  if (cause instanceof ApplicationFailure && isErrorCode(cause.type)) {
    return { code: cause.type, message: cause.message };
  }
  return { code: 'internal_error', message: cause instanceof Error ? cause.message : String(cause) };
}
