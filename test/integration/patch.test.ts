import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { EngineVersionStore } from '../../stores/engine-versions';
import { openDatabase, type Database } from '../../stores/postgres';
import { GameMaster } from '../support/game-master';
import { RuntimeReports } from '../support/runtime-reports';
import { lobbyEventsOf, operationsOf } from '../support/story';
import { TestEngine } from '../support/test-engine';
import { TestRuntimeManager } from '../support/test-runtime-manager';
import { send, update, type Outcome } from '../support/updates';
import { waitFor } from '../support/wait-for';

const REGISTER_ROW = 'register starting > running ok';
const reports = new RuntimeReports();
let gm: GameMaster;
let runtimeManager: TestRuntimeManager;
let engine: TestEngine;
let database: Database;
let versions: EngineVersionStore;

beforeAll(async () => {
  runtimeManager = await TestRuntimeManager.start();
  gm = await GameMaster.start({
    env: {
      ...reports.env,
      GAMEMASTER_RTM_BASE_URL: runtimeManager.baseUrl,
      // Both stand in this process, which may come late; and Runtime Manager keeps a patch waiting in some tests.
      GAMEMASTER_RTM_TIMEOUT: '10s',
      GAMEMASTER_ENGINE_ADMIN_TIMEOUT: '4s',
    },
  });
  database = openDatabase({
    dsn: String(gm.database.options.connectionString),
    poolSize: 1,
    queryTimeoutMs: 5_000,
    connectTimeoutMs: 5_000,
    applicationName: 'test',
    onPoolError: () => undefined,
  });
  versions = new EngineVersionStore(database);
  for (const version of ['1.0.0', '1.0.1', '1.0.2', '1.0.3', '1.1.0', '2.0.0', '1.0.4-rc.1', '0.9.9']) {
    await gm.createVersion(version);
  }
});

afterAll(async () => {
  await database.close();
  await gm.stop();
  await runtimeManager.stop();
});

beforeEach(async () => {
  runtimeManager.requests.length = 0;
  runtimeManager.bodies.length = 0;
  engine = await TestEngine.start();
});

afterEach(async () => {
  await engine.stop();
});

function outcome(result: Outcome): string {
  return result.ok ? 'ok' : result.code;
}

async function patch(gameId: string, version: string, key?: string): Promise<string> {
  return outcome(await update(gm, gameId, 'patch', { version }, key));
}

/** A game in `generation_failed`. */
async function failedGame(): Promise<string> {
  const gameId = await gm.running(engine);
  engine.failNext('turn', { kind: 'answer', status: 400 });
  expect((await gm.force(gameId)).status).toBe(422);
  return gameId;
}

async function unreachableGame(): Promise<string> {
  const gameId = await gm.running(engine);
  await reports.report(gm, gameId, 'container_exited');
  await gm.untilRecord(gameId, { status: 'engine_unreachable' });
  return gameId;
}

const AT_1_0_0 = { current_engine_version: '1.0.0', current_image_ref: 'galaxy/game:1.0.0' };
const AT_1_0_1 = { current_engine_version: '1.0.1', current_image_ref: 'galaxy/game:1.0.1' };

test('a game goes to a later patch of its engine version', async () => {
  const gameId = await gm.running(engine);
  const before = await gm.record(gameId);
  expect(await patch(gameId, '1.0.2')).toBe('ok');
  expect(runtimeManager.requests).toEqual([`patch ${gameId}`]);
  expect(runtimeManager.bodies).toEqual([{ image_ref: 'galaxy/game:1.0.2' }]);
  expect(await gm.record(gameId)).toEqual({
    ...before,
    current_engine_version: '1.0.2',
    current_image_ref: 'galaxy/game:1.0.2',
    updated_at: expect.any(String) as string,
  });
  expect(await operationsOf(gm, gameId)).toEqual([REGISTER_ROW, 'patch running > null ok']);
  expect(await lobbyEventsOf(gm, gameId)).toHaveLength(1);
  const { typedSearchAttributes } = await gm.workflow(gameId).describe();
  const engineVersion = defineSearchAttributeKey('EngineVersion', SearchAttributeType.KEYWORD);
  expect(typedSearchAttributes.get(engineVersion)).toBe('1.0.2');

  // From where it is now.
  expect(await patch(gameId, '1.0.1')).toBe('semver_patch_only');
  expect(await patch(gameId, '1.0.3')).toBe('ok');
  expect((await gm.force(gameId)).body).toMatchObject({ status: 'running', current_turn: 1 });
});

