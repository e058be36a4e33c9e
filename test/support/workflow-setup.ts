import { timeSkippingServer } from '../../tools/stack';
import { startSharedStack } from './shared-stack';

/** Before the workflow tests: Postgres and Redis for all of them; the time-skipping server can be started. */
export default async function setUp(): Promise<void> {
  const [server] = await Promise.all([
    timeSkippingServer((line) => console.error(line)),
    startSharedStack(['postgres', 'redis']),
  ]);
  process.env['STACK_TIME_SKIPPING_SERVER'] = server;
}
