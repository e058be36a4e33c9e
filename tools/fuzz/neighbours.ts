import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Neighbours {
  /** Of Lobby and of Runtime Manager. */
  baseUrl: string;
  close(): Promise<void>;
}

const REFUSAL = { error: { code: 'conflict', message: 'not while the game is fuzzed' } };

/**
 * Lobby and Runtime Manager of a fuzzed game: all of `members` are active in every game, containers are patched, and
 * stopping one is refused, so that the game is there to the end.
 */
export async function serveNeighbours(
  members: readonly { user_id: string; race_name: string }[],
): Promise<Neighbours> {
  const memberships = members.map((member) => ({ ...member, status: 'active' }));
  const server = createServer(({ url = '' }, response) => {
    const action = url.split('/').at(-1);
    const [status, body] =
      action === 'memberships' ? [200, { memberships }] : action === 'patch' ? [200, {}] : [409, REFUSAL];
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { baseUrl: `http://127.0.0.1:${port}`, close: () => close(server) };
}

async function close(server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}
