import {
  banishUpdate,
  forceUpdate,
  GAME_WORKFLOW_TYPE,
  gameWorkflowId,
  patchUpdate,
  registerUpdate,
  stateQuery,
  stopUpdate,
} from '../../workflows/messages';
import { SkippingGameMaster } from '../support/skipping-game-master';
import { freshGameId } from '../support/stack';

let gm: SkippingGameMaster;

beforeAll(async () => {
  gm = await SkippingGameMaster.start();
});

afterAll(() => gm.stop());

test('a run that no registration is sent to ends itself after a minute and leaves nothing behind', async () => {
  const gameId = freshGameId();
  const begun = await gm.now();
  const handle = await gm.environment.client.workflow.start(GAME_WORKFLOW_TYPE, {
    workflowId: gameWorkflowId(gameId),
    taskQueue: gm.config.temporal.taskQueue,
    args: [{ gameId }],
  });
  expect(await handle.query(stateQuery)).toBeNull();
  await gm.skipTo(begun + 50_000);
  expect((await handle.describe()).status.name).toBe('RUNNING');

  expect(await handle.result()).toBe('nothing was registered');
  const { startTime, closeTime } = await handle.describe();
  const lasted = (closeTime?.getTime() ?? 0) - startTime.getTime();
  expect(lasted).toBeGreaterThanOrEqual(60_000);
  // The clock runs on while the machine ends it.
  expect(lasted).toBeLessThan(90_000);
  expect(await gm.count('runtime_records', gameId)).toBe(0);
  expect(await gm.count('operation_log', gameId)).toBe(0);
});

test('a run that was started by hand without an argument refuses calls without one, and ends itself too', async () => {
  const handle = await gm.environment.client.workflow.start(GAME_WORKFLOW_TYPE, {
    workflowId: gameWorkflowId(freshGameId()),
    taskQueue: gm.config.temporal.taskQueue,
    args: [],
  });
  const refused = {
    cause: { type: 'invalid_request', message: expect.stringContaining('the argument must be') as string },
  };
  const bodiless = { accept_before: '9999-12-31T23:59:59Z' };
  for (const { name } of [registerUpdate, forceUpdate, stopUpdate, patchUpdate, banishUpdate]) {
    await expect(handle.executeUpdate(name)).rejects.toMatchObject(refused);
    const withoutBody = handle.executeUpdate<unknown, [unknown]>(name, { args: [bodiless] });
    await expect(withoutBody).rejects.toMatchObject(refused);
  }
  expect(await handle.result()).toBe('nothing was registered');
});
