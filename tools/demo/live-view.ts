import { styleText } from 'node:util';
import { Redis } from 'ioredis';
import type { RuntimeRecord } from '../../domain/runtime-record';
import { tellIntent, tellLobbyEvent, type Entry, type Told } from './story';

export interface LiveViewOptions {
  redisUrl: string;
  streams: { lobbyEvents: string; notificationIntents: string };
  /** The records as they are now. */
  runtimes: () => Promise<RuntimeRecord[]>;
  /** What has to be said beside the games, such as a process that ended; a line each. */
  troubles: () => string[];
  say: (line: string) => void;
  /** Colours, for a terminal. */
  colour: boolean;
}

const STATUS_EVERY_MS = 15_000;
const BLOCK_MS = 1_000;
const RECONNECT_MS = 1_000;
const NAME_WIDTH = 8;

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
    this.#redis = new Redis(options.redisUrl, { retryStrategy: () => RECONNECT_MS });
    // The connection comes back by itself; meanwhile the status line goes on.
    this.#redis.on('error', () => undefined);
    this.#status = setInterval(() => void this.#tellStatus(), STATUS_EVERY_MS);
    void this.#follow();
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#status);
    this.#redis.disconnect();
  }

  async #follow(): Promise<void> {
    const { lobbyEvents, notificationIntents } = this.#options.streams;
    const tellers = new Map([
      [lobbyEvents, tellLobbyEvent],
      [notificationIntents, tellIntent],
    ]);
    const seen = new Map([...tellers.keys()].map((stream) => [stream, '0']));
    while (!this.#closed) {
      // A command that fails has waited for several connections: asking again at once is no busy loop.
      const answer = await this.#redis
        .xread('BLOCK', BLOCK_MS, 'STREAMS', ...seen.keys(), ...seen.values())
        .catch(() => null);
      for (const [stream, entries] of answer ?? []) {
        for (const [id, fields] of entries) {
          seen.set(stream, id);
          this.#tell(tellers.get(stream)?.(toEntry(fields)));
        }
      }
    }
  }

  #tell(told: Told | undefined): void {
    if (told === undefined) return;
    this.#line(told.at, told.gameId, told.text, told.turn === null ? 'dim' : 'reset');
    if (told.turn !== null && told.turn > 0) this.#firstTurn();
  }

  async #tellStatus(): Promise<void> {
    const line = await this.#options.runtimes().then(
      (records) => records.map(standing).join(' | '),
      (error: unknown) => `the api does not answer: ${String(error)}`,
    );
    if (this.#closed) return;
    const now = new Date();
    this.#line(now, 'now', line, 'cyan');
    for (const trouble of this.#options.troubles()) this.#line(now, '!', trouble, 'red');
  }

  #line(at: Date, name: string, text: string, format: 'dim' | 'reset' | 'red' | 'cyan'): void {
    const { say, colour } = this.#options;
    const line = `${at.toISOString().slice(11, 19)}Z  ${name.padEnd(NAME_WIDTH)} ${text}`;
    say(colour ? styleText(format, line) : line);
  }
}

function standing({ game_id, status, current_turn, next_generation_at }: RuntimeRecord): string {
  const next = next_generation_at === null ? '' : `, next ${next_generation_at.slice(11, 19)}Z`;
  return `${game_id} ${status.replaceAll('_', ' ')} at turn ${current_turn}${next}`;
}

/** Field names and values by turns, as Redis answers them. */
function toEntry(fields: string[]): Entry {
  const entry: Record<string, string> = {};
  for (let i = 0; i + 1 < fields.length; i += 2) entry[fields[i] as string] = fields[i + 1] as string;
  return entry;
}
