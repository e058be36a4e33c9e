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

/** The SDK gives the server five seconds to start, which a busy machine may take. */
const START_ATTEMPTS = 5;

/** A time-skipping Temporal environment; end it with `teardown()`. For tests under `test/workflow`. */
export async function timeSkippingEnvironment(): Promise<TestWorkflowEnvironment> {
  quietTemporal();
  const path = process.env['STACK_TIME_SKIPPING_SERVER'];
  if (path === undefined) throw new Error('Tests with time skipping belong under test/workflow');
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await TestWorkflowEnvironment.createTimeSkipping({
        server: { executable: { type: 'existing-path', path } },
      });
    } catch (error) {
      if (attempt === START_ATTEMPTS) throw error;
    }
  }
}
