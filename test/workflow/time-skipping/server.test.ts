import { Worker } from '@temporalio/worker';

import { freshTaskQueue } from '../../support/stack';
import { timeSkippingEnvironment } from '../../support/temporal';
import type { waitDays } from './workflows';

/** Some seconds, and many times that on a machine with other things to do. */
const YEAR_WITHIN_MS = 120_000;

test('a year of daily timers passes in seconds', async () => {
  const environment = await timeSkippingEnvironment();
  try {
    const taskQueue = freshTaskQueue();
    const worker = await Worker.create({
      connection: environment.nativeConnection,
      taskQueue,
      workflowsPath: require.resolve('./workflows'),
    });
    const began = Date.now();
    const passed = await worker.runUntil(
      environment.client.workflow.execute<typeof waitDays>('waitDays', {
        args: [365],
        taskQueue,
        workflowId: taskQueue,
      }),
    );
    expect(passed).toBeGreaterThanOrEqual(365 * 24 * 3600 * 1000);
    expect(Date.now() - began).toBeLessThan(YEAR_WITHIN_MS);
  } finally {
    await environment.teardown();
  }
}, 180_000);
