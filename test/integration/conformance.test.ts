import { PERMISSIONS, type OperationId } from '../../api/permissions';
import { CALLERS } from '../../domain/operation';
import { Contract } from '../support/contract';
import { GameMaster, isOpen } from '../support/game-master';
import { freePort, freshDatabase, freshGameId } from '../support/stack';
import { waitFor } from '../support/wait-for';
import { TestEngine, type Call } from '../support/test-engine';
import { PlayersGround } from '../support/players-ground';
import type { Script } from '../support/scripted-engine';
import { TestRuntimeManager } from '../support/test-runtime-manager';
import { lonelyApp, type LonelyApp } from '../unit/api/lonely-app';
import { sendTo, type HttpAnswer, type HttpRequest } from '../unit/api/send';
import { FrontDoor } from './api/front-door';

/*
 * Every operation of the committed document is driven to every end that the document gives it, on servers that run,
 * and each answer is held against the document. An end that nobody drives, and one that nobody promised, fail.
 */

const contract = new Contract();
const API = '/api/v1/internal';
const BODY_LIMIT = 64 * 1024;

/** Ends that an operation comes to by what it is asked; those that any operation can meet are in FAULTS. */
type Outcomes = Record<string, () => Promise<HttpAnswer>>;

let gm: GameMaster;
let runtimeManager: TestRuntimeManager;
const engines: TestEngine[] = [];
/** Without Postgres and Temporal. */
let lonely: LonelyApp;
/** The same, asking for tokens. */
let guarded: LonelyApp;
/** With an engine that players' calls reach. */
let ground: PlayersGround;
/** On a Postgres that has no tables. */
let broken: FrontDoor;
/** By operation. */
let whenBusy: Map<string, HttpAnswer>;
const cleanUps: (() => Promise<void>)[] = [];

beforeAll(async () => {
  runtimeManager = await TestRuntimeManager.start();
  const limit = { GAMEMASTER_HTTP_BODY_LIMIT: BODY_LIMIT.toString() };
  gm = await GameMaster.start({ env: { ...limit, GAMEMASTER_RTM_BASE_URL: runtimeManager.baseUrl } });
  lonely = await lonelyApp(limit);
  whenBusy = await answersWhenBusy();
  guarded = await lonelyApp({
    GAMEMASTER_API_TOKENS: CALLERS.map((caller) => `${caller}:token-of-${caller}`).join(),
  });
  // All of it is in this process, which may come late.
  ground = await PlayersGround.open({
    GAMEMASTER_LOBBY_TIMEOUT: '20s',
    GAMEMASTER_ENGINE_HOT_TIMEOUT: '20s',
  });
  const empty = await freshDatabase();
  broken = await FrontDoor.open({ GAMEMASTER_POSTGRES_DSN: empty.dsn });
  cleanUps.push(empty.drop);
});
afterAll(async () => {
  await Promise.all([gm.stop(), lonely.close(), guarded.close(), ground.close(), broken.close()]);
  await Promise.all([runtimeManager.stop(), ...engines.map((engine) => engine.stop())]);
  for (const cleanUp of cleanUps) await cleanUp();
});

/** Repeated under its key where a busy machine leaves nobody the time to take it. */
function send(request: HttpRequest): Promise<HttpAnswer> {
  let key: HttpRequest['headers'] = {};
  return waitFor(async () => {
    const answer = await sendTo(portOf(gm.apis[0]?.baseUrl ?? ''), withHeaders(request, key));
    const { 'idempotency-key': given } = answer.headers;
    if (typeof given === 'string') key = { 'idempotency-key': given };
    return !isOpen(answer) && answer;
  });
}

function portOf(url: string): number {
  return Number(new URL(url).port);
}

function request(method: string, path: string, body?: unknown): HttpRequest {
  const url = `${API}${path}`;
  if (body === undefined) return { method, url };
  return { method, url, headers: { 'content-type': 'application/json' }, payload: JSON.stringify(body) };
}

const get = (path: string) => send(request('GET', path));
const post = (path: string, body?: unknown) => send(request('POST', path, body));
const patch = (path: string, body?: unknown) => send(request('PATCH', path, body));
const remove = (path: string) => send(request('DELETE', path));

async function newEngine(): Promise<TestEngine> {
  const engine = await TestEngine.start();
  engines.push(engine);
  return engine;
}

async function runningGame(engineVersion = '1.0.0'): Promise<{ game: string; engine: TestEngine }> {
  const engine = await newEngine();
  if (engineVersion !== '1.0.0') await newVersion(engineVersion);
  return { game: await gm.running(engine, { target_engine_version: engineVersion }), engine };
}

