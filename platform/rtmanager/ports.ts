import net from 'node:net';

export interface PortRange {
  first: number;
  last: number;
}

const ATTEMPTS = 200;

/**
 * A port of the range that nobody listens on and that is not in `taken`.
 * @throws Error when none is found
 */
export async function freePort({ first, last }: PortRange, taken: ReadonlySet<number>): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    // At random, so that two that look at the same moment do not find the same one.
    const port = first + Math.floor(Math.random() * (last - first + 1));
    if (!taken.has(port) && (await isFree(port))) return port;
  }
  throw new Error(`no free port was found between ${first} and ${last}`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = net.createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
  });
}
