import { spawn } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import path from 'node:path';
import type { Readable } from 'node:stream';

export interface RunOptions {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  uid?: number;
  gid?: number;
  /** Milliseconds after which the program is killed. */
  timeoutMs?: number;
  /** Called with every line that the program prints. */
  onLine?: (line: string) => void;
  signal?: AbortSignal;
}

/** A program could not be started, ended with a code other than 0, or took too long. */
class ProgramFailed extends Error {
  override readonly name = 'ProgramFailed';
}

/** The path of an executable file called `name` on `PATH` or in one of `folders`, if there is one. */
export async function findProgram(name: string, folders: string[] = []): Promise<string | undefined> {
  for (const folder of [...(process.env['PATH'] ?? '').split(path.delimiter), ...folders]) {
    if (folder === '') continue;
    const candidate = path.join(folder, name);
    try {
      await access(candidate, constants.X_OK);
      return candidate;
    } catch {
      // Not here; the next folder may have it.
    }
  }
  return undefined;
}

/**
 * Runs a program to its end and returns what it printed.
 * @throws ProgramFailed with the last lines of its output
 */
export async function run(command: string, args: string[], options: RunOptions = {}): Promise<string> {
  const { onLine, timeoutMs, ...spawnOptions } = options;
  const child = spawn(command, args, {
    ...spawnOptions,
    stdio: ['ignore', 'pipe', 'pipe'],
    killSignal: 'SIGKILL',
    ...(timeoutMs === undefined ? {} : { timeout: timeoutMs }),
  });
  let output = '';
  const take = (stream: Readable): void => {
    let unfinished = '';
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      const lines = (unfinished + chunk.toString()).split('\n');
      unfinished = lines.pop() ?? '';
      for (const line of lines) onLine?.(line);
    });
  };
  take(child.stdout);
  take(child.stderr);
  const what = path.basename(command);
  return await new Promise((resolve, reject) => {
    child.once('error', (error) =>
      reject(new ProgramFailed(`${what} could not be run: ${error.message}`, { cause: error })),
    );
    child.once('close', (code, signal) => {
      if (code === 0) resolve(output);
      else {
        const how = code === null ? `was ended by ${signal ?? 'a signal'}` : `failed with exit code ${code}`;
        reject(new ProgramFailed(`${what} ${how}${lastLines(output)}`));
      }
    });
  });
}

/** The last few lines of a program's output, indented for an error message; empty when it said nothing. */
export function lastLines(output: string): string {
  const lines = output.trim().split('\n').slice(-8);
  return lines.length === 1 && lines[0] === '' ? '' : `:\n    ${lines.join('\n    ')}`;
}
