/** The commands of docs/api.md, as a reader would paste them: each is run by a shell, and succeeds as the page says. */
import { execFile, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { endEngines, startEngine } from '../../platform/engine/test/running-engine';
import { Contract } from '../support/contract';
import { GameMaster, isOpen } from '../support/game-master';
import { freshGameId, waitFor } from '../support/stack';
import { TestLobby } from '../support/test-lobby';
import { TestRuntimeManager } from '../support/test-runtime-manager';

const page = readFileSync(path.join(__dirname, '../../docs/api.md'), 'utf8');
const [variables = '', ...commands] = [...page.matchAll(/^```sh\n([\s\S]*?)^```/gm)].map(
  ([, code = '']) => code,
);
const ids = [...page.matchAll(/^`(\w+)` · /gm)].map(([, id = '']) => id);
const examples = ids.map((id, at) => ({ id, command: commands[at] ?? '' }));
const contract = new Contract();

/** A machine with nothing but Node may have none. */
const hasCurl = spawnSync('curl', ['--version']).status === 0;

let gm: GameMaster;
let lobby: TestLobby;
let runtimeManager: TestRuntimeManager;

beforeAll(async () => {
  lobby = await TestLobby.start();
  runtimeManager = await TestRuntimeManager.start();
  gm = await GameMaster.start({
    env: {
      GAMEMASTER_LOBBY_BASE_URL: lobby.baseUrl,
      GAMEMASTER_RTM_BASE_URL: runtimeManager.baseUrl,
      // Lobby and engine stand in this process, which may come late.
      GAMEMASTER_LOBBY_TIMEOUT: '20s',
      GAMEMASTER_ENGINE_HOT_TIMEOUT: '20s',
    },
  });
  await gm.createVersion();
});

afterAll(async () => {
  await gm.stop();
  await Promise.all([lobby.stop(), runtimeManager.stop(), endEngines()]);
});

test('the page has a command for every operation', () => {
  expect([...ids].sort()).toEqual([...contract.operationIds].sort());
  expect(commands).toHaveLength(ids.length);
});

/** A game as the page's `vega`, at turn 1. */
async function vega(): Promise<string> {
  const { url } = await startEngine();
  const members = [{ user_id: 'cleo', race_name: 'Cylons' }];
  const gameId = await gm.running({ endpoint: url }, { members });
  lobby.setMember(gameId, 'cleo', 'active');
  await gm.force(gameId);
  return gameId;
}

(hasCurl ? test.each(examples) : test.skip.each(examples))('$id', async ({ id, command }) => {
  const at = ids.indexOf(id);
  // Each example stands alone: with a game and a version of its own, where the page goes on with the same.
  const version = `1.0.${at + 1}`;
  if (id !== 'internalCreateEngineVersion') await gm.createVersion(version);
  const engine = await startEngine();
  const gameId = command.includes('vega') ? await vega() : '';
  // A key of our own, so that a call can be repeated that a busy machine leaves the game no time to take.
  const key = command.includes('idempotency-key') ? '' : "-H 'idempotency-key: k'";
  const script =
    `${variables}\ncurl() { command curl ${key} --write-out '\\n%{http_code}' "$@"; }\n${command}`
      .replaceAll('http://127.0.0.1:8097', gm.apis[0]?.baseUrl ?? '')
      .replaceAll('http://galaxy-game-nova:8080', engine.url)
      .replaceAll('games/nova', `games/${freshGameId()}`)
      .replaceAll('vega', gameId)
      .replaceAll('1.0.1', version);

  const { stdout, status } = await waitFor(async () => {
    const { stdout } = await promisify(execFile)('sh', ['-c', script]);
    const status = stdout.split('\n').at(-1);
    return !isOpen({ status: Number(status), body: stdout }) && { stdout, status };
  });
  const [success] = contract.outcomesOf(id).filter((outcome) => outcome.startsWith('2'));
  expect({ status, stdout }).toMatchObject({ status: success === '2XX' ? '200' : success });
});
