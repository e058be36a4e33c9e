/** `npm start`: the whole platform on this machine with two games being played, until Ctrl-C. */
import { orThrow } from '../../clients/gamemaster';
import { LiveView } from './live-view';
import { startPlatform, type Platform } from './platform';

/** Ending takes a few seconds; whatever hangs then is left to the reapers, which outlive this process. */
const END_WITHIN_MS = 12_000;

const cleanUps: (() => Promise<void> | void)[] = [];

async function main(): Promise<void> {
  const asked = endAsked();
  const started = startPlatform(say, (cleanUp) => cleanUps.push(cleanUp));
  const platform = await Promise.race([started, asked]);
  if (platform === undefined) {
    // What is only half started has nobody but the reapers to end it.
    started.catch(() => undefined);
    await end();
    return;
  }

  for (const line of invitation(platform)) say(line);
  const view = new LiveView({
    redisUrl: platform.redisUrl,
    streams: platform.names.streams,
    runtimes: async () => {
      const { runtimes } = await orThrow(platform.gameMaster.GET('/api/v1/internal/runtimes'));
      return runtimes;
    },
    troubles: () => platform.troubles(),
    say,
    colour: process.stdout.isTTY && process.env['NO_COLOR'] === undefined,
  });
  cleanUps.push(() => view.close());
  void view.firstTurn.then(() => say(`First turn ${process.uptime().toFixed(1)} s after the start`));
  await asked;
  await end();
}

/** Resolves when the demo is to end: on a signal, or when nobody reads its output any more. */
function endAsked(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => resolve());
    process.stdout.on('error', () => resolve());
  });
}

async function end(): Promise<void> {
  say('Stopping');
  const began = Date.now();
  setTimeout(() => process.exit(1), END_WITHIN_MS).unref();
  for (const cleanUp of cleanUps.splice(0).reverse()) {
    try {
      await cleanUp();
    } catch (error) {
      say(`While stopping: ${String(error)}`);
    }
  }
  say(`Everything is stopped (${((Date.now() - began) / 1000).toFixed(1)} s)`);
}

function invitation({ apiUrl, names, gamesPage, dataDir }: Platform): string[] {
  const baseUrl = `${apiUrl}/api/v1/internal`;
  return [
    '',
    'Game Master runs, and two games are being played:',
    `  ${names.quick} makes a turn every 5 s and finishes with turn 8,`,
    `  ${names.endless} makes a turn every 10 s until it is stopped.`,
    '',
    `  Temporal UI   ${gamesPage ?? 'set STACK_TEMPORAL_UI_URL to see the link'}`,
    `  API           ${baseUrl}`,
    `  API page      ${apiUrl}/docs`,
    `  List games    curl -s ${baseUrl}/runtimes`,
    `  Force a turn  curl -s -X POST ${baseUrl}/runtimes/${names.endless}/force-next-turn`,
    `  Stop a game   curl -s ${baseUrl}/runtimes/${names.endless}/stop \\`,
    `                  -H 'content-type: application/json' -d '{"reason":"seen enough"}'`,
    `  Logs, data    ${dataDir} (removed at the end)`,
    '  End           Ctrl-C',
    '',
  ];
}

function say(line: string): void {
  if (process.stdout.writable) process.stdout.write(`${line}\n`);
}

main().then(
  () => process.exit(0),
  async (error: unknown) => {
    console.error(`The demo could not start. ${error instanceof Error ? error.message : String(error)}`);
    await end();
    process.exit(1);
  },
);