async function stoppedGame(): Promise<string> {
  const { game } = await runningGame();
  await gm.stopGame(game);
  return game;
}

/** Runs the call on a game whose engine answers `call` so. */
async function withEngineFault(
  call: Call,
  fault: 'refuses' | 'fails',
  run: (game: string) => Promise<HttpAnswer>,
): Promise<HttpAnswer> {
  const { game, engine } = await runningGame();
  const body = JSON.stringify({ error: { code: 'no', message: 'the engine says no' } });
  const answer = { kind: 'answer', status: fault === 'refuses' ? 400 : 500, body } as const;
  engine.failNext(call, answer, answer, answer);
  return run(game);
}

async function register(changes: Record<string, unknown>, engine?: TestEngine): Promise<HttpAnswer> {
  await gm.createVersion();
  const body = gm.registration(engine ?? (await newEngine()), changes);
  return post(`/games/${freshGameId()}/register-runtime`, body);
}

let versions = 0;
/** A version that no other case has; of its own minor unless it is given. */
async function newVersion(version = `7.${(versions += 1)}.0`, deprecated = false): Promise<string> {
  const created = await post('/engine-versions', { version, image_ref: `galaxy/game:${version}` });
  if (created.status !== 201) throw new Error(`version ${version}: ${created.body}`);
  if (deprecated) await post(`/engine-versions/${version}/deprecate`);
  return version;
}

const unknownGame = () => freshGameId();
const UNKNOWN_VERSION = '9.9.9';

/** The ends of a player's call, which the three operations of the hot path have in common. */
function playersOutcomes(callIn: (game: string) => HttpRequest): Outcomes {
  const call = (game: string, user = 'ann') => ground.send(withHeaders(callIn(game), { 'x-user-id': user }));
  const callAnswered = async (script: Script) => {
    ground.engine.answerWith(script);
    const game = await ground.game();
    return call(game).finally(() => ground.engine.reset());
  };
  const sorry = JSON.stringify({ error: { code: 'no', message: 'the engine says no' } });
  return {
    '2XX': async () => call(await ground.game()),
    '403 forbidden': async () => call(await ground.game(), 'eve'),
    '404 runtime_not_found': () => call(unknownGame()),
    '409 runtime_not_running': async () => call(await ground.game({ status: 'generation_in_progress' })),
    '422 engine_validation_error': () => callAnswered((response) => response.writeHead(400).end(sorry)),
    '502 engine_unreachable': () => callAnswered((response) => response.writeHead(500).end(sorry)),
  };
}

