/** What Lobby reads, against the documents of those who write it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import Ajv2020 from 'ajv/dist/2020';
import { parse } from 'yaml';
import { createLogger } from '../../service/logging';
import { MalformedEntry } from '../../service/stream';
import { askForEngine, giveEngineBack } from '../operations/jobs';
import type { Queries } from '../stores/postgres';
import { lobbyEvents } from '../streams/lobby-events';
import { jobResults } from '../streams/job-results';
import { userLifecycle } from '../streams/user-lifecycle';

type Fields = Record<string, string>;

/** The examples of these messages of a document, or of all. */
function examplesIn(pathInRepository: string, messages?: string[]): Fields[] {
  const source = readFileSync(join(__dirname, '../../..', pathInRepository), 'utf8');
  const { components } = parse(source) as {
    components: { messages: Record<string, { examples: { payload: Fields }[] }> };
  };
  return Object.entries(components.messages)
    .filter(([name]) => messages === undefined || messages.includes(name))
    .flatMap(([, { examples }]) => examples.map(({ payload }) => payload));
}

const log = createLogger({ level: 'silent', name: 'test' });
const outgoing = { startJobs: 'start', stopJobs: 'stop', intents: 'intents' };
const events = lobbyEvents({ stream: 'events', outgoing, missed: () => Promise.resolve(), log });
const results = jobResults({ stream: 'results', outgoing, log });
const users = userLifecycle({ stream: 'users', outgoing });

describe("Game Master's events", () => {
  const examples = examplesIn('api/runtime-events-asyncapi.yaml', [
    'runtime_snapshot_update',
    'game_finished',
  ]);

  test.each(examples)('$event_type is understood', (fields) => {
    const told = JSON.parse(fields['payload'] ?? '') as Record<string, unknown>;
    const { gameId, view, standings } = events.read(fields);
    expect(gameId).toBe(told['game_id']);
    expect(view).toEqual({
      currentTurn: told['current_turn'] ?? told['final_turn_number'],
      runtimeStatus: told['runtime_status'],
      engineHealth: told['engine_health_summary'] ?? null,
      toldAt: new Date(Number(told['occurred_at_ms'] ?? told['finished_at_ms'])),
    });
    expect(Array.from(standings, ([user_id, standing]) => ({ user_id, ...standing }))).toEqual(
      told['player_turn_stats'],
    );
  });

  test('may have more fields one day', () => {
    expect(examples.map((fields) => events.read({ ...fields, more: 'x' }).gameId)).toHaveLength(2);
  });

  test.each(['event_type', 'event_id', 'payload'])('are not understood without %s', (name) => {
    for (const fields of examples) {
      const rest = Object.fromEntries(Object.entries(fields).filter(([key]) => key !== name));
      expect(() => events.read(rest)).toThrow(MalformedEntry);
    }
  });

  test.each(['{"game_id":', '[]', '{}'])('are not understood with the payload %s', (payload) => {
    for (const fields of examples) expect(() => events.read({ ...fields, payload })).toThrow(MalformedEntry);
  });
});

describe("what Postgres cannot store of Game Master's events", () => {
  const payload = {
    game_id: 'orion',
    current_turn: 2_147_483_647,
    runtime_status: 'running',
    engine_health_summary: 'healthy',
    player_turn_stats: [],
    occurred_at_ms: 8.64e15,
  };
  const read = (changes: object) =>
    events.read({
      event_type: 'runtime_snapshot_update',
      event_id: 'x',
      payload: JSON.stringify({ ...payload, ...changes }),
    });

  test.each([{ current_turn: 2_147_483_648 }, { occurred_at_ms: 8.64e15 + 2 }])(
    '%j is malformed',
    (changes) => {
      expect(read({}).view.toldAt.getTime()).toBe(8.64e15);
      expect(() => read(changes)).toThrow(MalformedEntry);
    },
  );
});

describe("users' ends", () => {
  const examples = examplesIn('platform/lobby/asyncapi.yaml');

  test.each(examples)('$event_type is understood', (fields) => {
    expect(users.read(fields)).toEqual({ ...fields, occurred_at_ms: Number(fields['occurred_at_ms']) });
  });

  test.each([{ event_type: 'user.renamed' }, { user_id: 'a b' }, { occurred_at_ms: 'soon' }])(
    'are not understood with %j',
    (changes) => {
      for (const fields of examples) {
        expect(() => users.read({ ...fields, ...changes })).toThrow(MalformedEntry);
      }
    },
  );
});

describe('jobs for Runtime Manager', () => {
  const source = readFileSync(join(__dirname, '../../rtmanager/asyncapi.yaml'), 'utf8');
  const ajv = new Ajv2020({ strict: false, validateSchema: false });
  ajv.addSchema(parse(source) as object, 'document');

  /** What an operation puts into the outbox. */
  async function sent(
    operation: (queries: Queries) => Promise<unknown>,
  ): Promise<[stream: unknown, entry: unknown]> {
    let entry: [unknown, unknown] = ['', ''];
    const query = (text: string, values: readonly unknown[] = []): Promise<never[]> => {
      if (text.includes('lobby.outbox')) entry = [values[0], JSON.parse(String(values[2]))];
      return Promise.resolve([{ time: 1_773_424_802_117 }] as never[]);
    };
    await operation({ query });
    return entry;
  }

  test('to start an engine are as its document has them', async () => {
    const job = { gameId: 'orion', imageRef: 'galaxy/engine:1.0.0' };
    const [stream, entry] = await sent((queries) => askForEngine(queries, outgoing, job));
    ajv.validate({ $ref: 'document#/components/schemas/StartJob' }, entry);
    expect([stream, ajv.errors]).toEqual(['start', null]);
  });

  test.each(['cancelled', 'finished', 'orphan_cleanup'] as const)(
    'to stop one that is %s too',
    async (reason) => {
      const [stream, entry] = await sent((queries) =>
        giveEngineBack(queries, outgoing, { gameId: 'orion', reason }),
      );
      ajv.validate({ $ref: 'document#/components/schemas/StopJob' }, entry);
      expect([stream, ajv.errors]).toEqual(['stop', null]);
    },
  );
});

describe('results of jobs', () => {
  const examples = examplesIn('platform/rtmanager/asyncapi.yaml', ['job_result']);

  test.each(examples)('of a $job that is a $outcome are understood', (fields) => {
    expect(results.read(fields)).toMatchObject({
      job: fields['job'] ?? 'start',
      game_id: fields['game_id'],
      ...('requested_at_ms' in fields && { requested_at_ms: Number(fields['requested_at_ms']) }),
    });
  });

  const success = {
    job: 'start',
    game_id: 'orion',
    requested_at_ms: '1773424802117',
    outcome: 'success',
    container_id: 'c0ffee',
    engine_endpoint: 'http://galaxy-game-orion:8080',
    error_code: '',
    error_message: '',
  };

  test.each([
    { outcome: 'success', engine_endpoint: '' },
    { outcome: 'failure', error_code: '' },
    { outcome: 'failure', error_code: 'a\0b' },
    { engine_endpoint: 'http://a\0b' },
    { outcome: 'maybe' },
    { job: 'patch' },
    { game_id: 'a b' },
    { requested_at_ms: '' },
  ])('are not understood with %j', (changes) => {
    expect(results.read(success)).toMatchObject({ job: 'start', outcome: 'success' });
    expect(() => results.read({ ...success, ...changes })).toThrow(MalformedEntry);
  });
});
