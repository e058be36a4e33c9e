/**
 * How each activity is called: how long an attempt may take, how fast a dead worker is noticed, what is tried again.
 * The activities tell what is final; everything else is a fault of our own stores, tried again until they are back.
 */
import {
  ActivityCancellationType,
  ActivityFailure,
  proxyActivities,
  type ActivityOptions,
} from '@temporalio/workflow';
import type { GameActivities } from '../activities';

/** What a lost worker had in hand is begun anew after this time. */
const HEARTBEAT_TIMEOUT = '5s';

/** Soon: what comes too early for the server waits for about a second there. */
const untilStoresAreBack: NonNullable<ActivityOptions['retry']> = {
  initialInterval: '100ms',
  backoffCoefficient: 1.6,
  maximumInterval: '500ms',
};

/** A write to Postgres, and a short try to send its events. */
const writes = { startToCloseTimeout: '5s', retry: untilStoresAreBack } satisfies ActivityOptions;

/** A call to a neighbour: bounded by its own time-outs; the heartbeat tells of a lost worker. */
const calls = {
  startToCloseTimeout: '1 day',
  heartbeatTimeout: HEARTBEAT_TIMEOUT,
  retry: untilStoresAreBack,
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
} satisfies ActivityOptions;

type Calls = Pick<
  GameActivities,
  'initEngine' | 'generateTurn' | 'banishRace' | 'stopContainer' | 'patchContainer'
>;
type Writes = Omit<GameActivities, keyof Calls | 'flushOutbox' | 'engineStatus'>;

/** Calls the activity, under a line for the timeline. */
export function write<Name extends keyof Writes>(
  name: Name,
  summary: string,
  input: Parameters<Writes[Name]>[0],
): ReturnType<Writes[Name]> {
  return call(name, { ...writes, summary }, input);
}

/** Calls the activity, under a line for the timeline. */
export function callNeighbour<Name extends keyof Calls>(
  name: Name,
  summary: string,
  input: Parameters<Calls[Name]>[0],
): ReturnType<Calls[Name]> {
  return call(name, { ...calls, summary }, input);
}

function call<Name extends keyof GameActivities>(
  name: Name,
  options: ActivityOptions,
  input: Parameters<GameActivities[Name]>[0],
): ReturnType<GameActivities[Name]> {
  const activity = proxyActivities<GameActivities>(options)[name] as (input: unknown) => unknown;
  return activity(input) as ReturnType<GameActivities[Name]>;
}

export const { flushOutbox } = proxyActivities<GameActivities>({
  startToCloseTimeout: '30s',
  heartbeatTimeout: HEARTBEAT_TIMEOUT,
  retry: { initialInterval: '100ms', backoffCoefficient: 2, maximumInterval: '5s' },
  summary: 'Send the events that wait in the outbox',
});

/** Asks the engine where it stands, until it answers. */
export const { engineStatus: askEngine } = proxyActivities<GameActivities>({
  startToCloseTimeout: '1 minute',
  heartbeatTimeout: HEARTBEAT_TIMEOUT,
  retry: { initialInterval: '500ms', backoffCoefficient: 2, maximumInterval: '10s' },
  summary: 'Ask the engine where it stands',
});

/** The same, but not for ever: null when the engine does not answer in this time. */
export async function askEngineFor(
  input: Parameters<typeof askEngine>[0],
): Promise<{ turn: number | null } | null> {
  const ask = proxyActivities<GameActivities>({
    startToCloseTimeout: '30s',
    scheduleToCloseTimeout: '30s',
    heartbeatTimeout: HEARTBEAT_TIMEOUT,
    retry: { initialInterval: '250ms', backoffCoefficient: 2, maximumInterval: '2s' },
    summary: 'Ask the engine where it stands after the patch',
  }).engineStatus;
  try {
    return await ask(input);
  } catch (error) {
    if (error instanceof ActivityFailure) return null;
    throw error;
  }
}
