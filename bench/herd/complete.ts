import { randomUUID } from 'node:crypto';
import { WithStartWorkflowOperation } from '@temporalio/client';
import {
  GAME_WORKFLOW_TYPE,
  gameWorkflowId,
  registerUpdate,
  type GameInput,
  type RegisterBody,
} from '../../workflows/messages';
import { untilTimersAreArmed } from './armed';
import { forEach, pidOf, startProcess, stopProcess, taskQueueOf, type Design, type Slot } from './design';
import { Engines } from './engines';
import { ENGINE_VERSION, type Ground } from './ground';

const NAME = 'complete';
const AT_A_TIME = 16;

/** The real thing: the worker process as it is deployed, and games that were registered as Lobby's are. */
export async function startComplete(
  ground: Ground,
  games: number,
  races: readonly string[],
  slot: Slot,
  profileFolder: string | null,
): Promise<Design> {
  const engines = await Engines.start(games);
  const worker = startProcess(ground, NAME, 'worker/main.js', {
    cachedWorkflows: games + 1,
    profileFolder,
  });
  const members = races.map((race_name, index) => ({ user_id: `user-${index + 1}`, race_name }));
  const endpoints = engines.endpoints();
  const gameIds = endpoints.map((_, index) => `${ground.name}-${index}`);
  await forEach(gameIds, AT_A_TIME, (gameId, index) =>
    register(ground, gameId, {
      engine_endpoint: endpoints[index] ?? '',
      members,
      target_engine_version: ENGINE_VERSION,
      turn_schedule: cronOf(slot),
    }),
  );
  return {
    name: NAME,
    pid: pidOf(worker),
    engines,
    streams: [`${ground.name}:${NAME}:events`, `${ground.name}:${NAME}:intents`],
    async arm(due) {
      await untilTimersAreArmed(ground, gameIds.map(gameWorkflowId), due);
      await expectRecords(ground, games, due);
    },
    async stop() {
      await forEach(gameIds, AT_A_TIME, async (gameId) => {
        await ground.temporal.workflow.getHandle(gameWorkflowId(gameId)).terminate('the herd is measured');
      });
      await stopProcess(worker);
      engines.stop();
    },
  };
}

/** Every game's period is a whole number of minutes that divides the hour, its offset whole seconds. */
function cronOf({ periodMs, offsetMs }: Slot): string {
  const offset = offsetMs / 1000;
  const minutes = periodMs / 60_000;
  return `${offset % 60} ${Math.floor(offset / 60)}/${minutes} * * * *`;
}

/** As the api sends it. */
async function register(ground: Ground, gameId: string, body: RegisterBody): Promise<void> {
  const start = new WithStartWorkflowOperation<(input: GameInput) => Promise<void>>(GAME_WORKFLOW_TYPE, {
    workflowId: gameWorkflowId(gameId),
    taskQueue: taskQueueOf(ground, NAME),
    workflowIdConflictPolicy: 'USE_EXISTING',
    args: [{ gameId }],
  });
  const key = randomUUID();
  const identity = { key, hash: key, source: 'lobby', actor: null } as const;
  await ground.temporal.workflow.executeUpdateWithStart(registerUpdate, {
    updateId: `register:${key}:0`,
    args: [{ ...identity, body, accept_before: new Date(Date.now() + 60_000).toISOString() }],
    startWorkflowOperation: start,
  });
}

async function expectRecords({ database }: Ground, games: number, due: number): Promise<void> {
  const { rows } = await database.pool.query<{ armed: number }>(
    `SELECT count(*) AS armed FROM gamemaster.runtime_records
     WHERE status = 'running' AND next_generation_at = $1`,
    [new Date(due)],
  );
  const armed = rows[0]?.armed ?? 0;
  if (armed !== games) throw new Error(`${games - armed} of ${games} records do not show the tick`);
}
