import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { inspect } from 'node:util';

import { lastLines, run } from './program';
import type { Reaper } from './reaper';

/** A server of the stack that can be taken down and brought back at the same address with the same data. */
export interface Server {
  readonly name: string;
  /** Id of its (first) process; undefined while it is down. */
  readonly pid: number | undefined;
  /** Starts it and resolves once it answers; does nothing when it runs. */
  start(): Promise<void>;
  /** Ends it in good order; resolves when it is gone. */
  stop(): Promise<void>;
  /** Ends it with SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
  /** Freezes it: connections stay open and are accepted, nothing is answered. */
  pause(): Promise<void>;
  /** Undoes `pause`. */
  resume(): Promise<void>;
}

/** How to run one server as a child process. */
export interface Launch {
  name: string;
  command: string;
  args: string[];
  cwd: string;
  env?: NodeJS.ProcessEnv;
  /** Account to run as, when it is not this process's own. */
  account?: { uid: number; gid: number } | undefined;
  /** Receives the server's output. */
  logFile: string;
  /** Asks for an orderly end. */
  stopSignal: NodeJS.Signals;
  /** One health check: resolves when the server answers, rejects when it does not yet. */
  check: () => Promise<void>;
}

const readyWithinMs = 60_000;
const stopWithinMs = 10_000;

/** A server did not come up. The message has the last lines it printed. */
class ServerFailed extends Error {
  override readonly name = 'ServerFailed';
}

export class ServerProcess implements Server {
  readonly name: string;
  readonly #launch: Launch;
  readonly #reaper: Reaper;
  #child: ChildProcess | undefined;
  #gone: Promise<void> = Promise.resolve();
  #paused = false;

  constructor(launch: Launch, reaper: Reaper) {
    this.name = launch.name;
    this.#launch = launch;
    this.#reaper = reaper;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  async start(): Promise<void> {
    if (this.#child !== undefined) return;
    const { command, args, cwd, env, account, logFile, stopSignal } = this.#launch;
    await mkdir(path.dirname(logFile), { recursive: true });
    const log = openSync(logFile, 'w');
    let child: ChildProcess;
    try {
      child = spawn(command, args, {
        cwd,
        env: { ...process.env, ...env },
        ...account,
        // A process group of its own: a Ctrl-C in the terminal reaches only us, and we end it in order.
        detached: true,
        stdio: ['ignore', log, log],
      });
    } finally {
      closeSync(log);
    }
    let failure: Error | undefined;
    this.#gone = new Promise((resolve) => {
      const ended = (): void => {
        if (child.pid !== undefined) this.#reaper.forget(child.pid);
        if (this.#child === child) this.#child = undefined;
        resolve();
      };
      child.once('exit', ended);
      child.once('error', (error) => {
        failure = error;
        if (child.pid === undefined) ended();
      });
    });
    this.#child = child;
    this.#paused = false;
    if (child.pid !== undefined) this.#reaper.watch(child.pid, stopSignal);
    // A stack that nobody stops must not keep its process alive: the reaper ends the servers.
    child.unref();

    const deadline = Date.now() + readyWithinMs;
    for (;;) {
      const problem = await this.#launch.check().then(
        () => undefined,
        (error: unknown) => error ?? new Error('no answer'),
      );
      if (this.#child !== child) throw new ServerFailed(await this.#ended(failure));
      if (problem === undefined) return;
      if (Date.now() > deadline) {
        await this.kill();
        const reason = problem instanceof Error ? problem.message : inspect(problem);
        throw new ServerFailed(`${this.name} did not answer within ${readyWithinMs / 1000} s: ${reason}`);
      }
      await delay(50);
    }
  }

  async stop(): Promise<void> {
    const child = this.#child;
    if (child === undefined) return this.#gone;
    child.ref();
    if (this.#paused) await this.resume();
    child.kill(this.#launch.stopSignal);
    const timer = setTimeout(() => child.kill('SIGKILL'), stopWithinMs);
    await this.#gone;
    clearTimeout(timer);
  }

  async kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined) return this.#gone;
    child.ref();
    // Frozen children of a killed Postgres would stay for ever.
    if (this.#paused) await this.resume();
    child.kill('SIGKILL');
    await this.#gone;
  }

  async pause(): Promise<void> {
    await this.#signalTree('SIGSTOP');
    this.#paused = true;
  }

  async resume(): Promise<void> {
    await this.#signalTree('SIGCONT');
    this.#paused = false;
  }

  /** Postgres serves each connection from a child with a process group of its own: all must get the signal. */
  async #signalTree(signal: NodeJS.Signals): Promise<void> {
    const root = this.#child?.pid;
    if (root === undefined) return;
    process.kill(root, signal);
    const rows = (await run('ps', ['-A', '-o', 'pid=,ppid='])).trim().split('\n');
    const pairs = rows.map((row) => row.trim().split(/\s+/).map(Number));
    const tree = new Set([root]);
    for (let size = 0; size < tree.size;) {
      size = tree.size;
      for (const [pid, parent] of pairs) {
        if (pid !== undefined && parent !== undefined && tree.has(parent)) tree.add(pid);
      }
    }
    for (const pid of tree) {
      try {
        process.kill(pid, signal);
      } catch {
        // It ended in the meantime.
      }
    }
  }

  async #ended(failure: Error | undefined): Promise<string> {
    const reason = failure === undefined ? '' : ` (${failure.message})`;
    const output = await readFile(this.#launch.logFile, 'utf8').catch(() => '');
    return `${this.name} ended while it was starting${reason}${lastLines(output)}`;
  }
}
