import { setTimeout as delay } from 'node:timers/promises';
import type { Connection } from '@temporalio/client';

/** temporal.api.enums.v1.IndexedValueType, as far as it is used here. */
const INDEXED_VALUE_TYPES = { Keyword: 2, Int: 3, Datetime: 6 } as const;

/** What operators list, filter and sort games by. */
export const SEARCH_ATTRIBUTES = {
  GameStatus: 'Keyword',
  CurrentTurn: 'Int',
  NextTurnAt: 'Datetime',
  EngineVersion: 'Keyword',
} as const satisfies Record<string, keyof typeof INDEXED_VALUE_TYPES>;

/** The server applies an addition within a second or two; much longer means that it does not. */
const VISIBLE_WITHIN_MS = 30_000;
const CALL_TIMEOUT_MS = 5_000;
const LOOK_AGAIN_MS = 100;

/**
 * Registers the search attributes of games in a namespace, and resolves when the server lists them all. Does nothing
 * where they are; safe from several processes at once. A workflow that sets an attribute before it is registered
 * fails its task, so a worker may not poll earlier.
 * @throws Error when an attribute exists with another type, or the server does not take them within half a minute
 */
export async function registerSearchAttributes(
  connection: Connection,
  namespace: string,
  timeoutMs = VISIBLE_WITHIN_MS,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  let lastError: unknown;
  for (;;) {
    const missing = await missingAttributes(connection, namespace);
    if (missing.length === 0) return;
    if (Date.now() > deadline) {
      const names = missing.join(', ');
      throw new Error(`Temporal does not list search attributes ${names} in namespace ${namespace}`, {
        cause: lastError,
      });
    }
    // Another process may be adding the same ones, in which case this call fails and the next look finds them.
    await addSearchAttributes(connection, namespace, missing).catch((error: unknown) => {
      lastError = error;
    });
    await delay(LOOK_AGAIN_MS);
  }
}

/** @throws Error naming the attributes that somebody still has to register */
export async function expectSearchAttributes(connection: Connection, namespace: string): Promise<void> {
  const missing = await missingAttributes(connection, namespace);
  if (missing.length > 0)
    throw new Error(`search attributes ${missing.join(', ')} are not registered: run tools/migrate`);
}

type AttributeName = keyof typeof SEARCH_ATTRIBUTES;

async function missingAttributes(connection: Connection, namespace: string): Promise<AttributeName[]> {
  const { customAttributes } = await connection.withDeadline(Date.now() + CALL_TIMEOUT_MS, () =>
    connection.operatorService.listSearchAttributes({ namespace }),
  );
  const names = Object.keys(SEARCH_ATTRIBUTES) as AttributeName[];
  return names.filter((name) => {
    const type: number | undefined = customAttributes[name];
    const wanted = SEARCH_ATTRIBUTES[name];
    if (type !== undefined && type !== INDEXED_VALUE_TYPES[wanted]) {
      throw new Error(
        `Search attribute ${name} of namespace ${namespace} exists with a type other than ${wanted}: ` +
          `remove it (temporal operator search-attribute remove --name ${name}) or use another namespace`,
      );
    }
    return type === undefined;
  });
}

/** One attempt to add these, or all. @throws what the server answers, also when one of them is there already */
export async function addSearchAttributes(
  connection: Connection,
  namespace: string,
  names = Object.keys(SEARCH_ATTRIBUTES) as AttributeName[],
): Promise<void> {
  const searchAttributes = Object.fromEntries(
    names.map((name) => [name, INDEXED_VALUE_TYPES[SEARCH_ATTRIBUTES[name]]]),
  );
  await connection.withDeadline(Date.now() + CALL_TIMEOUT_MS, () =>
    connection.operatorService.addSearchAttributes({ namespace, searchAttributes }),
  );
}
