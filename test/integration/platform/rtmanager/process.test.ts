/** What the process driver alone has to live through. */
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { StartFailure } from '../../../../platform/rtmanager/driver';
import { ProcessDriver } from '../../../../platform/rtmanager/process-driver';
import { quiet } from '../../../support/engine-drivers';
import { waitFor } from '../../../support/wait-for';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'process-driver-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** What the launcher needs to tell its process id takes for ever, and leaves its own behind. */
async function slowPath(): Promise<{ PATH: string; pidFile: string }> {
  const tools = path.join(folder, 'tools');
  const pidFile = path.join(folder, 'pid');
  await mkdir(tools);
  await writeFile(path.join(tools, 'cut'), `#!/bin/sh\necho $$ > ${pidFile}\nexec sleep 60\n`);
  await chmod(path.join(tools, 'cut'), 0o755);
  return { PATH: `${tools}:${process.env['PATH'] ?? ''}`, pidFile };
}

it('leaves no process of an engine that did not come up in time', async () => {
  const { PATH, pidFile } = await slowPath();
  const driver = new ProcessDriver({
    folder: path.join(folder, 'games'),
    commands: [{ pattern: /^galaxy/, words: [process.execPath, '-e', 'setInterval(() => 0, 1000)'] }],
    env: { PATH },
    memoryBytes: 1024 ** 3,
    stopTimeoutMs: 1_000,
    launchTimeoutMs: 5_000,
    log: quiet,
  });
  const spec = { gameId: 'orion', imageRef: 'galaxy/engine:1.0.0', state: '1', port: 20_000 };
  const failure: unknown = await driver.start(spec).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(StartFailure);
  expect((failure as StartFailure).message).toMatch(/did not come up within 5000 ms/);
  const slow = Number(await readFile(pidFile, 'utf8'));
  // Killed with its launcher, and gone in its own time.
  await waitFor(async () => {
    const state = await readFile(`/proc/${slow}/stat`, 'utf8').catch(() => ') gone');
    return /\) (gone|Z|X)/.test(state);
  });
  expect(await driver.inspect('orion')).toMatchObject({ isRunning: false });
});
