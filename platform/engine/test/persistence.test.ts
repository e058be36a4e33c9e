import { appendFile, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { GameStorage } from '../storage';
import {
  endEngines,
  init,
  loggedTurns,
  newDirectory,
  RACES,
  savedGame,
  startEngine,
  status,
  turn,
} from './running-engine';

afterEach(endEngines);

/** A directory in which a game of three turns was played. */
async function played(): Promise<{ directory: string; last: unknown }> {
  const { url, directory } = await startEngine();
  await init(url);
  for (const from of [0, 1, 2]) await turn(url, from);
  return { directory, last: await status(url) };
}

test('a game goes on where it was', async () => {
  const { directory, last } = await played();
  const { url } = await startEngine({ directory });
  expect(await status(url)).toEqual(last);
  expect((await turn(url, 3)).body).toMatchObject({ turn: 4 });
  expect(await loggedTurns(directory)).toEqual([1, 2, 3, 4]);
});

test('a game that no turn was made in can be initialised again after a restart', async () => {
  const first = await startEngine();
  const state = await init(first.url);
  const second = await startEngine({ directory: first.directory });
  expect(await init(second.url, [...RACES].reverse())).toEqual(state);
});

test('a finished game stays finished, whatever the setting is later', async () => {
  const first = await startEngine({ finishTurn: 1 });
  await init(first.url);
  await turn(first.url);
  const second = await startEngine({ finishTurn: 0, directory: first.directory });
  expect(await status(second.url)).toMatchObject({ turn: 1, finished: true });
  expect((await turn(second.url)).status).toBe(409);
});

test('the turn log tells when each turn was made', async () => {
  const before = Date.now();
  const { directory } = await played();
  const lines = (await readFile(join(directory, 'turns.log'), 'utf8')).trimEnd().split('\n');
  expect(lines).toHaveLength(3);
  for (const line of lines) {
    const { applied_at } = JSON.parse(line) as { applied_at: string };
    expect(Date.parse(applied_at)).toBeGreaterThanOrEqual(before);
    expect(Date.parse(applied_at)).toBeLessThanOrEqual(Date.now());
  }
});

describe('after a process that died', () => {
  test('between state and log, the line that is missing is added, once', async () => {
    const { directory } = await played();
    const log = join(directory, 'turns.log');
    const text = await readFile(log, 'utf8');
    await writeFile(log, text.slice(0, text.lastIndexOf('{')));
    expect(await loggedTurns(directory)).toEqual([1, 2]);
    for (let start = 0; start < 2; start++) await GameStorage.open(directory, { sync: true });
    expect(await readFile(log, 'utf8')).toBe(text);
  });

  test('in the middle of a line, the line is written anew', async () => {
    const { directory } = await played();
    const log = join(directory, 'turns.log');
    const text = await readFile(log, 'utf8');
    await writeFile(log, text.slice(0, -20));
    await GameStorage.open(directory, { sync: true });
    expect(await readFile(log, 'utf8')).toBe(text);
  });

  test('before the very first line, it is added', async () => {
    const { url, directory } = await startEngine();
    await init(url);
    await turn(url);
    await rm(join(directory, 'turns.log'));
    await GameStorage.open(directory, { sync: true });
    expect(await loggedTurns(directory)).toEqual([1]);
  });

  test('in the middle of the new state, the old one counts', async () => {
    const { directory, last } = await played();
    await writeFile(join(directory, 'state.json.tmp'), '{"format":1,"ga');
    const { url } = await startEngine({ directory });
    expect(await status(url)).toEqual(last);
    expect((await turn(url, 3)).status).toBe(200);
    expect(await savedGame(directory)).toMatchObject({ turn: 4 });
  });
});

test('an older state that was put back is played on, and the log tells so', async () => {
  const first = await startEngine();
  await init(first.url);
  const copy = await readFile(join(first.directory, 'state.json'));
  await turn(first.url);
  await writeFile(join(first.directory, 'state.json'), copy);
  const { url, directory } = await startEngine({ directory: first.directory });
  expect((await turn(url, 0)).status).toBe(200);
  expect(await loggedTurns(directory)).toEqual([1, 1]);
});

test.each([
  ['is not JSON', '{"format":1,"ga', /is not JSON/],
  ['is something else', '{"turn":3}', /was not written by this engine/],
  ['is null', 'null', /was not written by this engine/],
])('a state that %s is not taken', async (_what, content, message) => {
  const directory = await newDirectory();
  await writeFile(join(directory, 'state.json'), content);
  await expect(GameStorage.open(directory, { sync: true })).rejects.toThrow(message);
});

test('a turn that the disk refuses is an error, and reported', async () => {
  const { url, directory, storageFailures } = await startEngine();
  await init(url);
  await rm(directory, { recursive: true });
  expect((await turn(url, 0)).status).toBe(500);
  expect(storageFailures).toMatchObject([{ code: 'ENOENT' }]);
  expect(await status(url)).toMatchObject({ turn: 0 });
});

test('a line that others appended is not touched', async () => {
  const { directory } = await played();
  await appendFile(join(directory, 'turns.log'), '{"turn":7,"applied_at":"2026-01-01T00:00:00.000Z"}\n');
  await GameStorage.open(directory, { sync: true });
  expect(await loggedTurns(directory)).toEqual([1, 2, 3, 7]);
});
