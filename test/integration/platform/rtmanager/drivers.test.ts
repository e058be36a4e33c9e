/** One suite for both drivers. */
import { StartFailure, type Driver } from '../../../../platform/rtmanager/driver';
import type { EngineSpec } from '../../../../platform/rtmanager/runtime';
import { DRIVER_KITS, type DriverKit } from '../../../support/engine-drivers';
import { freshGameId, waitFor } from '../../../support/stack';

const RACES = { races: [{ race_name: 'Aelinari' }, { race_name: 'Borg' }] };

describe.each(DRIVER_KITS)('%s', (name, startKit) => {
  let kit: DriverKit;
  let driver: Driver;
  let gameId: string;
  let spec: EngineSpec;
  /** Games that the driver told of. */
  let told: (string | null)[];
  let stopping: AbortController;
  let watching: Promise<void>;

  beforeAll(async () => {
    kit = await startKit();
    driver = kit.create();
    told = [];
    stopping = new AbortController();
    watching = driver.watch((id) => told.push(id), stopping.signal);
    await untilWatched(told);
  }, 240_000);
  beforeEach(async () => {
    gameId = freshGameId();
    spec = await kit.spec(gameId);
  });
  afterEach(() => driver.remove(gameId));
  afterAll(async () => {
    stopping.abort();
    await watching;
    await kit.clean();
  });

  /** Docker's events come by a connection, and when that is there it is told of all games once. */
  const untilWatched = async (news: (string | null)[]): Promise<void> => {
    if (name === 'docker') await waitFor(() => news.includes(null));
  };
  const found = async (by = driver) => {
    const container = await by.inspect(gameId);
    if (container === null) throw new Error('there is no container');
    return container;
  };
  const ask = async (method: string, path: string, body?: object) => {
    const response = await fetch(`${(await found()).endpoint}${path}`, {
      method,
      headers: { 'content-type': 'application/json', connection: 'close' },
      ...(body && { body: JSON.stringify(body) }),
    });
    return (await response.json()) as { turn?: number; error?: { code: string } };
  };
  const untilAnswers = () => waitFor(async () => (await ask('GET', '/healthz')) as object);
  const start = async (by = driver, what = spec) => {
    await by.start(what);
    await untilAnswers();
  };
  const untilEnded = () =>
    waitFor(async () => ((await found()).isRunning ? null : found()), {
      describe: 'the engine to end',
    });
  const untilTold = (before: number) =>
    waitFor(() => told.slice(before).includes(gameId), { describe: `news of ${gameId}` });

  it('starts an engine once, however often it is asked to', async () => {
    expect(await driver.inspect(gameId)).toBeNull();
    await start();
    const first = await found();
    expect(first).toMatchObject({
      spec,
      isRunning: true,
      exitCode: null,
      outOfMemory: false,
      unhealthy: false,
    });
    expect(new URL(first.endpoint).hostname).toBe('127.0.0.1');
    expect(first.id.length).toBeLessThanOrEqual(256);
    await driver.start(spec);
    // Another process, such as the one that follows a crash.
    await kit.create().start(spec);
    expect(await found()).toEqual(first);
    expect((await driver.list()).filter((id) => id === gameId)).toEqual([gameId]);
  });

  it('stops an engine in good order, and starts it again where it was', async () => {
    await start();
    const before = await found();
    await ask('POST', '/api/v1/admin/init', RACES);
    await ask('POST', '/api/v1/admin/turn');
    await driver.stop(gameId);
    const stopped = await found();
    expect(stopped).toMatchObject({ id: before.id, isRunning: false, exitCode: 0, outOfMemory: false });
    await driver.stop(gameId);
    await start();
    const again = await found();
    expect(again.endpoint).toBe(before.endpoint);
    expect(again.run).not.toBe(before.run);
    expect(await ask('GET', '/api/v1/admin/status')).toMatchObject({ turn: 1 });
  });

  it('replaces an engine by one of another image, on the same state and endpoint', async () => {
    await start();
    const before = await found();
    await ask('POST', '/api/v1/admin/init', RACES);
    await ask('POST', '/api/v1/admin/turn');
    await start(driver, { ...spec, imageRef: kit.images.patched });
    const after = await found();
    expect(after).toMatchObject({ endpoint: before.endpoint, isRunning: true });
    expect(after.spec.imageRef).toBe(kit.images.patched);
    expect(after.id).not.toBe(before.id);
    expect(await ask('GET', '/api/v1/admin/status')).toMatchObject({ turn: 1 });
  });

  it('tells of an engine that was killed, and how it ended', async () => {
    await start();
    const before = told.length;
    await kit.signal(gameId, 'SIGKILL');
    await untilTold(before);
    expect(await untilEnded()).toMatchObject({ isRunning: false, exitCode: 137, outOfMemory: false });
  });

  it('tells an engine that took too much memory from one that was killed', async () => {
    await start();
    const before = told.length;
    await kit.signal(gameId, 'SIGUSR2');
    expect(await untilEnded()).toMatchObject({ isRunning: false, exitCode: 137, outOfMemory: true });
    await untilTold(before);
    await start();
    await kit.signal(gameId, 'SIGKILL');
    expect(await untilEnded()).toMatchObject({ isRunning: false, outOfMemory: false });
  });

  it('finds the engine of a Runtime Manager that died, and tells of its end', async () => {
    await kit.create().start(spec);
    await untilAnswers();
    const successor = kit.create();
    expect(await successor.list()).toContain(gameId);
    expect(await found(successor)).toMatchObject({ spec, isRunning: true });
    const news: (string | null)[] = [];
    const end = new AbortController();
    const watch = successor.watch((id) => news.push(id), end.signal);
    await untilWatched(news);
    await kit.signal(gameId, 'SIGKILL');
    await waitFor(() => news.includes(gameId), { describe: 'the successor to tell' });
    expect(await found(successor)).toMatchObject({ isRunning: false });
    end.abort();
    await watch;
  });

  it('removes the container and keeps the state, until that is to go as well', async () => {
    await start();
    await ask('POST', '/api/v1/admin/init', RACES);
    await driver.remove(gameId);
    expect(await driver.inspect(gameId)).toBeNull();
    expect(await driver.list()).not.toContain(gameId);
    await driver.remove(gameId);
    await start();
    expect(await ask('GET', '/api/v1/admin/status')).toMatchObject({ turn: 0 });
    await driver.remove(gameId);
    await driver.removeStates(gameId);
    await start();
    expect(await ask('GET', '/api/v1/admin/status')).toMatchObject({ error: { code: 'not_initialised' } });
    await driver.remove(gameId);
    await driver.removeStates(gameId);
  });

  it('sees that a container is gone that somebody removed', async () => {
    await start();
    const before = told.length;
    await kit.removeByHand(gameId);
    await untilTold(before);
    expect(await driver.inspect(gameId)).toBeNull();
  });

  it('says of an engine that ends at once how it ended and what it printed', async () => {
    await driver.start({ ...spec, imageRef: kit.images.broken });
    expect(await untilEnded()).toMatchObject({ isRunning: false, exitCode: 3 });
    expect(await driver.lastOutput(gameId)).toContain('this engine is broken');
  });

  it('refuses an image that cannot be had', async () => {
    await driver.prepare(kit.images.engine);
    const refusal = await driver.prepare(kit.images.missing).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(StartFailure);
    expect(refusal).toMatchObject({ code: 'image_pull_failed' });
    expect((refusal as Error).message).toContain(kit.images.missing);
  });
});