const OUTCOMES: Record<OperationId, Outcomes> = {
  internalHealthz: { 200: () => send({ url: '/healthz' }) },
  internalReadyz: {
    // Its probe waits for a second, which is little for a busy Postgres.
    200: () =>
      waitFor(async () => {
        const answer = await send({ url: '/readyz' });
        return answer.status === 200 && answer;
      }),
    503: () => lonely.send({ url: '/readyz' }),
  },
  internalRegisterRuntime: {
    201: () => register({}),
    '404 engine_version_not_found': () => register({ target_engine_version: UNKNOWN_VERSION }),
    '409 conflict': async () => {
      const { game, engine } = await runningGame();
      return post(`/games/${game}/register-runtime`, gm.registration(engine));
    },
    '409 engine_version_deprecated': async () =>
      register({ target_engine_version: await newVersion(undefined, true) }),
    '422 engine_validation_error': async () => {
      const engine = await newEngine();
      engine.faultOf = (call) => (call === 'init' ? { kind: 'answer', status: 400 } : undefined);
      return register({}, engine);
    },
    '502 engine_unreachable': async () =>
      register({ engine_endpoint: `http://127.0.0.1:${await freePort()}` }),
  },
  internalGetRuntime: {
    200: async () => get(`/runtimes/${(await runningGame()).game}`),
    '404 runtime_not_found': () => get(`/runtimes/${unknownGame()}`),
  },
  internalListRuntimes: {
    200: async () => {
      await stoppedGame();
      return get('/runtimes?limit=200');
    },
  },
  internalForceNextTurn: {
    200: async () => post(`/runtimes/${(await runningGame()).game}/force-next-turn`),
    '404 runtime_not_found': () => post(`/runtimes/${unknownGame()}/force-next-turn`),
    '409 conflict': async () => post(`/runtimes/${await stoppedGame()}/force-next-turn`),
    '422 engine_validation_error': () =>
      withEngineFault('turn', 'refuses', (game) => post(`/runtimes/${game}/force-next-turn`)),
    '502 engine_unreachable': () =>
      withEngineFault('turn', 'fails', (game) => post(`/runtimes/${game}/force-next-turn`)),
    '502 turn_mismatch': async () => {
      const { game, engine } = await runningGame();
      engine.turn = 5;
      return post(`/runtimes/${game}/force-next-turn`);
    },
  },
  internalStopRuntime: {
    200: async () => post(`/runtimes/${(await runningGame()).game}/stop`, { reason: 'over' }),
    '404 runtime_not_found': () => post(`/runtimes/${unknownGame()}/stop`, { reason: 'over' }),
    '409 conflict': async () => post(`/runtimes/${await stoppedGame()}/stop`, { reason: 'over' }),
  },
  internalPatchRuntime: {
    200: async () => {
      const { game } = await runningGame('2.0.0');
      return post(`/runtimes/${game}/patch`, { version: await newVersion('2.0.1') });
    },
    '404 runtime_not_found': () => post(`/runtimes/${unknownGame()}/patch`, { version: '1.0.1' }),
    '404 engine_version_not_found': async () =>
      post(`/runtimes/${(await runningGame()).game}/patch`, { version: '1.0.999' }),
    '409 conflict': async () => post(`/runtimes/${await stoppedGame()}/patch`, { version: '1.0.1' }),
    '409 semver_patch_only': async () =>
      post(`/runtimes/${(await runningGame()).game}/patch`, { version: await newVersion('2.1.0') }),
    '409 engine_version_deprecated': async () => {
      const { game } = await runningGame('3.0.0');
      return post(`/runtimes/${game}/patch`, { version: await newVersion('3.0.1', true) });
    },
  },
  internalBanishRace: {
    204: async () => post(`/runtimes/${(await runningGame()).game}/banish`, { race_name: 'Borg' }),
    '404 runtime_not_found': () => post(`/runtimes/${unknownGame()}/banish`, { race_name: 'Borg' }),
    '404 race_not_found': async () =>
      post(`/runtimes/${(await runningGame()).game}/banish`, { race_name: 'Terran' }),
    '409 conflict': async () => post(`/runtimes/${await stoppedGame()}/banish`, { race_name: 'Borg' }),
    '422 engine_validation_error': () =>
      withEngineFault('banish', 'refuses', (game) => post(`/runtimes/${game}/banish`, { race_name: 'Borg' })),
    '502 engine_unreachable': () =>
      withEngineFault('banish', 'fails', (game) => post(`/runtimes/${game}/banish`, { race_name: 'Borg' })),
  },
  internalListOperations: {
    200: async () => get(`/runtimes/${await stoppedGame()}/operations`),
    '404 runtime_not_found': () => get(`/runtimes/${unknownGame()}/operations`),
  },
  internalInvalidateMemberships: {
    204: async () => post(`/games/${(await runningGame()).game}/memberships/invalidate`),
  },
  internalGameLiveness: {
    200: async () => get(`/games/${(await runningGame()).game}/liveness`),
  },
  internalExecuteCommands: playersOutcomes((game) =>
    request('POST', `/games/${game}/commands`, { commands: [{ type: 'move' }] }),
  ),
  internalPutOrders: playersOutcomes((game) => request('PUT', `/games/${game}/orders`, { commands: [] })),
  internalGetReport: playersOutcomes((game) => request('GET', `/games/${game}/reports/3`)),
  internalListEngineVersions: {
    200: async () => {
      await newVersion();
      return get('/engine-versions');
    },
  },
  internalCreateEngineVersion: {
    201: () =>
      post('/engine-versions', { version: '8.0.0', image_ref: 'galaxy/game:8', options: { a: [1] } }),
    '409 conflict': async () =>
      post('/engine-versions', { version: await newVersion(), image_ref: 'galaxy/game:8' }),
  },
  internalGetEngineVersion: {
    200: async () => get(`/engine-versions/${await newVersion()}`),
    '404 engine_version_not_found': () => get(`/engine-versions/${UNKNOWN_VERSION}`),
  },
  internalUpdateEngineVersion: {
    200: async () => patch(`/engine-versions/${await newVersion()}`, { options: { memory_mb: 512 } }),
    '404 engine_version_not_found': () => patch(`/engine-versions/${UNKNOWN_VERSION}`, { status: 'active' }),
  },
  internalDeprecateEngineVersion: {
    200: async () => post(`/engine-versions/${await newVersion()}/deprecate`),
    '404 engine_version_not_found': () => post(`/engine-versions/${UNKNOWN_VERSION}/deprecate`),
  },
  internalDeleteEngineVersion: {
    204: async () => remove(`/engine-versions/${await newVersion()}`),
    '404 engine_version_not_found': () => remove(`/engine-versions/${UNKNOWN_VERSION}`),
    '409 engine_version_in_use': async () => {
      await runningGame();
      return remove('/engine-versions/1.0.0');
    },
  },
  internalResolveEngineVersionImageRef: {
    200: async () => get(`/engine-versions/${await newVersion()}/image-ref`),
    '404 engine_version_not_found': () => get(`/engine-versions/${UNKNOWN_VERSION}/image-ref`),
    '409 engine_version_deprecated': async () =>
      get(`/engine-versions/${await newVersion(undefined, true)}/image-ref`),
  },
};

