import path from 'node:path';
import { gameMasterClient, orThrow } from '../../clients/gamemaster';
import { startEngine } from '../demo/engines';
import { programProcess, type AtEnd } from '../demo/program-process';
import { startStack } from '../stack';
import { claimPort } from '../stack/ports';
import { Reaper } from '../stack/reaper';
import { serveNeighbours } from './neighbours';

/** What the examples of the document name, so that they find it. */
const GAME = 'orion';
const VERSIONS = ['1.4.2', '1.4.3'];
const MEMBERS = [
  { user_id: 'user-1', race_name: 'Zerg' },
  { user_id: 'user-2', race_name: 'Protoss' },
];
const NEVER_SOON = '0 0 1 1 *';

export interface FuzzedApi {
  origin: string;
  /** Goes away with the api. */
  dataDir: string;
}

/**
 * An api with all that it needs, on servers of its own, and the game of the document's examples.
 * @throws Error saying what failed; `atEnd` has been told of everything that was started till then
 */
export async function startFuzzedApi(log: (line: string) => void, atEnd: AtEnd): Promise<FuzzedApi> {
  const stack = await startStack({ useExisting: false, durable: false, log });
  atEnd(() => stack.stop());
  const reaper = new Reaper();
  atEnd(() => reaper.close());
  const neighbours = await serveNeighbours(MEMBERS);
  atEnd(() => neighbours.close());
  const { dataDir } = stack;
  const engine = await startEngine({ dataDir, gameId: GAME, settings: {} }, reaper, atEnd);

  const env = {
    GAMEMASTER_POSTGRES_DSN: stack.postgres.dsn,
    GAMEMASTER_REDIS_URL: stack.redis.url,
    GAMEMASTER_TEMPORAL_ADDRESS: stack.temporal.address,
    GAMEMASTER_LOBBY_BASE_URL: neighbours.baseUrl,
    GAMEMASTER_RTM_BASE_URL: neighbours.baseUrl,
    GAMEMASTER_ENGINE_HOSTS: '127.0.0.1,galaxy-game-*',
    GAMEMASTER_LIFECYCLE_WAIT: '20s',
    GAMEMASTER_LOG_LEVEL: 'warn',
    GAMEMASTER_SHUTDOWN_TIMEOUT: '4s',
  };
  const [apiPort, workerPort] = await Promise.all([claimPort(), claimPort()]);
  const origin = `http://127.0.0.1:${apiPort.number}`;
  const api = programProcess(
    {
      name: 'The api',
      script: 'api/main.js',
      env: { ...env, GAMEMASTER_HTTP_ADDR: `127.0.0.1:${apiPort.number}` },
      folder: path.join(dataDir, 'api'),
      readyUrl: `${origin}/readyz`,
    },
    reaper,
  );
  const worker = programProcess(
    {
      name: 'The worker',
      script: 'worker/main.js',
      env: { ...env, GAMEMASTER_METRICS_ADDR: `127.0.0.1:${workerPort.number}` },
      folder: path.join(dataDir, 'worker'),
      readyUrl: `http://127.0.0.1:${workerPort.number}/readyz`,
    },
    reaper,
  );
  atEnd(async () => {
    await Promise.all([api.stop(), worker.stop()]);
    apiPort.release();
    workerPort.release();
  });
  await Promise.all([api.start(), worker.start()]);

  const client = gameMasterClient({ baseUrl: origin });
  for (const version of VERSIONS) {
    const body = { version, image_ref: `registry.example/galaxy/engine:${version}` };
    await orThrow(client.POST('/api/v1/internal/engine-versions', { body }));
  }
  await orThrow(
    client.POST('/api/v1/internal/games/{game_id}/register-runtime', {
      params: { path: { game_id: GAME } },
      body: {
        engine_endpoint: engine.endpoint,
        members: MEMBERS,
        target_engine_version: '1.4.2',
        turn_schedule: NEVER_SOON,
      },
    }),
  );
  return { origin, dataDir };
}
