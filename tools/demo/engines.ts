import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { claimPort } from '../stack/ports';
import type { Reaper } from '../stack/reaper';
import type { ServerProcess } from '../stack/server';
import { programProcess, type AtEnd } from './program-process';

/** The engine of one game, as a process. */
export interface Engine {
  gameId: string;
  endpoint: string;
  server: ServerProcess;
  /** Whether somebody asked for its end. */
  stopped: boolean;
}

/** Starts a reference engine; `settings` are its `ENGINE_*` (platform/engine/README.md). */
export async function startEngine(
  { dataDir, gameId, settings }: { dataDir: string; gameId: string; settings: Record<string, string> },
  reaper: Reaper,
  atEnd: AtEnd,
): Promise<Engine> {
  const folder = path.join(dataDir, `engine-${gameId}`);
  await mkdir(folder, { recursive: true });
  const port = await claimPort();
  atEnd(() => port.release());
  const endpoint = `http://127.0.0.1:${port.number}`;
  const server = programProcess(
    {
      name: `The engine of ${gameId}`,
      script: 'platform/engine/main.js',
      env: {
        ...settings,
        ENGINE_HTTP_ADDR: `127.0.0.1:${port.number}`,
        ENGINE_DATA_DIR: path.join(folder, 'data'),
      },
      folder,
      readyUrl: `${endpoint}/healthz`,
    },
    reaper,
  );
  atEnd(() => server.stop());
  await server.start();
  return { gameId, endpoint, server, stopped: false };
}

/** Ends the engine of a game; false when no engine plays it. */
export async function stopEngine(engines: readonly Engine[], gameId: string): Promise<boolean> {
  const engine = engines.find((candidate) => candidate.gameId === gameId);
  if (engine === undefined) return false;
  engine.stopped = true;
  await engine.server.stop();
  return true;
}
