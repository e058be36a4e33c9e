/*
 * Every operation of platform/rtmanager/openapi.yaml is driven to every end that the document gives it, on a Runtime
 * Manager that runs, and each answer is held against the document. An end that nobody drives, and one that nobody
 * promised, fail.
 */
import { processKit, type DriverKit } from '../../../support/engine-drivers';
import { Contract } from '../../../support/contract';
import { RuntimeManager } from '../../../support/runtime-manager';
import { freshGameId, stackAddresses, waitFor } from '../../../support/stack';
import { TcpProxy } from '../../../support/tcp-proxy';
import { sendTo, type HttpAnswer, type HttpRequest } from '../../../unit/api/send';

const contract = new Contract('platform/rtmanager/openapi.yaml');
const ROOT = '/api/v1/internal/runtimes';

type Outcomes = Record<string, () => Promise<HttpAnswer>>;

let kit: DriverKit;
let manager: RuntimeManager;
/** By operation: without Redis, and with a memory that makes no sense. */
let withoutRedis: Map<string, HttpAnswer>;
let withBadMemory: Map<string, HttpAnswer>;
let gameId: string;

beforeAll(async () => {
  kit = await processKit();
  const { proxy, url } = await TcpProxy.before(stackAddresses().redisUrl);
  const sick = await RuntimeManager.start({ kit, redisUrl: url });
  await sick.redis.hset(sick.memoryKey, 'orion', 'not JSON');
  withBadMemory = await answersOf(sick);
  await proxy.setMode('refuse');
  withoutRedis = await answersOf(sick);
  await proxy.setMode('pass');
  await sick.stop();
  await proxy.close();
  manager = await RuntimeManager.start({ kit, env: { RTMANAGER_IMAGES: 'galaxy/*' } });
  gameId = freshGameId();
  await manager.started(gameId, kit.images.engine);
});
afterAll(async () => {
  await manager.stop();
  await kit.clean();
});

/** To the document's examples. */
async function answersOf({ baseUrl }: RuntimeManager): Promise<Map<string, HttpAnswer>> {
  const answers = new Map<string, HttpAnswer>();
  for (const id of contract.operationIds) {
    answers.set(id, await sendTo(Number(new URL(baseUrl).port), contract.exampleRequest(id)));
  }
  return answers;
}

const send = (request: HttpRequest) => sendTo(Number(new URL(manager.baseUrl).port), request);

function call(method: string, path: string, body?: unknown, type = 'application/json'): Promise<HttpAnswer> {
  const url = ROOT + path;
  if (body === undefined) return send({ method, url });
  const payload = typeof body === 'string' ? body : JSON.stringify(body);
  return send({ method, url, headers: { 'content-type': type }, payload });
}

/** Its readiness when all is well: what takes longer than a second counts as down. */
const ready = () =>
  waitFor(async () => {
    const told = await send({ url: '/readyz' });
    return told.status === 200 && told;
  });

async function failedGame(): Promise<string> {
  const failed = freshGameId();
  await manager.addJob('start', failed, kit.images.broken);
  await manager.untilResults(failed, 1);
  return failed;
}

/** A game whose engine ended and of which this image is remembered. */
async function gameOf(imageRef: string): Promise<string> {
  const game = freshGameId();
  await manager.started(game, kit.images.engine);
  await manager.call('POST', `/${game}/stop`, { reason: 'to be changed' });
  const memory = JSON.parse((await manager.redis.hget(manager.memoryKey, game)) ?? '') as { spec: object };
  const changed = { ...memory, spec: { ...memory.spec, imageRef } };
  await manager.redis.hset(manager.memoryKey, game, JSON.stringify(changed));
  return game;
}

const long = (field: string) => ({ [field]: 'x'.repeat(1024 * 1024) });

function withBody(operation: string, field: string): Outcomes {
  return {
    '413 invalid_request': () => call('POST', `/${gameId}/${operation}`, long(field)),
    '415 invalid_request': () => call('POST', `/${gameId}/${operation}`, 'text', 'text/plain'),
    '400 invalid_request': () => call('POST', `/${gameId}/${operation}`, { [field]: 'x:1', more: 1 }),
  };
}

const OUTCOMES: Record<string, Outcomes> = {
  healthz: { 200: () => send({ url: '/healthz' }) },
  readyz: { 200: () => ready(), 503: () => answer(withoutRedis, 'readyz') },
  listRuntimes: {
    200: () => call('GET', '?status=running&limit=1'),
    '400 invalid_request': () => call('GET', '?limit=0'),
  },
  getRuntime: {
    200: () => call('GET', `/${gameId}`),
    '400 invalid_request': () => call('GET', '/not.an.id'),
    '404 runtime_not_found': () => call('GET', `/${freshGameId()}`),
  },
  stopRuntime: {
    200: async () => call('POST', `/${await gameOf(kit.images.engine)}/stop`, { reason: 'again' }),
    '404 runtime_not_found': () => call('POST', `/${freshGameId()}/stop`, { reason: 'unknown' }),
    ...withBody('stop', 'reason'),
  },
  restartRuntime: {
    200: () => call('POST', `/${gameId}/restart`),
    '400 invalid_request': () => call('POST', '/not.an.id/restart'),
    '404 runtime_not_found': () => call('POST', `/${freshGameId()}/restart`),
    '409 conflict': async () => call('POST', `/${await failedGame()}/restart`),
    '422 start_config_invalid': async () => call('POST', `/${await gameOf('elsewhere/engine:1')}/restart`),
    '422 image_pull_failed': async () => call('POST', `/${await gameOf(kit.images.missing)}/restart`),
    '422 container_start_failed': async () => call('POST', `/${await gameOf(kit.images.broken)}/restart`),
  },
  patchRuntime: {
    200: () => call('POST', `/${gameId}/patch`, { image_ref: kit.images.patched }),
    '404 runtime_not_found': () => call('POST', `/${freshGameId()}/patch`, { image_ref: kit.images.patched }),
    '409 conflict': async () =>
      call('POST', `/${await gameOf(kit.images.engine)}/patch`, { image_ref: kit.images.patched }),
    '422 start_config_invalid': () => call('POST', `/${gameId}/patch`, { image_ref: 'elsewhere/engine:1' }),
    '422 image_pull_failed': () => call('POST', `/${gameId}/patch`, { image_ref: kit.images.missing }),
    '422 container_start_failed': () => call('POST', `/${gameId}/patch`, { image_ref: kit.images.broken }),
    ...withBody('patch', 'image_ref'),
  },
};

