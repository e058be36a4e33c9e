import { startSharedStack } from './shared-stack';

/** Before the integration tests: one Temporal, Postgres and Redis for all of them. */
export default async function setUp(): Promise<void> {
  await startSharedStack();
}
