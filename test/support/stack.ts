import { randomBytes } from 'node:crypto';

import { createDatabase, dropDatabase, startStack } from '../../tools/stack';
import type { Component, Stack, StackOptions } from '../../tools/stack';

export { freePort } from '../../tools/stack';
export { waitFor } from './wait-for';

/** Where the servers are that all integration tests share. Use what is your own on them, see below. */
export function stackAddresses(): { temporalAddress: string; postgresDsn: string; redisUrl: string } {
  // Workflow tests have a Temporal of their own each: only what is asked for has to be there.
  return {
    get temporalAddress() {
      return required('STACK_TEMPORAL_ADDRESS');
    },
    get postgresDsn() {
      return required('STACK_POSTGRES_DSN');
    },
    get redisUrl() {
      return required('STACK_REDIS_URL');
    },
  };
}

/** A new empty database on the shared Postgres (or on the server of `dsn`). */
export async function freshDatabase(
  dsn = stackAddresses().postgresDsn,
): Promise<{ dsn: string; drop: () => Promise<void> }> {
  const name = `test_${unique()}`;
  return { dsn: await createDatabase(dsn, name), drop: () => dropDatabase(dsn, name) };
}

/** A prefix for Redis keys and streams that no other test uses; ends with a colon. */
export function freshKeyPrefix(): string {
  return `test:${unique()}:`;
}

/** A Temporal task queue that no other test uses. */
export function freshTaskQueue(): string {
  return `test-${unique()}`;
}

/** A game id that no other test uses: workflows of all tests share one namespace. */
export function freshGameId(): string {
  return `game-${unique()}`;
}

/**
 * Servers for one test file alone, for tests that stop, kill or freeze them. Starting one takes from 0.1 s (Redis)
 * to 3 s (Temporal, Postgres): ask only for what is needed.
 */
export function ownStack<C extends Component>(
  components: C[],
  options: StackOptions<C> = {},
): Promise<Stack<C>> {
  return startStack({ durable: false, useExisting: false, ...options, components });
}

function required(name: string): string {
  const value = process.env[name];
  if (value === undefined) {
    throw new Error(
      `${name} is not set: tests that need servers belong under test/integration or test/workflow`,
    );
  }
  return value;
}

function unique(): string {
  return randomBytes(6).toString('hex');
}
