import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { waitFor } from './wait-for';

const DIST = path.join(__dirname, '..', '..', 'dist');

/** A process of the project's, run from the build, that says at `/readyz` when it is ready. */
export class ServiceProcess {
  child: ChildProcess;
  /** The lines that it logged, those of before it was started again included. */
  readonly lines: string[] = [];

  /** `main`: its entry point, below `dist/`. */
  constructor(
    readonly name: string,
    private readonly main: string,
    readonly baseUrl: string,
    private readonly env: Record<string, string>,
  ) {
    this.child = this.spawn();
  }

  private spawn(): ChildProcess {
    const child = spawn(process.execPath, [path.join(DIST, this.main)], {
      env: { PATH: process.env['PATH'], ...this.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [child.stdout, child.stderr]) {
      createInterface(stream).on('line', (line) => this.lines.push(line));
    }
    return child;
  }

  get ended(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  async untilReady(): Promise<void> {
    await waitFor(
      async () => {
        if (this.ended) return true;
        return (await fetch(`${this.baseUrl}/readyz`)).ok;
      },
      { timeout: 60_000, describe: () => `${this.name} to be ready:\n${this.lines.slice(-20).join('\n')}` },
    );
    if (this.ended) throw new Error(`${this.name} ended:\n${this.lines.slice(-20).join('\n')}`);
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** Ends it in good order, or hard where it does not. */
  async stop(): Promise<void> {
    if (this.ended) return;
    const ended = once(this.child, 'exit');
    this.child.kill('SIGCONT');
    this.child.kill('SIGTERM');
    const hard = setTimeout(() => this.child.kill('SIGKILL'), 15_000);
    await ended;
    clearTimeout(hard);
  }

  /** Kills it as a crash would. */
  async crash(): Promise<void> {
    if (this.ended) return;
    const ended = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await ended;
  }

  /** Starts it once more after it ended, at the same address with the same settings. */
  async startAgain(): Promise<void> {
    this.child = this.spawn();
    await this.untilReady();
  }
}
