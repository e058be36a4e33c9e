/**
 * Engines as processes of this machine, for where there are no containers. They go on when Runtime Manager ends, and are
 * found again by the folder that each game has: `engine.json` (what is to run), `process` (what runs), `end` (how it
 * ended), `output.log`, and a folder `state-…` with the engine's data.
 */
import { spawn } from 'node:child_process';
import { closeSync, openSync, writeFileSync } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { constants } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { gameLogger, type Logger } from '../service/logging';
import { pause } from '../service/pause';
import { DriverUnavailable, StartFailure, type Container, type Driver } from './driver';
import { isAlive, PRINT_BEGAN, residentBytes, type ProcessId } from './process-table';
import type { EngineSpec } from './runtime';
import type { EngineCommand } from './settings';

export interface ProcessDriverOptions {
  /** Holds a folder for each game. */
  folder: string;
  /** Which command stands for which images; the first that fits. */
  commands: readonly EngineCommand[];
  env: Readonly<Record<string, string>>;
  /** An engine that uses more is killed. */
  memoryBytes: number;
  stopTimeoutMs: number;
  /** Until a process that was started has told its id; 5 s when not given. */
  launchTimeoutMs?: number;
  log: Logger;
}

/** How a process ended, as far as anybody saw it. */
interface End {
  run: string;
  exitCode: number | null;
  outOfMemory: boolean;
}

/** How often processes are looked at: for their memory, and for those that are not our children. */
const LOOK_MS = 250;
const POLL_MS = 20;
/** Until a killed process is gone. */
const AT_MOST_MS = 5_000;
const OUTPUT_BYTES = 4_096;
const LONGEST_OUTPUT = 10 * 1024 * 1024;

/**
 * Tells its process id and becomes the engine: whoever starts it may die at any moment, and who comes after has to find
 * the engine. `$0` is the file to tell it in.
 */
const LAUNCH = `began=$(${PRINT_BEGAN}) && printf '%s %s' "$$" "$began" > "$0.new" && mv "$0.new" "$0" && exec "$@"`;

export class ProcessDriver implements Driver {
  readonly name = 'process';
  readonly needsPorts = true;
  /** Those that we started ourselves and whose end we have not been told of yet, by run. */
  private readonly children = new Set<string>();
  /** Those that are looked at, by game. */
  private readonly running = new Map<string, ProcessId>();
  /** Runs that were killed for their memory. */
  private readonly tooLarge = new Set<string>();
  private changed: (gameId: string) => void = () => undefined;

  constructor(private readonly options: ProcessDriverOptions) {}

  prepare(imageRef: string): Promise<void> {
    if (this.commandFor(imageRef) !== undefined) return Promise.resolve();
    const message = `${imageRef}: no command stands for this image`;
    return Promise.reject(new StartFailure('image_pull_failed', message));
  }

  async start(spec: EngineSpec): Promise<void> {
    const { gameId } = spec;
    const found = await this.inspect(gameId);
    if (found?.isRunning) {
      if (isSame(found.spec, spec)) return;
      await this.stop(gameId);
    }
    const command = this.commandFor(spec.imageRef);
    if (command === undefined)
      throw new StartFailure('image_pull_failed', 'no command stands for this image');
    await this.guard(async () => {
      const files = this.files(gameId);
      await mkdir(path.join(files.folder, `state-${spec.state}`), { recursive: true });
      await rm(files.process, { force: true });
      await rm(files.end, { force: true });
      await writeWhole(files.engine, JSON.stringify(spec));
      await dropLongOutput(files.output);
      await this.launch(spec, command);
    });
  }

