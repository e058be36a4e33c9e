import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ContainerStopper {
  /** What `GAMEMASTER_RTM_BASE_URL` is set to. */
  baseUrl: string;
  close(): Promise<void>;
}

/**
 * Does the one thing that the direct way needs of Runtime Manager: on `POST /api/v1/internal/runtimes/{game_id}/stop` it ends
 * the game's engine, here a process, through `stopEngine`, which returns false for a game it does not know. Nothing
 * else is answered.
 */
export async function serveContainerStops(
  stopEngine: (gameId: string) => Promise<boolean>,
): Promise<ContainerStopper> {
  const answer = async ({ method, url = '' }: IncomingMessage): Promise<{ status: number; body: object }> => {
    const [, gameId] = /^\/api\/v1\/internal\/runtimes\/([^/?]+)\/stop$/.exec(url) ?? [];
    if (method !== 'POST' || gameId === undefined) return refusal(404, 'not_found', 'only stop is here');
    return (await stopEngine(decodeURIComponent(gameId)))
      ? { status: 200, body: {} }
      : refusal(404, 'runtime_not_found', `no engine plays ${gameId}`);
  };
  const server = createServer((request, response) => {
    request.resume();
    answer(request)
      .catch((error: unknown) => refusal(500, 'internal_error', String(error)))
      .then(({ status, body }) => {
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
      })
      .catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function refusal(status: number, code: string, message: string) {
  return { status, body: { error: { code, message } } };
}
