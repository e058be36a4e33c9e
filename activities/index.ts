import { createEngineActivities, type EngineActivitiesDeps } from './engine';
import { createOutboxActivities, type OutboxActivitiesDeps } from './outbox';
import { createRecordActivities, type RecordActivitiesDeps } from './records';
import { createRuntimeManagerActivities, type RuntimeManagerActivitiesDeps } from './runtime-manager';

export type ActivitiesDeps = EngineActivitiesDeps &
  RecordActivitiesDeps &
  OutboxActivitiesDeps &
  RuntimeManagerActivitiesDeps;

/** Everything the game workflow can ask for, by name. */
export function createActivities(deps: ActivitiesDeps) {
  return {
    ...createRecordActivities(deps),
    ...createEngineActivities(deps),
    ...createRuntimeManagerActivities(deps),
    ...createOutboxActivities(deps),
  };
}

export type GameActivities = ReturnType<typeof createActivities>;
