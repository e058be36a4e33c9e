/**
 * How errors cross Temporal. One whose text is not well-formed Unicode would end the worker process, and the next one
 * that is given the task: so every text is made fit here, whoever wrote it. Named in the workflow bundle and the worker.
 */
import { DefaultFailureConverter } from '@temporalio/common';
import { storableText } from '../domain/text';

/** Stack traces begin with the message and have a dozen lines that matter. */
const LONGEST_STACK_TRACE = 5_000;

class FitFailureConverter extends DefaultFailureConverter {
  /** Causes come through here as well. */
  override errorToFailure(...[error, ...context]: Parameters<DefaultFailureConverter['errorToFailure']>) {
    const { message, stackTrace, ...failure } = super.errorToFailure(error, ...context);
    return {
      ...failure,
      message: storableText(message ?? ''),
      stackTrace: storableText(stackTrace ?? '', LONGEST_STACK_TRACE),
    };
  }
}

export const failureConverter = new FitFailureConverter();
