import { temporalLine } from '../../../worker/temporal-line';

it.each([
  { workflowId: 'game-orion' },
  { workflowExecution: { workflowId: 'game-orion', runId: 'r' } },
  { sdkComponent: 'core', workflow_id: 'game-orion' },
  { sdkComponent: 'core', spanContexts: { activation: { workflow_id: 'game-orion' } } },
])('tells the game of %j', (meta) => {
  expect(temporalLine(meta)).toEqual({ game_id: 'orion', ...meta });
});

it('tells no game where there is none, and keeps errors', () => {
  const error = new Error('no');
  expect(temporalLine()).toEqual({});
  expect(temporalLine({ workflowId: 'other', error })).toEqual({ workflowId: 'other', err: error });
});
