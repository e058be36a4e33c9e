import { ApplicationFailure } from '@temporalio/activity';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import {
  createEngineActivities,
  type EngineActivitiesDeps,
  type GenerateTurnInput,
} from '../../../activities/engine';
import { EngineClient, EngineFailure, type EngineState } from '../../../clients/engine';
import { TestEngine } from '../../support/test-engine';

const MINUTE = 60_000;
const DEADLINE = 10 * MINUTE;

describe('one attempt at a turn', () => {
  /** Where the engine stands, and what it does when it is asked for a turn. */
  let engineTurn: number;
  let onTurn: () => Promise<EngineState>;
  let engineHonoursIfMatch: boolean;
  /** What the engine was asked, and how long it was given. */
  let asked: ['status' | 'turn', number | undefined][];

  beforeEach(() => {
    engineTurn = 6;
    onTurn = () => Promise.resolve(stateAt(7));
    engineHonoursIfMatch = true;
    asked = [];
  });

  function stateAt(turn: number): EngineState {
    return { turn, finished: false, player: [] };
  }

  /** Runs an attempt at turn 7 of a turn that was begun so long ago. Returns what it says when it failed. */
  async function attempt(begunBefore: number, engineFailures: number) {
    const row = {
      status: 'generation_in_progress',
      currentTurn: 6,
      engineEndpoint: 'http://engine',
      nextGenerationAt: null,
      updatedAt: new Date(Date.now() - begunBefore),
    };
    const deps = {
      engine: {
        status(_endpoint: string, _signal: AbortSignal, withinMs?: number) {
          asked.push(['status', withinMs]);
          return Promise.resolve(stateAt(engineTurn));
        },
        turn(_endpoint: string, _turn: number, _signal: AbortSignal, withinMs?: number) {
          asked.push(['turn', withinMs]);
          return onTurn();
        },
      },
      records: {
        change: ({ revision }: { revision: number }) =>
          Promise.resolve({ applied: false, row: { ...row, revision } }),
        claimTurn: () => Promise.resolve(false),
      },
      mappings: { listByGame: () => Promise.resolve([]) },
      outbox: { pending: () => Promise.resolve([]) },
      streamNames: {},
      turnAttempts: 10,
      turnDeadlineMs: DEADLINE,
      engineHonoursIfMatch,
    } as unknown as EngineActivitiesDeps;
    const input = {
      gameId: 'vega',
      registrationId: 'r',
      operation: { operationId: 'o', kind: 'turn', source: null, actor: null, startedAt: 0 },
      currentTurn: 6,
      beginRevision: 1,
      commitRevision: 2,
      nextGenerationAt: null,
      engineFailures,
    } as unknown as GenerateTurnInput;
    try {
      await new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') }).run(
        createEngineActivities(deps).generateTurn,
        input,
      );
      return null;
    } catch (error) {
      if (!(error instanceof ApplicationFailure)) throw error;
      const [details] = error.details as [{ exhausted: boolean; leftMs?: number }];
      return { message: error.message, ...details };
    }
  }

  function givenFor(call: 'status' | 'turn'): number {
    return asked.find(([name]) => name === call)?.[1] ?? Infinity;
  }

  test('gives no call longer than what is left of the deadline, and tells how long to wait', async () => {
    onTurn = () => Promise.reject(new EngineFailure('silent', 'no answer'));
    const failed = await attempt(DEADLINE - 2 * MINUTE, 1);
    expect(failed).toMatchObject({ message: 'no answer', exhausted: false });
    for (const ms of [givenFor('status'), givenFor('turn'), failed?.leftMs ?? Infinity]) {
      expect(ms).toBeLessThanOrEqual(2 * MINUTE);
      expect(ms).toBeGreaterThan(0);
    }
  });

  test('past the deadline only looks', async () => {
    expect(await attempt(DEADLINE, 1)).toMatchObject({ exhausted: true });
    expect(asked).toEqual([['status', 1_000]]);
  });

  test('past the deadline takes a turn that was made after all', async () => {
    engineTurn = 7;
    expect(await attempt(DEADLINE, 1)).toBeNull();
    expect(asked).toEqual([['status', 1_000]]);
  });

  test('past the deadline through an outage of our own, still makes the turn', async () => {
    expect(await attempt(3 * DEADLINE, 0)).toBeNull();
    expect(asked.map(([call]) => call)).toEqual(['status', 'turn']);
    expect(givenFor('turn')).toBeGreaterThan(DEADLINE / 2);
  });

  test('looks until the deadline where another attempt has made the call, and no look outlasts it', async () => {
    engineHonoursIfMatch = false;
    expect(await attempt(DEADLINE - 300, 1)).toMatchObject({ exhausted: true });
    expect(asked).toEqual(asked.map(() => ['status', 1_000]));
  });
});

test('a call ends when its caller has no more time, before its own timeout', async () => {
  const engine = await TestEngine.start();
  const client = new EngineClient({
    turnTimeoutMs: DEADLINE,
    adminTimeoutMs: DEADLINE,
    allowLoopback: true,
  });
  engine.failNext('turn', { kind: 'hang' });
  engine.failNext('status', { kind: 'hang' });
  await expect(client.turn(engine.endpoint, 0, undefined, 20)).rejects.toMatchObject({ kind: 'silent' });
  await expect(client.status(engine.endpoint, undefined, 20)).rejects.toMatchObject({ kind: 'silent' });
  await client.close();
  await engine.stop();
});
