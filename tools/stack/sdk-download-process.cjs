'use strict';

// Lets the Temporal SDK fetch the server of kind argv[2] into folder argv[3]. It can do that only by starting the
// server, so it is started and ended at once. In a process of its own, because the fetch cannot be cancelled.
const { TestWorkflowEnvironment } = require('@temporalio/testing');

const [, , kind, downloadDir] = process.argv;
const options = { server: { executable: { type: 'cached-download', downloadDir } } };
const started =
  kind === 'time-skipping'
    ? TestWorkflowEnvironment.createTimeSkipping(options)
    : TestWorkflowEnvironment.createLocal(options);
started
  .then((environment) => environment.teardown())
  .then(
    () => process.exit(0),
    (error) => {
      console.error(error instanceof Error ? error.message : String(error));
      process.exit(1);
    },
  );
