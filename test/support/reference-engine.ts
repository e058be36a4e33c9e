import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';

const MAIN = path.join(__dirname, '..', '..', 'dist', 'platform', 'engine', 'main.js');

/** The reference engine as a process of its own, with an empty directory. */
export class ReferenceEngine {
  private constructor(
    private readonly child: ChildProcess,
    private readonly directory: string,
    readonly endpoint: string,
  ) {}

  /** `env`: its `ENGINE_*` settings. */
  static async start(env: Record<string, string> = {}): Promise<ReferenceEngine> {
    const directory = await mkdtemp(path.join(tmpdir(), 'reference-engine-'));
    const child = spawn(process.execPath, [MAIN], {
      env: {
        ENGINE_HTTP_ADDR: '127.0.0.1:0',
        ENGINE_DATA_DIR: directory,
        ENGINE_FSYNC: 'false',
        ...env,
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const lines = createInterface(child.stdout);
    const endpoint = await new Promise<string>((resolve, reject) => {
      lines.on('line', (line) => {
        const { msg, address } = JSON.parse(line) as { msg: string; address?: string };
        if (msg === 'listening' && address !== undefined) resolve(address);
      });
      lines.on('close', () => reject(new Error('the reference engine ended before it listened')));
    });
    return new ReferenceEngine(child, directory, endpoint);
  }

  /** Every turn that it made, in order: its own log, the witness of the turns. */
  async turnLog(): Promise<number[]> {
    const text = await readFile(path.join(this.directory, 'turns.log'), 'utf8').catch(() => '');
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => (JSON.parse(line) as { turn: number }).turn);
  }

  async stop(): Promise<void> {
    const ended = once(this.child, 'exit');
    if (this.child.exitCode === null && this.child.kill('SIGKILL')) await ended;
    await rm(this.directory, { recursive: true });
  }
}
