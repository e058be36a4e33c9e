import { mkdir } from 'node:fs/promises';
import path from 'node:path';

import { Connection } from '@temporalio/client';

import { announce, existing, mustAnswer } from './context';
import type { StackContext } from './context';
import { claimPort } from './ports';
import { ServerProcess } from './server';
import type { Server } from './server';
import { temporalCli } from './temporal-cli';

export interface RunningTemporal {
  /** `host:port` of the service. */
  address: string;
  /** Web page for people; absent for a server from the environment that did not say it. */
  uiUrl?: string;
  /** Absent when the server is not the stack's own. */
  server?: Server;
}

export type DynamicConfig = Record<string, string | number | boolean>;

const usualPort = 7233;
const usualUiPort = 8233;

/**
 * Temporal: the service in `STACK_TEMPORAL_ADDRESS` (its UI in `STACK_TEMPORAL_UI_URL`), else the CLI's
 * development server with its UI and a database file.
 */
export async function startTemporal(
  context: StackContext,
  dynamicConfig: DynamicConfig,
): Promise<RunningTemporal> {
  const given = existing(context, 'STACK_TEMPORAL_ADDRESS');
  if (given !== undefined) {
    await mustAnswer('STACK_TEMPORAL_ADDRESS', given, () => serves(given));
    announce(context, 'Temporal', `${given} (from STACK_TEMPORAL_ADDRESS)`);
    const uiUrl = existing(context, 'STACK_TEMPORAL_UI_URL');
    return uiUrl === undefined ? { address: given } : { address: given, uiUrl };
  }

  const program = await temporalCli(context.log);
  const port = await claimPort(usualPort);
  context.onStop(() => port.release());
  const uiPort = await claimPort(usualUiPort);
  context.onStop(() => uiPort.release());
  const folder = path.join(context.dataDir, 'temporal');
  await mkdir(folder, { recursive: true });
  const address = `127.0.0.1:${port.number}`;
  const uiUrl = `http://127.0.0.1:${uiPort.number}`;

  const args = ['server', 'start-dev', '--ip', '127.0.0.1', '--port', String(port.number)];
  args.push('--ui-port', String(uiPort.number), '--db-filename', path.join(folder, 'temporal.db'));
  args.push('--log-level', 'error', '--color', 'never');
  if (!context.durable) args.push('--sqlite-pragma', 'synchronous=0');
  // Without this one the server asks the internet whether there is a newer version of it.
  const values: DynamicConfig = { 'frontend.enableServerVersionCheck': false, ...dynamicConfig };
  for (const [key, value] of Object.entries(values)) {
    args.push('--dynamic-config-value', `${key}=${JSON.stringify(value)}`);
  }

  const server = new ServerProcess(
    {
      name: 'Temporal',
      command: program,
      args,
      cwd: folder,
      logFile: path.join(folder, 'server.log'),
      stopSignal: 'SIGTERM',
      check: async () => {
        await serves(address);
        await fetch(uiUrl, { signal: AbortSignal.timeout(2000) });
      },
    },
    context.reaper,
  );
  context.onStop(() => server.stop());
  await server.start();
  announce(context, 'Temporal', `${address}, UI ${uiUrl} (development server)`);
  return { address, uiUrl, server };
}

/** Resolves when the service knows its `default` namespace, so that workflows can be started at once. */
async function serves(address: string): Promise<void> {
  const connection = await Connection.connect({ address, connectTimeout: 2000 });
  try {
    await connection.withDeadline(Date.now() + 2000, () =>
      connection.workflowService.describeNamespace({ namespace: 'default' }),
    );
  } finally {
    await connection.close();
  }
}
