import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { untilTimersAreArmed } from './armed';
import type { BareGame } from './bare-workflow';
import { forEach, pidOf, startProcess, stopProcess, taskQueueOf, type Design, type Slot } from './design';
import { Engines } from './engines';
import type { Ground } from './ground';

const NAME = 'bare';
const AT_A_TIME = 16;

/** A bare workflow a game, whose turn is one activity with the three calls. */
export async function startBare(
  ground: Ground,
  games: number,
  races: readonly string[],
  slot: Slot,
  profileFolder: string | null,
): Promise<Design> {
  const engines = await Engines.start(games);
  await engines.initialise(races);
  const bundle = await bundleBareWorkflow();
  const worker = startProcess(ground, NAME, 'bench/herd/bare-worker.js', {
    args: [bundle.codePath],
    cachedWorkflows: games + 1,
    profileFolder,
  });
  const endpoints = engines.endpoints();
  const workflowIds = endpoints.map((_, index) => `${ground.name}-${NAME}-${index}`);
  await forEach(workflowIds, AT_A_TIME, async (workflowId, index) => {
    const game = { gameId: workflowId, endpoint: endpoints[index] ?? '', ...slot };
    await ground.database.pool.query('INSERT INTO herd.games (game_id, endpoint) VALUES ($1, $2)', [
      game.gameId,
      game.endpoint,
    ]);
    await ground.temporal.workflow.start<(game: BareGame) => Promise<void>>('bareGame', {
      workflowId,
      taskQueue: taskQueueOf(ground, NAME),
      args: [game],
    });
  });
  return {
    name: NAME,
    pid: pidOf(worker),
    engines,
    streams: [`${ground.name}:${NAME}:events`],
    arm: (due) => untilTimersAreArmed(ground, workflowIds, due),
    async stop() {
      await forEach(workflowIds, AT_A_TIME, async (workflowId) => {
        await ground.temporal.workflow.getHandle(workflowId).terminate('the herd is measured');
      });
      await stopProcess(worker);
      engines.stop();
      await bundle.remove();
    },
  };
}

/** Bundled here and not in the worker, whose memory is compared. */
async function bundleBareWorkflow() {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'herd-'));
  const { code } = await bundleWorkflowCode({
    workflowsPath: path.join(__dirname, 'bare-workflow.js'),
    logger: new DefaultLogger('WARN'),
  });
  const codePath = path.join(folder, 'bundle.js');
  await writeFile(codePath, code);
  return { codePath, remove: () => rm(folder, { recursive: true }) };
}