test.each([
  ['the same version', '1.0.0', 'semver_patch_only'],
  ['a lower one', '0.9.9', 'semver_patch_only'],
  ['another minor', '1.1.0', 'semver_patch_only'],
  ['another major', '2.0.0', 'semver_patch_only'],
  ['a prerelease', '1.0.4-rc.1', 'semver_patch_only'],
  ['an unknown one', '1.0.77', 'engine_version_not_found'],
  // Whether it may go there comes first.
  ['another minor that is unknown as well', '1.77.0', 'semver_patch_only'],
])('a game does not go to %s', async (_, version, code) => {
  const gameId = await gm.running(engine);
  const before = await gm.record(gameId);
  expect(await patch(gameId, version)).toBe(code);
  expect(runtimeManager.requests).toEqual([]);
  expect(await gm.record(gameId)).toEqual(before);
  expect(await operationsOf(gm, gameId)).toEqual([REGISTER_ROW, `patch running > null ${code}`]);
});

test('a game does not go to a deprecated version', async () => {
  await gm.createVersion('1.0.90');
  await gm.createVersion('1.1.90');
  const gameId = await gm.running(engine);
  await versions.deprecate('1.0.90');
  await versions.deprecate('1.1.90');
  expect(await patch(gameId, '1.0.90')).toBe('engine_version_deprecated');
  expect(await patch(gameId, '1.1.90')).toBe('semver_patch_only');
  expect(await gm.record(gameId)).toMatchObject(AT_1_0_0);
  expect(runtimeManager.requests).toEqual([]);
});

test.each([
  ['a fault of its own', [{ status: 503 }], 1, 'service_unavailable'],
  ['silence', ['hang'], 1, 'service_unavailable'],
  ['a broken connection, twice', ['cut', 'cut'], 2, 'service_unavailable'],
  ['a refusal', [{ status: 409, body: { error: { code: 'conflict', message: 'busy' } } }], 1, 'conflict'],
  [
    'an unknown container',
    [{ status: 404, body: { error: { code: 'runtime_not_found', message: '?' } } }],
    1,
    'conflict',
  ],
] as const)('Runtime Manager answers with %s: nothing changes', async (_, replies, asked, code) => {
  const gameId = await gm.running(engine);
  const before = await gm.record(gameId);
  runtimeManager.replyNext(...replies);
  const result = await update(gm, gameId, 'patch', { version: '1.0.1' });
  expect(outcome(result)).toBe(code);
  if (code === 'conflict' && !result.ok) expect(['busy', '?']).toContain(result.message);
  expect(runtimeManager.requests).toHaveLength(asked);
  expect(await gm.record(gameId)).toEqual(before);
  expect(await operationsOf(gm, gameId)).toEqual([REGISTER_ROW, `patch running > null ${code}`]);
  // Nothing is left of it: another one goes through.
  expect(await patch(gameId, '1.0.1')).toBe('ok');
});

test('a lost reply is asked for once more', async () => {
  const gameId = await gm.running(engine);
  runtimeManager.replyNext('cut');
  expect(await patch(gameId, '1.0.1')).toBe('ok');
  expect(runtimeManager.requests).toHaveLength(2);
  expect(await gm.record(gameId)).toMatchObject(AT_1_0_1);
});

test('a version cannot be deleted while a patch is bringing it, and can when it failed', async () => {
  await gm.createVersion('1.0.50');
  const gameId = await gm.running(engine);
  const release = runtimeManager.hold();
  runtimeManager.replyNext({ status: 500 });
  const patching = await send(gm, gameId, 'patch', { version: '1.0.50' });
  await waitFor(() => runtimeManager.requests.length === 1);
  await expect(versions.delete('1.0.50')).rejects.toMatchObject({ code: 'engine_version_in_use' });
  release();
  expect(outcome(await patching.outcome)).toBe('service_unavailable');
  await versions.delete('1.0.50');
  expect(await patch(gameId, '1.0.50')).toBe('engine_version_not_found');
});

