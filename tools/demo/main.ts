/** `npm start`: the whole platform on this machine with two games being played, until Ctrl-C. */
import { playDirectly } from './direct';
import { Ground } from './ground';
import { LiveView } from './live-view';
import type { Play } from './play';
import { playThroughPlatform } from './platform';

const USAGE =
  'npm start plays through the whole platform with engines as processes, npm start -- --containers with engines as ' +
  'containers, npm start -- --direct with Game Master alone.';

/** Ending takes a few seconds; whatever hangs then is left to the reapers, which outlive this process. */
const END_WITHIN_MS = 30_000;

const cleanUps: (() => Promise<void> | void)[] = [];

async function main(): Promise<void> {
  const asked = endAsked();
  const started = startPlaying(process.argv.slice(2));
  const play = await Promise.race([started, asked]);
  if (play === undefined) {
    // What is only half started has nobody but the reapers to end it.
    started.catch(() => undefined);
    await end();
    return;
  }

  for (const line of play.invitation) say(line);
  const view = new LiveView({
    play,
    say,
    colour: process.stdout.isTTY && process.env['NO_COLOR'] === undefined,
  });
  cleanUps.push(() => view.close());
  const over = new AbortController();
  play.begin?.((name, text) => view.tell(name, text), over.signal);
  cleanUps.push(() => over.abort());
  void view.firstTurn.then(() => say(`First turn ${process.uptime().toFixed(1)} s after the start`));
  await asked;
  await end();
}

async function startPlaying(words: string[]): Promise<Play> {
  const [word, ...more] = words;
  if (more.length > 0 || ![undefined, '--containers', '--direct'].includes(word))
    throw new Error(`It was told "${words.join(' ')}". ${USAGE}`);
  const ground = await Ground.prepare(say, (cleanUp) => cleanUps.push(cleanUp));
  if (word === '--direct') return playDirectly(ground);
  return playThroughPlatform(ground, word === '--containers' ? 'containers' : 'processes');
}

/** Resolves when the demo is to end: on a signal, or when nobody reads its output any more. */
function endAsked(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => resolve());
    process.stdout.on('error', () => resolve());
  });
}

async function end(): Promise<void> {
  if (cleanUps.length === 0) return;
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
