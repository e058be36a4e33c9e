import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createApp } from './app';
import { ConfigError, readConfig } from './config';
import { Engine } from './engine';
import { logToStdout as log } from './log';
import { GameStorage } from './storage';

/** Connections that do not end by themselves are cut this long after a signal, in milliseconds. */
const DRAIN = 2_000;

async function main(): Promise<void> {
  const config = readConfig(process.env);
  const storage = await GameStorage.open(config.dataDir, { sync: config.fsync }).catch((cause: unknown) => {
    throw new Error(`ENGINE_DATA_DIR cannot be used: ${(cause as Error).message}`, { cause });
  });
  const engine = new Engine(storage, {
    finishTurn: config.finishTurn,
    turnDuration: config.turnDuration,
    onStorageFailure: (error) => {
      fail('the disk refused a change', error);
    },
  });
  const server = createApp(engine, log);

  server.listen(config.http);
  await once(server, 'listening');
  log('info', 'listening', { address: urlOf(server.address() as AddressInfo) });

  const signal = await Promise.race(
    ['SIGTERM', 'SIGINT'].map((name) => once(process, name).then(() => name)),
  );
  log('info', 'ending', { signal });
  const closed = new Promise((resolve) => server.close(resolve));
  const cut = setTimeout(() => {
    server.closeAllConnections();
  }, DRAIN);
  await engine.end();
  await closed;
  clearTimeout(cut);
}

function urlOf({ address, family, port }: AddressInfo): string {
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}

function fail(msg: string, error: unknown): never {
  const problems = error instanceof ConfigError ? { problems: error.problems } : {};
  log('error', msg, { error: error instanceof Error ? error.message : String(error), ...problems });
  process.exit(1);
}

main().catch((error: unknown) => fail('the engine did not start', error));
