import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createLogger } from '../../service/logging';
import { DockerDriver } from '../docker-driver';
import { DriverUnavailable, StartFailure } from '../driver';

const IMAGE = 'registry.internal/galaxy/engine:1.0.0';
const PULL = /^POST \/(v[\d.]+\/)?images\/create\?/;

/** A daemon that has no image, unless it is told to do worse. */
let daemon: Server;
let pulls: (response: ServerResponse, request: IncomingMessage) => void;
let looks: (response: ServerResponse) => void;
let stopping: AbortController;

beforeEach(async () => {
  looks = (response) => answer(response, 404, { message: 'no such image' });
  stopping = new AbortController();
  daemon = createServer((request, response) => {
    if (PULL.test(`${request.method ?? ''} ${request.url ?? ''}`)) pulls(response, request);
    else looks(response);
  }).listen(0, '127.0.0.1');
  await once(daemon, 'listening');
});
afterEach(async () => {
  daemon.closeAllConnections();
  daemon.close();
  await once(daemon, 'close');
});

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

/** What preparing the image comes to. */
function outcome(pullTimeoutMs?: number): Promise<unknown> {
  return driver(pullTimeoutMs)
    .prepare(IMAGE)
    .catch((error: unknown) => error);
}

function driver(pullTimeoutMs = 30_000): DockerDriver {
  const { port } = daemon.address() as AddressInfo;
  return new DockerDriver({
    address: { host: '127.0.0.1', port, protocol: 'http' },
    owner: 'test',
    network: 'not used',
    publish: true,
    user: '10001:10001',
    env: {},
    memoryBytes: 1,
    cpus: 1,
    stopTimeoutMs: 1_000,
    timeoutMs: 10_000,
    pull: true,
    pullTimeoutMs,
    stopping: stopping.signal,
    log: createLogger({ level: 'silent', name: 'test' }),
  });
}

const refused = (message: RegExp): unknown =>
  expect.objectContaining({
    name: StartFailure.name,
    code: 'image_pull_failed',
    message: expect.stringMatching(message) as string,
  });

it('takes an image for missing only when the daemon says so', async () => {
  pulls = (response) => answer(response, 200, { status: 'pulled' });
  expect(await outcome()).toBeUndefined();
  looks = (response) => answer(response, 500, { message: 'the disk is slow today' });
  expect(await outcome()).toBeInstanceOf(DriverUnavailable);
});

it.each<[what: string, pulls: (response: ServerResponse) => void]>([
  ['as an answer', (response) => answer(response, 404, { message: 'manifest unknown' })],
  [
    'while it pulls',
    (response) => {
      response.writeHead(200).write(`${JSON.stringify({ status: 'pulling' })}\n`);
      response.end(`${JSON.stringify({ error: 'manifest unknown' })}\n`);
    },
  ],
])('gives the reason of the daemon for an image that cannot be pulled, told %s', async (_what, pulling) => {
  pulls = pulling;
  expect(await outcome()).toEqual(refused(/manifest unknown/));
});

it.each([true, false])('gives up a pull that takes too long (begun: %s)', async (isBegun) => {
  pulls = (response) => {
    if (isBegun) response.writeHead(200).write(`${JSON.stringify({ status: 'pulling' })}\n`);
  };
  expect(await outcome(100)).toEqual(refused(/not pulled within 100 ms/));
});

it('does not take a connection that breaks in a pull for a refusal', async () => {
  pulls = (response) => {
    response.writeHead(200).write(`${JSON.stringify({ status: 'pulling' })}\n`, () => response.destroy());
  };
  expect(await outcome()).toBeInstanceOf(DriverUnavailable);
});

it.each([true, false])('ends a pull when the process is to end (begun: %s)', async (isBegun) => {
  const closed = new Promise((resolve) => {
    pulls = (response, request) => {
      request.socket.once('close', resolve);
      if (isBegun) response.writeHead(200).write(`${JSON.stringify({ status: 'pulling' })}\n`);
      setImmediate(() => stopping.abort());
    };
  });
  expect(await outcome()).toBeInstanceOf(DriverUnavailable);
  await closed;
});

it('pulls an image once for all who want it at a time', async () => {
  let begun = 0;
  pulls = (response) => {
    begun += 1;
    setImmediate(() => answer(response, 404, { message: `refusal ${begun}` }));
  };
  const one = driver();
  // Neither hears that it is not here before both have asked.
  const asking: ServerResponse[] = [];
  looks = (response) => {
    if (asking.push(response) === 2) for (const each of asking) answer(each, 404, { message: 'not here' });
  };
  const both = await Promise.allSettled([one.prepare(IMAGE), one.prepare(IMAGE)]);
  expect(both).toEqual(Array(2).fill({ status: 'rejected', reason: refused(/refusal 1/) }));
  looks = (response) => answer(response, 404, { message: 'not here' });
  await expect(one.prepare(IMAGE)).rejects.toEqual(refused(/refusal 2/));
});
