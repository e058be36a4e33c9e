import { startSharedContainers } from './shared-containers';
import { endWithTests, startSharedStack } from './shared-stack';

/** Before the integration tests: one Temporal, Postgres and Redis for all of them, and a container engine if one is wanted. */
export default async function setUp(): Promise<void> {
  const [containers] = await Promise.all([startSharedContainers(), startSharedStack()]);
  endWithTests(containers);
}