/** Ends that any operation comes to by no fault of its request's meaning; its request is the document's example. */
const FAULTS: Record<string, (id: OperationId, example: HttpRequest) => Promise<HttpAnswer>> = {
  '400 invalid_request': (_id, example) => lonely.send({ ...example, url: `${example.url}?surprise=1` }),
  '401 unauthorized': (_id, example) => guarded.send(example),
  '403 forbidden': (id, example) => {
    const stranger = CALLERS.find((caller) => !PERMISSIONS[id]?.includes(caller));
    return guarded.send(withHeaders(example, { authorization: `Bearer token-of-${stranger}` }));
  },
  '413 invalid_request': (_id, example) =>
    lonely.send({
      ...withHeaders(example, { 'content-type': 'application/json' }),
      payload: (example.payload?.toString() ?? '{}').padEnd(BODY_LIMIT + 1),
    }),
  '415 invalid_request': (_id, example) =>
    lonely.send({ ...withHeaders(example, { 'content-type': 'text/plain' }), payload: 'text' }),
  '429 too_many_requests': (id) => Promise.resolve(whenBusy.get(id) ?? missing()),
  '500 internal_error': (_id, example) => sendTo(portOf(broken.baseUrl), example),
  '503 service_unavailable': (_id, example) => lonely.send(example),
};

function withHeaders(example: HttpRequest, headers: HttpRequest['headers']): HttpRequest {
  return { ...example, headers: { ...example.headers, ...headers } };
}

/** What each operation answers while this process, in which the lonely api runs, has hardly a moment for it. */
async function answersWhenBusy(): Promise<Map<string, HttpAnswer>> {
  const timer = setInterval(() => {
    const end = performance.now() + 1_050;
    while (performance.now() < end);
  }, 1);
  const ask = async (id: string): Promise<[string, HttpAnswer]> => {
    for (;;) {
      const answer = await lonely.send(contract.exampleRequest(id));
      if (answer.status === 429) return [id, answer];
    }
  };
  const limited = contract.operationIds.filter((id) => PERMISSIONS[id as OperationId] !== null);
  const answers = await Promise.all(limited.map(ask)).finally(() => clearInterval(timer));
  const { url } = contract.exampleRequest('internalGetRuntime');
  await waitFor(async () => (await lonely.send({ url })).status === 503, { describe: 'quiet' });
  return new Map(answers);
}

describe.each(contract.operationIds as OperationId[])('%s', (id) => {
  const outcomes = OUTCOMES[id];
  const documented = contract.outcomesOf(id);
  const faults = documented.filter((outcome) => outcome in FAULTS);

  test('promises what it has a case for, and nothing else', () => {
    expect([...documented].sort()).toEqual([...new Set([...Object.keys(outcomes), ...faults])].sort());
  });

  test.each(Object.keys(outcomes))('%s', async (outcome) => {
    expect(contract.check(id, await (outcomes[outcome] ?? missing)())).toBe(outcome);
  });

  if (faults.length === 0) return;
  test.each(faults)('%s, as any operation', async (outcome) => {
    const answer = await (FAULTS[outcome] ?? missing)(id, contract.exampleRequest(id));
    expect(contract.check(id, answer)).toBe(outcome);
  });
});

function missing(): never {
  throw new Error('there is no such case');
}

/** The fields whose objects are free. */
const FREE = new Set(['options', 'commands']);

