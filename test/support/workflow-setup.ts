import { timeSkippingServer } from '../../tools/stack';

/** Before the workflow tests: makes sure that the time-skipping Temporal server can be started. */
export default async function setUp(): Promise<void> {
  process.env['STACK_TIME_SKIPPING_SERVER'] = await timeSkippingServer((line) => console.error(line));
}
