/** Refuses requests while the process has too much to do, so that those it has taken are answered in time. */
import { getHeapStatistics } from 'node:v8';
import underPressure from '@fastify/under-pressure';
import { GameMasterError } from '../domain/errors';
import type { ApiApp } from './api-app';

/** Milliseconds by which the event loop is late on average, over a second. A quiet process is at less than one. */
const MOST_DELAY_MS = 1_000;
/** Of the memory that Node may use for objects: beyond this it does little else than collect garbage. */
const MOST_HEAP_SHARE = 0.9;

/** For the routes that are added to `app` after this. */
export async function refuseWhenOverloaded(app: ApiApp): Promise<void> {
  await app.register(underPressure, {
    maxEventLoopDelay: MOST_DELAY_MS,
    maxHeapUsedBytes: MOST_HEAP_SHARE * getHeapStatistics().heap_size_limit,
    pressureHandler: () => {
      throw new GameMasterError('too_many_requests', 'this process is overloaded');
    },
  });
}
