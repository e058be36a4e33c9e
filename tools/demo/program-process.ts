import path from 'node:path';
import type { Reaper } from '../stack/reaper';
import { ServerProcess } from '../stack/server';

const DIST = path.resolve(__dirname, '..', '..');

/** Takes work to do at the end, last added first. */
export type AtEnd = (cleanUp: () => Promise<void> | void) => void;

/** A compiled program of this project as a process of the demo. */
export interface Program {
  name: string;
  /** Below `dist/`. */
  script: string;
  env: Record<string, string>;
  /** Folder for its output, `server.log`. */
  folder: string;
  /** Answers 2xx once the program is ready. */
  readyUrl: string;
}

export function programProcess(program: Program, reaper: Reaper): ServerProcess {
  const { name, script, env, folder, readyUrl } = program;
  return new ServerProcess(
    {
      name,
      command: process.execPath,
      args: [path.join(DIST, script)],
      cwd: path.resolve(DIST, '..'),
      env,
      logFile: path.join(folder, 'server.log'),
      stopSignal: 'SIGTERM',
      check: async () => {
        const { ok, status } = await fetch(readyUrl, { signal: AbortSignal.timeout(2_000) });
        if (!ok) throw new Error(`${readyUrl} answers ${status}`);
      },
    },
    reaper,
  );
}