test('the version that a game was patched to is in use, the one before is not', async () => {
  await gm.createVersion('1.2.0');
  await gm.createVersion('1.2.1');
  const gameId = await gm.running(engine, { target_engine_version: '1.2.0' });
  expect(await patch(gameId, '1.2.1')).toBe('ok');
  await expect(versions.delete('1.2.1')).rejects.toMatchObject({ code: 'engine_version_in_use' });
  await versions.delete('1.2.0');
  await expect(versions.find('1.2.0')).resolves.toBeNull();
});

test('a key has one effect and one outcome, in a later run too', async () => {
  const gameId = await gm.running(engine);
  const both = await Promise.all([patch(gameId, '1.0.1', 'once'), patch(gameId, '1.0.1', 'once')]);
  expect(both).toEqual(['ok', 'ok']);
  const { runId } = await gm.workflow(gameId).describe();
  await gm.workflow(gameId).signal('continue-as-new');
  await waitFor(async () => (await gm.workflow(gameId).describe()).runId !== runId);
  expect(await patch(gameId, '1.0.1', 'once')).toBe('ok');
  // Another body: the hash of the first tells the front door.
  const [first, other] = [
    await update(gm, gameId, 'patch', { version: '1.0.1' }, 'once'),
    await update(gm, gameId, 'patch', { version: '1.0.2' }, 'once'),
  ];
  expect(other).toEqual(first);
  expect(runtimeManager.requests).toHaveLength(1);
  expect(await gm.record(gameId)).toMatchObject(AT_1_0_1);
  expect(await operationsOf(gm, gameId)).toEqual([REGISTER_ROW, 'patch running > null ok']);
});

test('a failed patch is remembered as such in a later run', async () => {
  const gameId = await gm.running(engine);
  expect(await patch(gameId, '1.1.0', 'never')).toBe('semver_patch_only');
  const { runId } = await gm.workflow(gameId).describe();
  await gm.workflow(gameId).signal('continue-as-new');
  await waitFor(async () => (await gm.workflow(gameId).describe()).runId !== runId);
  expect(await patch(gameId, '1.1.0', 'never')).toBe('semver_patch_only');
  expect(await operationsOf(gm, gameId)).toEqual([REGISTER_ROW, 'patch running > null semver_patch_only']);
});

test('after a failed turn the game stays as it is', async () => {
  const gameId = await failedGame();
  expect(await patch(gameId, '1.0.1')).toBe('ok');
  expect(await gm.record(gameId)).toMatchObject({ ...AT_1_0_1, status: 'generation_failed' });
  expect((await operationsOf(gm, gameId)).at(-1)).toBe('patch generation_failed > null ok');
  expect((await gm.force(gameId)).body).toMatchObject({ status: 'running', current_turn: 1 });
});

test('a patch can bring an engine back that was lost', async () => {
  const gameId = await unreachableGame();
  expect(await patch(gameId, '1.0.1')).toBe('ok');
  expect(await gm.untilRecord(gameId, { status: 'running', engine_health: 'healthy' })).toMatchObject(
    AT_1_0_1,
  );
  expect(await operationsOf(gm, gameId)).toEqual([
    REGISTER_ROW,
    'health running > engine_unreachable ok',
    'patch engine_unreachable > null ok',
    'health engine_unreachable > running ok',
  ]);
});

test('what a patch looks like from outside is no news', async () => {
  const gameId = await gm.running(engine);
  const release = runtimeManager.hold();
  const patching = await send(gm, gameId, 'patch', { version: '1.0.1' });
  await waitFor(() => runtimeManager.requests.length === 1);
  await reports.report(gm, gameId, 'container_exited');
  await reports.report(gm, gameId, 'container_started', { container: 'c2' });
  await reports.untilSettled(gm);
  expect(await gm.record(gameId)).toMatchObject({ status: 'running', engine_health: 'healthy' });
  release();
  expect(outcome(await patching.outcome)).toBe('ok');
  expect(await gm.record(gameId)).toMatchObject({ ...AT_1_0_1, status: 'running', engine_health: 'healthy' });
  expect(await operationsOf(gm, gameId)).toEqual([REGISTER_ROW, 'patch running > null ok']);
  expect(await lobbyEventsOf(gm, gameId)).toHaveLength(1);

  // Held, not lost: what comes afterwards counts again.
  await reports.report(gm, gameId, 'container_oom', { container: 'c2' });
  await gm.untilRecord(gameId, { status: 'engine_unreachable', engine_health: 'oom' });
});

