import { readdir, readFile } from 'node:fs/promises';

/** Linux tells of CPU time in hundredths of a second, whatever the kernel's own tick is. */
const MS_PER_TICK = 10;

/** CPU milliseconds, user and system, that a process has used with all its threads. */
export async function cpuMs(pid: number): Promise<number> {
  return (await readCpu(`/proc/${pid}/stat`)).ms;
}

/** The same by thread, under the thread's name. */
export async function cpuMsByThread(pid: number): Promise<Map<string, number>> {
  const used = new Map<string, number>();
  for (const task of await readdir(`/proc/${pid}/task`)) {
    const { name, ms } = await readCpu(`/proc/${pid}/task/${task}/stat`);
    used.set(name, (used.get(name) ?? 0) + ms);
  }
  return used;
}

/** Megabytes of memory that a process holds now, and the most that it ever held. */
export async function memoryMb(pid: number): Promise<{ now: number; most: number }> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const of = (field: string): number =>
    Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) / 1024;
  return { now: of('VmRSS'), most: of('VmHWM') };
}

/** proc(5): the name stands in parentheses and may hold anything; utime and stime are fields 14 and 15. */
async function readCpu(file: string): Promise<{ name: string; ms: number }> {
  const text = await readFile(file, 'utf8');
  const end = text.lastIndexOf(')');
  const fields = text.slice(end + 2).split(' ');
  return {
    name: text.slice(text.indexOf('(') + 1, end),
    ms: (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK,
  };
}
