import type { Stack } from '../../tools/stack';
import { startStack } from '../../tools/stack';

declare global {
  var integrationStack: Stack | undefined;
}

/**
 * Before the integration tests: one Temporal, Postgres and Redis for all of them. Those that are already named in
 * `STACK_*` (a stack kept open with `npm run stack`) are used instead.
 */
export default async function setUp(): Promise<void> {
  const stack = await startStack({ durable: false, log: (line) => console.error(line) });
  globalThis.integrationStack = stack;
  process.env['STACK_TEMPORAL_ADDRESS'] = stack.temporal.address;
  process.env['STACK_POSTGRES_DSN'] = stack.postgres.dsn;
  process.env['STACK_REDIS_URL'] = stack.redis.url;
}
