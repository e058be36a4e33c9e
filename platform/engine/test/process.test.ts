import { rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { once } from 'node:events';
import {
  codeOf,
  endEngines,
  init,
  loggedTurns,
  newDirectory,
  removeCompiledEngine,
  spawnEngine,
  status,
  turn,
} from './running-engine';

afterEach(endEngines);
afterAll(removeCompiledEngine);

async function settings(): Promise<{ ENGINE_HTTP_ADDR: string; ENGINE_DATA_DIR: string }> {
  return { ENGINE_HTTP_ADDR: '127.0.0.1:0', ENGINE_DATA_DIR: await newDirectory() };
}

test('keeps its turn through SIGKILL', async () => {
  const env = await settings();
  const first = await spawnEngine(env);
  await init(await first.listening);
  for (const from of [0, 1]) expect((await turn(await first.listening, from)).status).toBe(200);
  const before = await status(await first.listening);
  first.child.kill('SIGKILL');
  expect((await first.ended).signal).toBe('SIGKILL');

  const second = await spawnEngine(env);
  expect(await status(await second.listening)).toEqual(before);
  expect((await turn(await second.listening, 2)).body).toMatchObject({ turn: 3 });
  expect(await loggedTurns(env.ENGINE_DATA_DIR)).toEqual([1, 2, 3]);
});

test('killed again and again amid turns, it makes each turn once and in order', async () => {
  const env = await settings();
  let confirmed = 0;
  for (let life = 0; life < 5; life++) {
    const engine = await spawnEngine(env);
    const url = await engine.listening;
    const found = life === 0 ? await init(url) : await status(url);
    expect(found.turn).toBeGreaterThanOrEqual(confirmed);
    confirmed = found.turn;
    for (let asked = 1; asked <= life + 1; asked++) {
      const pending = turn(url, confirmed).catch(() => undefined);
      await engine.logs('turn asked for', asked);
      if (asked > life) engine.child.kill('SIGKILL');
      const reply = await pending;
      // Only the call that was cut off by the kill may go without a reply.
      expect(reply?.status ?? (asked > life ? 200 : 'none')).toBe(200);
      if (reply !== undefined) confirmed += 1;
    }
    await engine.ended;
  }
  const last = await spawnEngine(env);
  const { turn: reached } = await status(await last.listening);
  // One and more in each life but the first, whose only turn may have been cut off.
  expect(reached).toBeGreaterThanOrEqual(10);
  expect(await loggedTurns(env.ENGINE_DATA_DIR)).toEqual(Array.from({ length: reached }, (_, i) => i + 1));
});

test('SIGTERM gives up the turn under way and ends at once, idle connections or not', async () => {
  const env = await settings();
  const engine = await spawnEngine({ ...env, ENGINE_TURN_DURATION: '10m' });
  const url = await engine.listening;
  await init(url);
  const idle = connect(Number(new URL(url).port), '127.0.0.1');
  await once(idle, 'connect');
  const pending = [turn(url, 0), turn(url, 0)];
  await engine.logs('turn asked for', 2);
  const began = Date.now();
  engine.child.kill('SIGTERM');
  for (const reply of await Promise.all(pending))
    expect([reply.status, codeOf(reply)]).toEqual([503, 'shutting_down']);
  expect(await engine.ended).toMatchObject({ code: 0, signal: null });
  expect(Date.now() - began).toBeLessThan(5_000);
  idle.destroy();

  const next = await spawnEngine(env);
  expect(await status(await next.listening)).toMatchObject({ turn: 0 });
});

test('ends when the disk refuses a turn', async () => {
  const env = await settings();
  const engine = await spawnEngine(env);
  const url = await engine.listening;
  await init(url);
  await rm(env.ENGINE_DATA_DIR, { recursive: true });
  await expect(turn(url, 0)).rejects.toThrow();
  const { code, log } = await engine.ended;
  expect(code).toBe(1);
  expect(log.at(-1)).toMatchObject({ level: 'error', msg: 'the disk refused a change' });
});

test('does not start with bad settings, and names all of them', async () => {
  const engine = await spawnEngine({ ENGINE_HTTP_ADDR: '8080', ENGINE_FINISH_TURN: 'never' });
  const { code, log } = await engine.ended;
  expect(code).toBe(1);
  expect(log).toMatchObject([{ level: 'error', msg: 'the engine did not start' }]);
  const problems = log[0]?.['problems'] as string[];
  expect(problems.map((problem) => problem.split(' ')[0])).toEqual([
    'ENGINE_HTTP_ADDR',
    'ENGINE_DATA_DIR',
    'ENGINE_FINISH_TURN',
  ]);
});

test('does not start on an address that is taken', async () => {
  const first = await spawnEngine(await settings());
  const second = await spawnEngine({
    ...(await settings()),
    ENGINE_HTTP_ADDR: new URL(await first.listening).host,
  });
  const { code, log } = await second.ended;
  expect(code).toBe(1);
  expect(log[0]?.['error']).toContain('EADDRINUSE');
});

test('a data directory that cannot be made ends it, and is named', async () => {
  const engine = await spawnEngine({ ...(await settings()), ENGINE_DATA_DIR: '/dev/null/orion' });
  const { code, log } = await engine.ended;
  expect(code).toBe(1);
  expect(log).toMatchObject([
    { level: 'error', error: expect.stringMatching(/^ENGINE_DATA_DIR.*mkdir/) as string },
  ]);
});

const onLinux = process.platform === 'linux' ? test : test.skip;
onLinux('where nothing can be made it does not try for ever', async () => {
  const engine = await spawnEngine({ ...(await settings()), ENGINE_DATA_DIR: '/proc/orion/x' });
  expect(await engine.ended).toMatchObject({ code: 1, signal: null });
});