test('when Runtime Manager will not patch, what was held counts', async () => {
  const gameId = await gm.running(engine);
  const release = runtimeManager.hold();
  runtimeManager.replyNext({ status: 500 });
  const patching = await send(gm, gameId, 'patch', { version: '1.0.1' });
  await waitFor(() => runtimeManager.requests.length === 1);
  await reports.report(gm, gameId, 'container_exited');
  await reports.untilSettled(gm);
  release();
  expect(outcome(await patching.outcome)).toBe('service_unavailable');
  await gm.untilRecord(gameId, { ...AT_1_0_0, status: 'engine_unreachable', engine_health: 'exited' });
});

test('an engine that comes back at another turn keeps its game waiting', async () => {
  const gameId = await gm.running(engine);
  engine.turn = 7;
  expect(await patch(gameId, '1.0.1')).toBe('ok');
  expect(await gm.untilRecord(gameId, { status: 'engine_unreachable' })).toMatchObject({
    ...AT_1_0_1,
    engine_health: 'turn_mismatch',
    next_generation_at: null,
  });
  expect((await operationsOf(gm, gameId)).at(-1)).toBe('patch running > engine_unreachable ok');
  expect((await lobbyEventsOf(gm, gameId)).at(-1)).toBe('runtime_snapshot_update 0 engine_unreachable');
});

test('an engine that does not come back at once is waited for', async () => {
  const gameId = await gm.running(engine);
  const port = await engine.goAway();
  expect(await patch(gameId, '1.0.1')).toBe('ok');
  expect(await gm.record(gameId)).toMatchObject({ ...AT_1_0_1, status: 'engine_unreachable' });
  await engine.comeBack(port);
  await gm.untilRecord(gameId, { status: 'running', engine_health: 'healthy' });
});

test('while a turn or a patch runs another operation is a conflict', async () => {
  const gameId = await gm.running(engine);
  const letGo = engine.holdTurns();
  const turn = gm.force(gameId);
  await waitFor(() => engine.callsOf('turn') === 1);
  await expect(
    send(gm, gameId, 'patch', { version: '1.0.1' }).then(({ outcome: o }) => o),
  ).resolves.toMatchObject({
    ok: false,
    code: 'conflict',
  });
  letGo();
  expect((await turn).status).toBe(200);

  const release = runtimeManager.hold();
  const patching = await send(gm, gameId, 'patch', { version: '1.0.1' });
  await waitFor(() => runtimeManager.requests.length === 1);
  expect(await patch(gameId, '1.0.2')).toBe('conflict');
  expect(outcome(await update(gm, gameId, 'banish', { race_name: 'Borg' }))).toBe('conflict');
  expect((await gm.force(gameId)).status).toBe(409);

  // A stop waits for it.
  const stop = gm.stopGame(gameId);
  release();
  expect(outcome(await patching.outcome)).toBe('ok');
  expect((await stop).body).toMatchObject({ ...AT_1_0_1, status: 'stopped' });
  expect(await operationsOf(gm, gameId)).toEqual([
    REGISTER_ROW,
    'force generation_in_progress > running ok',
    'patch running > null ok',
    'stop running > stopped ok',
  ]);
});

test('an operator patches by signal', async () => {
  const gameId = await gm.running(engine);
  await gm.workflow(gameId).signal('patch', { version: '1.0.1' });
  await waitFor(async () => {
    const state = await gm.workflow(gameId).query<{ engineVersion: string }>('state');
    return state.engineVersion === '1.0.1';
  });
  expect(await gm.record(gameId)).toMatchObject(AT_1_0_1);
  await gm.workflow(gameId).signal('patch', { version: '1.1.0' });
  await waitFor(async () => (await operationsOf(gm, gameId)).length === 3);
  await gm.workflow(gameId).signal('patch', { image: 'x' });
  await waitFor(async () => (await operationsOf(gm, gameId)).length === 4);
  await gm.workflow(gameId).signal('patch', { version: 'latest' });
  await waitFor(async () => (await operationsOf(gm, gameId)).length === 5);
  expect(await operationsOf(gm, gameId)).toEqual([
    REGISTER_ROW,
    'patch running > null ok',
    'patch running > null semver_patch_only',
    'patch running > null invalid_request',
    'patch running > null invalid_request',
  ]);
  expect(await gm.record(gameId)).toMatchObject({ ...AT_1_0_1, status: 'running' });
});
