/** What the system knows of a process. A process id alone names nobody: it is given again when its owner has ended. */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

const exec = promisify(execFile);

/** What tells a process from all others of this machine since its boot. */
export interface ProcessId {
  pid: number;
  /** When it began, in the system's own terms. */
  began: string;
}

/** Shell words that print the same `began` for the shell's own process. */
export const PRINT_BEGAN = `cut -d ' ' -f 22 /proc/$$/stat 2>/dev/null || ps -o lstart= -p $$`;

export async function isAlive({ pid, began }: ProcessId): Promise<boolean> {
  const [state, since] = (await stat(pid)) ?? [];
  return since === began && !['Z', 'X'].includes(state ?? 'X');
}

/** Memory that the process has in use, in bytes; 0 when it is gone. */
export async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => null);
  const kilobytes = status === null ? await ps('rss', pid) : /^VmRSS:\s+(\d+)/m.exec(status)?.[1];
  return Number(kilobytes ?? 0) * 1024;
}

/** State and begin; undefined when there is no such process. */
async function stat(pid: number): Promise<[state: string, began: string] | undefined> {
  const line = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null);
  if (line !== null) {
    // The second field is a name in brackets, which may hold anything.
    const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
    return [fields[0] ?? '', fields[19] ?? ''];
  }
  const [state, began] = [await ps('state', pid), await ps('lstart', pid)];
  return state === undefined || began === undefined ? undefined : [state.charAt(0), began];
}

/** For systems without /proc. */
async function ps(column: string, pid: number): Promise<string | undefined> {
  if (process.platform === 'linux') return undefined;
  const { stdout } = await exec('ps', ['-o', `${column}=`, '-p', pid.toString()]).catch(() => ({
    stdout: '',
  }));
  return stdout.trim() === '' ? undefined : stdout.trim();
}
