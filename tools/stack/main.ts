import { startStack } from './index';

/** Keeps a stack open for development: tests started with the printed variables use it and start sooner. */
async function main(): Promise<void> {
  const stack = await startStack({ log: (line) => console.error(line) });
  console.log(`export STACK_TEMPORAL_ADDRESS=${stack.temporal.address}`);
  if (stack.temporal.uiUrl !== undefined) console.log(`export STACK_TEMPORAL_UI_URL=${stack.temporal.uiUrl}`);
  console.log(`export STACK_POSTGRES_DSN=${stack.postgres.dsn}`);
  console.log(`export STACK_REDIS_URL=${stack.redis.url}`);
  console.error('Ready. Ctrl-C stops everything.');
  // The wait for a signal alone does not keep a process alive.
  const alive = setInterval(() => undefined, 60_000);
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve());
  });
  clearInterval(alive);
  console.error('Stopping');
  await stack.stop();
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
