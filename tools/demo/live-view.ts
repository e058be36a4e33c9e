import { setTimeout as delay } from 'node:timers/promises';
import { styleText } from 'node:util';
import { Redis } from 'ioredis';
import type { Play } from './play';
import type { Entry, Told } from './story';

export interface LiveViewOptions {
  play: Play;
  say: (line: string) => void;
  /** Colours, for a terminal. */
  colour: boolean;
}

const STATUS_EVERY_MS = 15_000;
const BLOCK_MS = 1_000;
const RECONNECT_MS = 1_000;
const NAME_WIDTH = 14;

/** Tells what happens as it happens: a line for every entry of the streams, and now and then how all games stand. */
export class LiveView {
  readonly #options: LiveViewOptions;
  readonly #redis: Redis;
  readonly #status: NodeJS.Timeout;
  #closed = false;
  #firstTurn: () => void = () => undefined;
  /** Resolves when the first turn of any game has been told. */
  readonly firstTurn = new Promise<void>((resolve) => (this.#firstTurn = resolve));

  constructor(options: LiveViewOptions) {
    this.#options = options;
    this.#redis = new Redis(options.play.ground.stack.redis.url, { retryStrategy: () => RECONNECT_MS });
    // The connection comes back by itself; meanwhile the status line goes on.
    this.#redis.on('error', () => undefined);
    this.#status = setInterval(() => void this.#tellStatus(), STATUS_EVERY_MS);
    this.#follow().catch((error: unknown) =>
      this.#warn(`the streams are no longer told of: ${String(error)}`),
    );
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#status);
    this.#redis.disconnect();
  }

  async #follow(): Promise<void> {
    const { tellers } = this.#options.play;
    const seen = new Map([...tellers.keys()].map((stream) => [stream, '0']));
    while (!this.#closed) {
      const answer = await this.#redis
        .xread('BLOCK', BLOCK_MS, 'STREAMS', ...seen.keys(), ...seen.values())
        .catch(() => delay(RECONNECT_MS, null));
      for (const [stream, entries] of answer ?? []) {
        for (const [id, fields] of entries) {
          seen.set(stream, id);
          // Anybody may add to a stream, and what nobody can read is put aside by the services too.
          try {
            this.#tell(tellers.get(stream)?.(toEntry(fields), new Date(Number.parseInt(id, 10))));
          } catch (error) {
            this.#warn(`entry ${id} of ${stream} cannot be read and is passed over: ${String(error)}`);
          }
        }
      }
    }
  }

  #warn(text: string): void {
    this.#line(new Date(), '!', text, 'red');
  }

  #tell(told: Told | undefined): void {
    if (told === undefined) return;
    this.#line(told.at, told.gameId, told.text, told.turn === null ? 'dim' : 'reset');
    if (told.turn !== null && told.turn > 0) this.#firstTurn();
  }

  /** Tells what is on no stream. */
  tell(name: string, text: string): void {
    if (!this.#closed) this.#line(new Date(), name, text, 'yellow');
  }

  async #tellStatus(): Promise<void> {
    const { play } = this.#options;
    const lines = await play
      .standings()
      .catch((error: unknown) => [{ by: 'now', text: `how the games stand is not known: ${String(error)}` }]);
    if (this.#closed) return;
    const now = new Date();
    for (const { by, text } of lines) this.#line(now, by, text, 'cyan');
    for (const trouble of play.troubles()) this.#warn(trouble);
  }

  #line(at: Date, name: string, text: string, format: 'dim' | 'reset' | 'red' | 'cyan' | 'yellow'): void {
    const { say, colour } = this.#options;
    const line = `${at.toISOString().slice(11, 19)}Z  ${name.padEnd(NAME_WIDTH)} ${text}`;
    say(colour ? styleText(format, line) : line);
  }
}

/** Field names and values by turns, as Redis answers them. */
function toEntry(fields: string[]): Entry {
  const entry: Record<string, string> = {};
  for (let i = 0; i + 1 < fields.length; i += 2) entry[fields[i] as string] = fields[i + 1] as string;
  return entry;
}
