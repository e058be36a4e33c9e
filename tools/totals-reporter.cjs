'use strict';

/** Jest reporter that sends the totals of a run to the parent process (`run.cjs`), which prints them last. */
module.exports = class TotalsReporter {
  onRunComplete(_contexts, results) {
    process.send?.({
      passed: results.numPassedTests,
      // A file that could not be run counts as one failure: its tests are not known.
      failed: results.numFailedTests + results.numRuntimeErrorTestSuites,
      skipped: results.numPendingTests + results.numTodoTests,
    });
  }
};