  private async launch(spec: EngineSpec, command: readonly string[]): Promise<void> {
    const { gameId, state, port } = spec;
    const { launchTimeoutMs = 5_000 } = this.options;
    const files = this.files(gameId);
    const output = openSync(files.output, 'a');
    const child = spawn('/bin/sh', ['-c', LAUNCH, files.process, ...command], {
      // Nothing of our own environment, which holds secrets.
      env: {
        PATH: process.env['PATH'],
        ...this.options.env,
        ENGINE_HTTP_ADDR: `127.0.0.1:${port ?? 0}`,
        ENGINE_DATA_DIR: path.join(files.folder, `state-${state}`),
      },
      // Neither a signal to our group nor the end of our output is to reach it.
      detached: true,
      stdio: ['ignore', output, output],
    });
    closeSync(output);
    child.unref();
    let run: string | undefined;
    const closed = new Promise<Error | undefined>((resolve) => {
      child.once('error', resolve);
      child.once('exit', () => resolve(undefined));
    });
    let failure: string | undefined;
    void closed.then((error) => (failure = error?.message ?? 'it ended'));
    child.once('exit', (code, signal) => {
      // In one go, so that nobody finds it gone without finding out how.
      if (run === undefined) return;
      this.children.delete(run);
      this.running.delete(gameId);
      this.noteEnd(gameId, run, code ?? exitCodeOf(signal));
      this.changed(gameId);
    });
    const deadline = Date.now() + launchTimeoutMs;
    for (;;) {
      // Before the look: what has ended by then has told its id, or never will.
      const failed = failure;
      const told = await readProcess(files.process);
      if (told !== undefined) {
        run = runOf(told);
        if (child.exitCode !== null || child.signalCode !== null) {
          this.noteEnd(gameId, run, child.exitCode ?? exitCodeOf(child.signalCode));
        } else {
          this.children.add(run);
          this.running.set(gameId, told);
        }
        return;
      }
      if (failed !== undefined) throw notUp(failed);
      if (Date.now() > deadline) {
        // Else it may come up yet, and nobody would know of it.
        if (child.pid !== undefined) signalGroup(child.pid, 'SIGKILL');
        await closed;
        throw notUp(`it did not come up within ${launchTimeoutMs} ms`);
      }
      await delay(POLL_MS);
    }
  }

  private noteEnd(gameId: string, run: string, exitCode: number | null): void {
    try {
      const end: End = { run, exitCode, outOfMemory: this.tooLarge.has(run) };
      writeFileSync(this.files(gameId).end, JSON.stringify(end));
    } catch (error) {
      this.log(gameId).warn({ err: error }, 'how the engine ended could not be noted');
    }
  }

  async stop(gameId: string): Promise<void> {
    await this.guard(async () => {
      const found = await readProcess(this.files(gameId).process);
      if (found === undefined) return;
      for (const [signal, waitMs] of [
        ['SIGTERM', this.options.stopTimeoutMs],
        ['SIGKILL', AT_MOST_MS],
      ] as const) {
        if (!(await this.isRunning(found))) return;
        signalGroup(found.pid, signal);
        const deadline = Date.now() + waitMs;
        while ((await this.isRunning(found)) && Date.now() < deadline) await delay(POLL_MS);
      }
      if (await this.isRunning(found)) throw new Error(`process ${found.pid} does not end`);
    });
  }

  async remove(gameId: string): Promise<void> {
    await this.stop(gameId);
    await this.guard(async () => {
      const files = this.files(gameId);
      for (const file of [files.engine, files.process, files.end, files.output])
        await rm(file, { force: true });
    });
  }

  async removeStates(gameId: string): Promise<void> {
    await this.guard(() => rm(this.files(gameId).folder, { recursive: true, force: true }));
  }

  async inspect(gameId: string): Promise<Container | null> {
    return this.guard(async () => {
      const files = this.files(gameId);
      const written = await readIfThere(files.engine);
      if (written === null) return null;
      const spec = JSON.parse(written) as EngineSpec;
      const told = await readProcess(files.process);
      const run = told === undefined ? `none-${spec.state}` : runOf(told);
      const isRunning = told !== undefined && (await this.isRunning(told));
      if (isRunning) this.running.set(gameId, told);
      const end = isRunning ? null : await readIfThere(files.end);
      const known = end === null ? undefined : (JSON.parse(end) as End);
      const ended = known?.run === run ? known : undefined;
      return {
        id: run,
        run,
        spec,
        endpoint: `http://127.0.0.1:${spec.port ?? 0}`,
        isRunning,
        exitCode: ended?.exitCode ?? null,
        outOfMemory: ended?.outOfMemory ?? false,
        unhealthy: false,
      };
    });
  }

