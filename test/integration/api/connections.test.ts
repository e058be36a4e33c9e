import { connect } from 'node:net';
import { API, FrontDoor } from './front-door';

describe('connections', () => {
  let door: FrontDoor;
  beforeAll(async () => {
    door = await FrontDoor.open({ GAMEMASTER_TEMPORAL_ADDRESS: '127.0.0.1:1' });
  });
  afterAll(() => door.close());

  /** Sends bytes as they are and gives back everything until the other side closes. */
  function converse(...bytes: string[]): Promise<{ received: string; ms: number }> {
    const begin = performance.now();
    return new Promise((resolve) => {
      const socket = connect(Number(new URL(door.baseUrl).port), '127.0.0.1');
      let received = '';
      socket.on('data', (chunk) => (received += chunk.toString()));
      // A connection that is reset after the answer closes too.
      socket.on('error', () => undefined);
      socket.on('close', () => resolve({ received, ms: performance.now() - begin }));
      for (const part of bytes) socket.write(part);
    });
  }

  test('bytes that are no HTTP are refused in the envelope', async () => {
    const { received } = await converse('GET / FTP/1.0\r\n\r\n');
    expect(received).toMatch(/^HTTP\/1\.1 400 /);
    expect(JSON.parse(received.split('\r\n\r\n')[1] ?? '')).toMatchObject({
      error: { code: 'invalid_request' },
    });
  });

  test('headers that are too long are refused', async () => {
    const { received } = await converse(
      `GET /healthz HTTP/1.1\r\nHost: x\r\nX-Long: ${'x'.repeat(32_768)}\r\n\r\n`,
    );
    expect(received).toMatch(/^HTTP\/1\.1 431 /);
  });

  test('a body of two lengths is refused', async () => {
    const { received } = await converse(
      'POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    );
    expect(received).toMatch(/^HTTP\/1\.1 400 /);
  });

  test.each([
    ['says nothing', []],
    ['does not end its headers', ['GET /healthz HTTP/1.1\r\nHost: x\r\n']],
    [
      'does not end its body',
      [
        `POST ${API}/runtimes/orion/stop HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{"re`,
      ],
    ],
  ])('a client that %s is sent away in time', async (_what, bytes) => {
    const { received, ms } = await converse(...bytes);
    expect(received).toMatch(/^HTTP\/1\.1 408 /);
    // Ten seconds, and those of a busy machine; without a limit of ours it would be Node's minute and more.
    expect(ms).toBeLessThan(30_000);
  });
});
