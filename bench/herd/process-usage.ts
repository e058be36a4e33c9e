import { readFile } from 'node:fs/promises';

/** Linux tells of CPU time in hundredths of a second, whatever the kernel's own tick is. */
const MS_PER_TICK = 10;

/** CPU milliseconds, user and system, that a process has used with all its threads. */
export async function cpuMs(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8');
  // proc(5): the name stands in parentheses and may hold anything; utime and stime are fields 14 and 15.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK;
}

/** Megabytes of memory that a process holds now, and the most that it ever held. */
export async function memoryMb(pid: number): Promise<{ now: number; most: number }> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const of = (field: string): number =>
    Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) / 1024;
  return { now: of('VmRSS'), most: of('VmHWM') };
}
