import { bundleWorkflowCode, DefaultLogger, Worker } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';
import { EventType } from '../support/history';
import { BUILT_TRACED_WORKFLOWS, BUILT_WORKFLOWS } from '../support/skipping-game-master';
import { quietTemporal } from '../support/temporal';
import { readHistory, storedHistories } from './histories';

const COMPLETED = EventType.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED;
const CONTINUED = EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW;

/** Every history that there must be, and the event that it ends with; null where the game went on. */
const HISTORIES: Record<string, number | null> = {
  banish: null,
  'continue-as-new-1': CONTINUED,
  'continue-as-new-2': CONTINUED,
  'continue-as-new-3': COMPLETED,
  'failed-registration': COMPLETED,
  failure: null,
  finish: COMPLETED,
  force: null,
  health: null,
  'lost-turn-finish': COMPLETED,
  'lost-turn-made': null,
  'lost-turn-not-made': null,
  'outbox-1': CONTINUED,
  'outbox-2': null,
  patch: null,
  'patch-elsewhere': null,
  'recovery-1': CONTINUED,
  'recovery-2': COMPLETED,
  'recovery-elsewhere': null,
  stop: COMPLETED,
  'stop-and-loss': COMPLETED,
  'stop-in-turn': COMPLETED,
  'stop-in-turn-refused': null,
  'stop-signal': COMPLETED,
  turns: null,
};

beforeAll(quietTemporal);

test('there is a history of every scenario', () => {
  expect(storedHistories()).toEqual(Object.keys(HISTORIES).sort());
});

test.each(Object.entries(HISTORIES))('%s: the present workflow goes the same way', async (name, end) => {
  const history = readHistory(name);
  if (end !== null) expect(history.events.at(-1)?.eventType).toBe(end);
  await Worker.runReplayHistory({ workflowBundle: BUILT_WORKFLOWS }, history, name);
  // With tracing switched on too.
  const sinks = { exporter: { export: { fn: () => undefined } } };
  await Worker.runReplayHistory({ workflowBundle: BUILT_TRACED_WORKFLOWS, sinks }, history, name);
});

describe('a workflow with one timer more', () => {
  let workflowBundle: { code: string };

  beforeAll(async () => {
    workflowBundle = await bundleWorkflowCode({
      workflowsPath: require.resolve('./changed-workflows'),
      ignoreModules: ['fs'],
      logger: new DefaultLogger('ERROR'),
    });
  });

  // What was begun by continue-as-new or by a registration alike.
  test.each(['turns', 'finish', 'failed-registration', 'patch', 'health', 'continue-as-new-2', 'recovery-2'])(
    'does not get through %s',
    async (name) => {
      const replay = Worker.runReplayHistory({ workflowBundle }, readHistory(name), name);
      await expect(replay).rejects.toBeInstanceOf(DeterminismViolationError);
    },
  );
});