function answer(answers: Map<string, HttpAnswer>, id: string): Promise<HttpAnswer> {
  const found = answers.get(id);
  return found === undefined ? Promise.reject(new Error(`no answer of ${id}`)) : Promise.resolve(found);
}

/** The ends of an operation by what it is asked, and those by what is away. */
function outcomesOf(id: string): Outcomes {
  const promised = contract.outcomesOf(id);
  return {
    ...(promised.includes('500 internal_error') && {
      '500 internal_error': () => answer(withBadMemory, id),
    }),
    ...(promised.includes('503 service_unavailable') && {
      '503 service_unavailable': () => answer(withoutRedis, id),
    }),
    ...OUTCOMES[id],
  };
}

const CASES = contract.operationIds.flatMap((id) =>
  Object.entries(outcomesOf(id)).map(([outcome, run]) => ({ id, outcome, run })),
);

test.each(contract.operationIds)('%s has a case for each of its ends', (id) => {
  expect(Object.keys(outcomesOf(id)).sort()).toEqual(contract.outcomesOf(id).sort());
});

test.each(CASES)('$id: $outcome', async ({ id, outcome, run }) => {
  expect(contract.check(id, await run())).toBe(outcome);
});

test.each([
  ['GET', '', undefined],
  ['POST', '/restart', undefined],
  ['POST', '/stop', { reason: 'over' }],
  ['POST', '/patch', { image_ref: 'galaxy/x:1' }],
])('refuses what nobody reads: %s %s', async (method, word, body) => {
  const refused = { status: 400, code: 'invalid_request' };
  const seen = async (answer: Promise<HttpAnswer>) => {
    const { status, body } = await answer;
    return { status, code: (JSON.parse(body) as { error?: { code: string } }).error?.code };
  };
  const path = `/${freshGameId()}${word}`;
  expect(await seen(call(method, `${path}?a=1`, body))).toEqual(refused);
  if (method === 'POST') expect(await seen(call(method, path, { ...body, a: 1 }))).toEqual(refused);
  expect(await seen(call(method, path, body))).toEqual({ status: 404, code: 'runtime_not_found' });
});

test('lists page by page, each runtime once', async () => {
  const all = new Set<string>();
  let cursor: string | null = '';
  while (cursor !== null) {
    const page = await manager.call('GET', `?limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`);
    const games = (page.body['runtimes'] as { game_id: string }[]).map(({ game_id }) => game_id);
    expect(games.length).toBeGreaterThan(0);
    for (const game of games) {
      expect(all).not.toContain(game);
      all.add(game);
    }
    cursor = page.body['next_cursor'] as string | null;
  }
  expect([...all].sort()).toEqual((await manager.redis.hkeys(manager.memoryKey)).sort());
  const running = await manager.call('GET', '?status=running');
  expect((running.body['runtimes'] as { game_id: string }[]).map(({ game_id }) => game_id)).toEqual([gameId]);
});

test('puts jobs aside that nobody can understand', async () => {
  await manager.add('startJobs', { game_id: 'not.an.id', image_ref: 'x:1', requested_at_ms: '1' });
  await manager.add('stopJobs', { game_id: 'orion', reason: 'over', requested_at_ms: 'soon' });
  await manager.add('stopJobs', { game_id: 'orion', reason: 'over', requested_at_ms: '1', more: '1' });
  const next = freshGameId();
  // Says as little as a job may, and shows that the stream goes on.
  await manager.add('stopJobs', { game_id: next });
  expect((await manager.untilResults(next, 1))[0]).toMatchObject({ outcome: 'success', container_id: '' });
  // Those are of other games, and of another stream.
  const deadOf = (stream: 'startJobs' | 'stopJobs', count: number) =>
    waitFor(async () => {
      const dead = await manager.dead(stream);
      return dead.length >= count && dead;
    });
  const starts = await deadOf('startJobs', 1);
  const stops = await deadOf('stopJobs', 2);
  expect(starts.map(({ reason }) => reason)).toEqual(['game_id: must be a game id']);
  expect(stops.map(({ reason }) => reason)).toEqual([
    'requested_at_ms: must be a number of milliseconds',
    expect.stringContaining('more'),
  ]);
});
