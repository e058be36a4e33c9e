import dgram from 'node:dgram';
import net from 'node:net';

/** A TCP port that no other stack on this machine will choose until it is released. */
export interface ClaimedPort {
  readonly number: number;
  readonly release: () => void;
}

// Below the range from which systems take the source ports of outgoing connections (32768 and up on Linux,
// 49152 elsewhere): a client that keeps dialling a stopped server could otherwise be given that server's port
// and even connect to itself.
const lowest = 15_000;
const highest = 32_000;

/**
 * Claims `usual` when it can be listened on, else a free port chosen at random.
 * @throws Error when no free port is found.
 */
export async function claimPort(usual?: number): Promise<ClaimedPort> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const number =
      attempt === 0 && usual !== undefined ? usual : lowest + Math.floor(Math.random() * (highest - lowest));
    const lock = await lockNumber(number);
    if (lock === undefined) continue;
    if (await isFree(number)) return { number, release: () => lock.close() };
    lock.close();
  }
  throw new Error('No free TCP port was found on 127.0.0.1');
}

/** A free TCP port for a server that is about to start; kept from other callers while this process lives. */
export async function freePort(): Promise<number> {
  return (await claimPort()).number;
}

/** Whether a server could listen on `port`: nobody does, and the system does not refuse. */
export async function isFree(port: number): Promise<boolean> {
  return (await canListen(port, '127.0.0.1')) && (await canListen(port, '0.0.0.0'));
}

function canListen(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const server = net.createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/**
 * Two stacks that start at the same moment would both find a port free. A bound UDP socket of the same number
 * serves as the lock between them: the system grants it once and frees it even when its process is killed.
 */
function lockNumber(port: number): Promise<dgram.Socket | undefined> {
  return new Promise((resolve) => {
    const socket = dgram.createSocket('udp4');
    socket.once('error', () => {
      socket.close();
      resolve(undefined);
    });
    socket.bind({ port, address: '127.0.0.1', exclusive: true }, () => {
      socket.unref();
      resolve(socket);
    });
  });
}
