import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import type { Socket } from 'node:net';

/**
 * Makes sure that servers and temporary folders do not outlive this process, even when it is killed.
 * The work is done by `reaper-process.cjs` in a process of its own, which acts when its pipe to here closes.
 */
export class Reaper {
  readonly #process: ChildProcess;

  constructor() {
    this.#process = spawn(process.execPath, [require.resolve('./reaper-process.cjs')], {
      cwd: '/',
      // Its own process group: a Ctrl-C meant for the parent must not reach it.
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
      // Neither a debugger nor coverage options of the parent are meant for it.
      env: { PATH: process.env['PATH'] },
    });
    this.#process.unref();
    const pipe = this.#process.stdin as Socket;
    pipe.on('error', () => undefined);
    pipe.unref();
  }

  /** Process id of the reaper itself. */
  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** Ends the process group of `pid` with `signal` (SIGKILL 5 s later) if this process dies first. */
  watch(pid: number, signal: NodeJS.Signals): void {
    this.#send({ watch: pid, signal });
  }

  forget(pid: number): void {
    this.#send({ forget: pid });
  }

  /** Removes `folder` and all in it if this process dies first. */
  watchFolder(folder: string): void {
    this.#send({ folder });
  }

  forgetFolder(folder: string): void {
    this.#send({ forgetFolder: folder });
  }

  /** Ends the reaper, and with it what is still watched; resolves when it is gone. */
  async close(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const gone = new Promise<void>((resolve) => this.#process.once('exit', () => resolve()));
    this.#process.ref();
    this.#process.stdin?.end();
    await gone;
  }

  #send(message: object): void {
    this.#process.stdin?.write(`${JSON.stringify(message)}\n`);
  }
}