describe('a body', () => {
  const takesBody = (id: string): boolean => contract.outcomesOf(id).includes('415 invalid_request');
  const variants = contract.operationIds.filter(takesBody).flatMap((id) => {
    const example = contract.exampleRequest(id);
    const body = JSON.parse(example.payload?.toString() ?? '{}') as object;
    return withUnknownField(body).map((body) => ({ id, body: JSON.stringify(body), example }));
  });

  test.each(variants)('of $id with an unknown field: $body', async ({ id, body, example }) => {
    const answer = await lonely.send({
      ...withHeaders(example, { 'content-type': 'application/json' }),
      payload: body,
    });
    expect(contract.check(id, answer)).toBe('400 invalid_request');
    expect(answer.body).toContain('surprise');
  });
});

/** Copies of `value`, each with an unknown field in one of the objects in it. */
function withUnknownField(value: unknown): unknown[] {
  if (Array.isArray(value)) {
    const items: unknown[] = value;
    return items.flatMap((item, index) =>
      withUnknownField(item).map((changed) => items.with(index, changed)),
    );
  }
  if (typeof value !== 'object' || value === null) return [];
  const inner = Object.entries(value).flatMap(([name, field]) =>
    FREE.has(name) ? [] : withUnknownField(field).map((changed) => ({ ...value, [name]: changed })),
  );
  return [{ ...value, surprise: 1 }, ...inner];
}

describe('an address', () => {
  const envelope = contract.document.compile({ $ref: '#/components/schemas/ErrorEnvelope' } as never);
  const codeOf = ({ body }: HttpAnswer): string => {
    const error = JSON.parse(body) as { error: { code: string } };
    expect(envelope(error)).toBe(true);
    return error.error.code;
  };
  const operations = [...contract.document.operations()].map(([id, { method, path }]) => ({
    method,
    path,
    url: contract.exampleRequest(id).url,
  }));
  const paths = [...new Set(operations.map(({ path }) => path))].map((path) => {
    const here = operations.filter((operation) => operation.path === path);
    return { path, url: here[0]?.url ?? '', methods: here.map(({ method }) => method).sort() };
  });

  test.each(paths)('$path takes $methods and no other method', async ({ url, methods }) => {
    const others = ['GET', 'PUT', 'POST', 'PATCH', 'DELETE'].filter((method) => !methods.includes(method));
    for (const method of others) {
      const answer = await lonely.send({ method, url });
      expect([method, answer.status, codeOf(answer)]).toEqual([method, 405, 'method_not_allowed']);
      expect(answer.headers.allow).toBe(methods.join(', '));
    }
  });

  test.each(paths)('below $path there is nothing', async ({ url }) => {
    const answer = await lonely.send({ url: `${url}/nothing/here` });
    expect([answer.status, codeOf(answer)]).toEqual([404, 'not_found']);
  });
});

describe('what the check would notice', () => {
  type Mutation = [what: string, change: (root: Record<string, never>) => void];
  const at = (root: object, path: string): Record<string, unknown> =>
    path
      .split('/')
      .reduce<Record<string, unknown>>(
        (node, part) => node[part.replaceAll('|', '/')] as Record<string, unknown>,
        root as Record<string, unknown>,
      );
  const operation = `paths/|api|v1|internal|engine-versions|{version}/get`;

  test.each<Mutation>([
    [
      'a field that is gone',
      (root) => delete at(root, 'components/schemas/EngineVersion/properties')['options'],
    ],
    [
      'a field more',
      (root) => (at(root, 'components/schemas/EngineVersion')['required'] as string[]).push('labels'),
    ],
    [
      'a field of another type',
      (root) => (at(root, 'components/schemas/EngineVersion/properties')['options'] = { type: 'string' }),
    ],
    ['another status', (root) => delete at(root, `${operation}/responses`)['200']],
    [
      'a header more',
      (root) =>
        (at(root, `${operation}/responses/200`)['headers'] = {
          ETag: { required: true, schema: { type: 'string' } },
        }),
    ],
  ])('%s', async (_what, change) => {
    const answer = await get(`/engine-versions/${await newVersion()}`);
    expect(contract.check('internalGetEngineVersion', answer)).toBe('200');
    const mutated = new Contract();
    change(mutated.document.root as Record<string, never>);
    expect(() => mutated.check('internalGetEngineVersion', answer)).toThrow();
  });

  test('another code', async () => {
    const answer = await get(`/engine-versions/${UNKNOWN_VERSION}`);
    const mutated = new Contract();
    at(mutated.document.root, 'components/responses/EngineVersionNotFound')['x-error-codes'] = ['not_found'];
    expect(() => mutated.check('internalGetEngineVersion', answer)).toThrow('engine_version_not_found');
  });
});
