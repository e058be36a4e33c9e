import { once } from 'node:events';
import net from 'node:net';

import { claimPort, isFree } from '../../../tools/stack/ports';

const listening = async (): Promise<{ port: number; close: () => Promise<unknown> }> => {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as net.AddressInfo).port,
    close: () => once(server.close(), 'close'),
  };
};

test('the usual port is claimed when it is free', async () => {
  const { port, close } = await listening();
  await close();
  const claimed = await claimPort(port);
  expect(claimed.number).toBe(port);
  claimed.release();
});

test('another port is claimed when somebody listens on the usual one', async () => {
  const { port, close } = await listening();
  expect(await isFree(port)).toBe(false);
  const claimed = await claimPort(port);
  expect(claimed.number).not.toBe(port);
  expect(await isFree(claimed.number)).toBe(true);
  claimed.release();
  await close();
});

test('many who claim the same free port at once all get different ones', async () => {
  const { port, close } = await listening();
  await close();
  const claimed = await Promise.all(Array.from({ length: 20 }, () => claimPort(port)));
  expect(new Set(claimed.map(({ number }) => number)).size).toBe(20);
  expect(claimed.filter(({ number }) => number === port)).toHaveLength(1);
  for (const { release } of claimed) release();
});

test('a released port can be claimed again', async () => {
  const first = await claimPort();
  first.release();
  const second = await claimPort(first.number);
  expect(second.number).toBe(first.number);
  second.release();
});
