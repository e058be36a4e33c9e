import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';

/** A stretch of time, in microseconds of the machine's monotonic clock: the one that V8's profiles are stamped with. */
export interface Window {
  from: number;
  to: number;
}

interface CpuProfile {
  startTime: number;
  nodes: { id: number; callFrame: { functionName: string; url: string; lineNumber: number } }[];
  samples: number[];
  timeDeltas: number[];
}

export function monotonicMicroseconds(): number {
  return Number(process.hrtime.bigint() / 1000n);
}

const TOP = 25;

/**
 * Says where the JavaScript threads of a process spent the windows: milliseconds a turn of self time, by the part that
 * the code belongs to and by function. A file for each thread is read, as `node --cpu-prof` leaves them.
 */
export async function profileTable(
  folder: string,
  windows: readonly Window[],
  turns: number,
): Promise<string> {
  const byPart = new Map<string, number>();
  const byFunction = new Map<string, number>();
  for (const file of await readdir(folder)) {
    if (!file.endsWith('.cpuprofile')) continue;
    const profile = JSON.parse(await readFile(path.join(folder, file), 'utf8')) as CpuProfile;
    const frames = new Map(profile.nodes.map((node) => [node.id, node.callFrame]));
    let at = profile.startTime;
    profile.samples.forEach((sample, index) => {
      const spent = profile.timeDeltas[index] ?? 0;
      at += spent;
      const frame = frames.get(sample);
      if (!frame || frame.functionName === '(idle)' || !windows.some(({ from, to }) => at >= from && at < to))
        return;
      const part = partOf(frame);
      add(byPart, part, spent);
      add(byFunction, `${frame.functionName || '(anonymous)'} — ${part}:${frame.lineNumber + 1}`, spent);
    });
  }
  const lines = (title: string, times: Map<string, number>): string[] => [
    `| ${title} | ms a turn |`,
    '| --- | ---: |',
    ...[...times]
      .sort(([, a], [, b]) => b - a)
      .slice(0, TOP)
      .map(([name, spent]) => `| ${name} | ${(spent / 1000 / turns).toFixed(3)} |`),
  ];
  return [...lines('part', byPart), '', ...lines('function', byFunction)].join('\n');
}

function add(times: Map<string, number>, name: string, spent: number): void {
  times.set(name, (times.get(name) ?? 0) + spent);
}

/** A package, a room of ours, the bundle of the workflows, or Node itself. */
function partOf({ functionName, url }: { functionName: string; url: string }): string {
  if (url === '') return functionName.startsWith('(') ? functionName : 'native';
  if (url.startsWith('node:')) return 'node';
  const inPackage = /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(url)?.[1];
  if (inPackage !== undefined) return inPackage;
  return /dist\/([^/]+\/[^/]+)/.exec(url)?.[1] ?? 'workflow bundle';
}
