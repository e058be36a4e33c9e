/**
 * How a failure leaves an activity. The workflow sees ApplicationFailures only: `type` is the error code. What is not
 * marked non-retryable here is a fault of our own stores, and is tried again until it works.
 */
import { ApplicationFailure } from '@temporalio/activity';
import type { ErrorCode } from '../domain/errors';
import { GameMasterError } from '../domain/errors';
import { RecordDiverged } from '../stores/errors';

/** Ends the activity for good: the operation fails with `code`. */
export function final(code: ErrorCode, message: string, cause?: unknown): ApplicationFailure {
  return ApplicationFailure.create({
    type: code,
    message,
    nonRetryable: true,
    ...(cause instanceof Error && { cause }),
  });
}

/** The engine's own failure: final for this attempt, but the workflow may order another (design: turn attempts). */
export const ENGINE_FAILED = 'engine_failed';

export interface EngineFailureDetails {
  /** Whether the workflow should give the turn up: the attempts or the deadline are spent. */
  exhausted: boolean;
  /** Milliseconds left of the turn's deadline: no longer does the workflow wait. Older workers did not tell. */
  leftMs?: number;
}

/**
 * Turns what trying again cannot mend into final failures: refusals of the domain, and a record that somebody else has
 * written, which is an alarm. The rest goes on as it is.
 */
export async function refusalsAreFinal<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof GameMasterError) throw final(error.code, error.message, error);
    if (error instanceof RecordDiverged) throw final('internal_error', error.message, error);
    throw error;
  }
}
