import { TestWorkflowEnvironment } from '@temporalio/testing';
import { DefaultLogger, makeTelemetryFilterString, Runtime } from '@temporalio/worker';

let quiet = false;

/** Keeps what the SDK says of failures that tests make on purpose out of their output. Call it before any worker is made. */
export function quietTemporal(): void {
  if (quiet) return;
  quiet = true;
  Runtime.install({
    logger: new DefaultLogger('ERROR'),
    telemetryOptions: { logging: { filter: makeTelemetryFilterString({ core: 'ERROR' }) } },
  });
}

/** A time-skipping Temporal environment; end it with `teardown()`. For tests under `test/workflow`. */
export function timeSkippingEnvironment(): Promise<TestWorkflowEnvironment> {
  quietTemporal();
  const path = process.env['STACK_TIME_SKIPPING_SERVER'];
  if (path === undefined) throw new Error('Tests with time skipping belong under test/workflow');
  return TestWorkflowEnvironment.createTimeSkipping({
    server: { executable: { type: 'existing-path', path } },
  });
}