  async list(): Promise<string[]> {
    return this.guard(async () => {
      const { folder } = this.options;
      await mkdir(folder, { recursive: true });
      const games = await readdir(folder);
      const found = await Promise.all(
        games.map(async (gameId) =>
          (await readIfThere(this.files(gameId).engine)) === null ? [] : [gameId],
        ),
      );
      return found.flat();
    });
  }

  async lastOutput(gameId: string): Promise<string> {
    const file = await open(this.files(gameId).output).catch(() => null);
    if (file === null) return '';
    try {
      const { size } = await file.stat();
      const length = Math.min(size, OUTPUT_BYTES);
      const { buffer } = await file.read(Buffer.alloc(length), 0, length, size - length);
      return buffer.toString('utf8').trim();
    } finally {
      await file.close();
    }
  }

  async watch(changed: (gameId: string) => void, stopping: AbortSignal): Promise<void> {
    this.changed = changed;
    while (!stopping.aborted) {
      for (const [gameId, found] of this.running) {
        try {
          if (await this.isRunning(found)) await this.limitMemory(gameId, found);
          else {
            this.running.delete(gameId);
            changed(gameId);
          }
        } catch (error) {
          this.log(gameId).warn({ err: error }, 'the process of the engine could not be looked at');
        }
      }
      await pause(LOOK_MS, stopping);
    }
    this.changed = () => undefined;
  }

  /** Does what the kernel does for a container. */
  private async limitMemory(gameId: string, found: ProcessId): Promise<void> {
    const used = await residentBytes(found.pid);
    if (used <= this.options.memoryBytes) return;
    this.log(gameId).warn(
      { used, limit: this.options.memoryBytes },
      'killing the engine: it uses too much memory',
    );
    const run = runOf(found);
    this.tooLarge.add(run);
    // Before it is done: of a process that is not our child nobody tells us the end.
    this.noteEnd(gameId, run, exitCodeOf('SIGKILL'));
    signalGroup(found.pid, 'SIGKILL');
  }

  ping(): Promise<void> {
    return this.guard(async () => {
      await mkdir(this.options.folder, { recursive: true });
    });
  }

  /** A child runs until we are told of its end: then it is known how it ended. */
  private async isRunning(found: ProcessId): Promise<boolean> {
    return this.children.has(runOf(found)) || isAlive(found);
  }

  private commandFor(imageRef: string): string[] | undefined {
    return this.options.commands.find(({ pattern }) => pattern.test(imageRef))?.words;
  }

  private files(gameId: string) {
    const folder = path.resolve(this.options.folder, gameId);
    const file = (name: string) => path.join(folder, name);
    return {
      folder,
      engine: file('engine.json'),
      process: file('process'),
      end: file('end'),
      output: file('output.log'),
    };
  }

  /** A disk that refuses is a driver that is away. */
  private async guard<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof StartFailure) throw error;
      throw new DriverUnavailable(error instanceof Error ? error.message : String(error), { cause: error });
    }
  }

  private log(gameId: string): Logger {
    return gameLogger(this.options.log, gameId);
  }
}

function notUp(why: string): StartFailure {
  return new StartFailure('container_start_failed', `no process came up: ${why}`);
}

function runOf({ pid, began }: ProcessId): string {
  return `process-${pid}-${began.replace(/\s+/g, '_')}`;
}

/** As a shell would tell it. */
function exitCodeOf(signal: NodeJS.Signals | null): number | null {
  return signal === null ? null : 128 + constants.signals[signal];
}

function isSame(a: EngineSpec, b: EngineSpec): boolean {
  return a.imageRef === b.imageRef && a.state === b.state && a.port === b.port;
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

async function readProcess(file: string): Promise<ProcessId | undefined> {
  const [, pid, began] = /^(\d+) (.+)$/s.exec((await readIfThere(file))?.trim() ?? '') ?? [];
  return began === undefined ? undefined : { pid: Number(pid), began };
}

async function dropLongOutput(file: string): Promise<void> {
  const size = await stat(file).then(
    (found) => found.size,
    () => 0,
  );
  if (size > LONGEST_OUTPUT) await rename(file, `${file}.old`);
}

async function writeWhole(file: string, text: string): Promise<void> {
  await writeFile(`${file}.new`, text);
  await rename(`${file}.new`, file);
}

async function readIfThere(file: string): Promise<string | null> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return null;
    throw error;
  }
}
