import { startStack, type Component, type Stack } from '../../tools/stack';

declare global {
  // Set-ups and teardowns of a run share one process, but no modules.
  var sharedStacks: Pick<Stack, 'stop'>[] | undefined;
}

/**
 * Before the tests of a project: servers for all of them, whose addresses they find in the environment. Those that are
 * already named in `STACK_*` (a stack kept open with `npm run stack`, or another project's of this run) are used.
 */
export async function startSharedStack(components?: readonly Component[]): Promise<void> {
  const log = (line: string): void => console.error(line);
  const stack: Partial<Stack> & Pick<Stack, 'stop'> = await startStack({
    durable: false,
    log,
    ...(components && { components }),
  });
  endWithTests(stack);
  const { temporal, postgres, redis } = stack;
  if (temporal) process.env['STACK_TEMPORAL_ADDRESS'] = temporal.address;
  if (postgres) process.env['STACK_POSTGRES_DSN'] = postgres.dsn;
  if (redis) process.env['STACK_REDIS_URL'] = redis.url;
}

/** Has something stopped after all tests of all projects. */
export function endWithTests(stack: Pick<Stack, 'stop'>): void {
  (globalThis.sharedStacks ??= []).push(stack);
}

/** After all tests of all projects; does nothing when it is called again. */
export async function stopSharedStacks(): Promise<void> {
  const stacks = globalThis.sharedStacks?.splice(0) ?? [];
  await Promise.all(stacks.map((stack) => stack.stop()));
}
