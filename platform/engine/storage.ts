import { mkdir, open, readFile, rename, truncate } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Game } from './game';

/** What `state.json` holds. */
interface Snapshot {
  format: 1;
  /** When the game's last turn was made, RFC 3339; `null` at turn 0. */
  applied_at: string | null;
  game: Game;
}

/** A line of `turns.log`. */
export interface TurnLogEntry {
  turn: number;
  applied_at: string;
}

/**
 * The game on disk: `state.json`, replaced as a whole, is what counts; `turns.log` gets a line for each turn and is
 * never rewritten. The state is written first. A process that dies between the two leaves a log without its last line,
 * and opening the directory adds it from the state, so a turn is never logged twice.
 *
 * One process at a time may use a directory.
 */
export class GameStorage {
  private constructor(
    private readonly directory: string,
    private readonly sync: boolean,
    /** The game as it was found on disk. */
    readonly found: Game | null,
  ) {}

  /**
   * Makes the directory if need be and reads what is there. With `sync` false nothing is forced to the disk: a
   * process may die without loss, a machine may not.
   *
   * @throws Error when `state.json` is there and is not a snapshot, or the directory is not usable
   */
  static async open(directory: string, options: { sync: boolean }): Promise<GameStorage> {
    await makeDirectory(directory);
    const snapshot = await readSnapshot(join(directory, 'state.json'));
    const storage = new GameStorage(directory, options.sync, snapshot?.game ?? null);
    const logged = await storage.lastLoggedTurn();
    if (snapshot?.applied_at && logged < snapshot.game.turn) {
      await storage.appendTurn({ turn: snapshot.game.turn, applied_at: snapshot.applied_at });
    }
    return storage;
  }

  /** Keeps a game at turn 0. */
  async saveNew(game: Game): Promise<void> {
    await this.replaceSnapshot({ format: 1, applied_at: null, game });
  }

  /** Keeps a game of which a turn has just been made, and logs the turn. */
  async saveTurn(game: Game, appliedAt: Date): Promise<void> {
    const applied_at = appliedAt.toISOString();
    await this.replaceSnapshot({ format: 1, applied_at, game });
    await this.appendTurn({ turn: game.turn, applied_at });
  }

  private async replaceSnapshot(snapshot: Snapshot): Promise<void> {
    const target = join(this.directory, 'state.json');
    await this.write(`${target}.tmp`, 'w', JSON.stringify(snapshot));
    await rename(`${target}.tmp`, target);
    await this.syncDirectory();
  }

  private async appendTurn(entry: TurnLogEntry): Promise<void> {
    await this.write(join(this.directory, 'turns.log'), 'a', `${JSON.stringify(entry)}\n`);
    // The file itself is new at its first line.
    if (entry.turn === 1) await this.syncDirectory();
  }

  private async write(path: string, flags: 'w' | 'a', text: string): Promise<void> {
    const file = await open(path, flags, 0o600);
    try {
      await file.writeFile(text);
      if (this.sync) await file.sync();
    } finally {
      await file.close();
    }
  }

  /** A rename is on disk only once its directory is. */
  private async syncDirectory(): Promise<void> {
    if (!this.sync) return;
    const directory = await open(this.directory, 'r');
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  }

  /** 0 when nothing is logged. A last line that was cut off in the middle is removed. */
  private async lastLoggedTurn(): Promise<number> {
    const path = join(this.directory, 'turns.log');
    const bytes = await readIfThere(path);
    if (bytes === null) return 0;
    const end = bytes.lastIndexOf('\n') + 1;
    if (end < bytes.length) await truncate(path, end);
    const lastLine = bytes.subarray(0, end).toString('utf8').trimEnd().split('\n').at(-1) ?? '';
    return lastLine === '' ? 0 : (JSON.parse(lastLine) as TurnLogEntry).turn;
  }
}

/** As `mkdir -p`. Node's own never ends where a folder is there and yet nothing can be made in it, as in /proc. */
async function makeDirectory(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return;
    if (code !== 'ENOENT' || dirname(path) === path) throw error;
    await makeDirectory(dirname(path));
    await mkdir(path).catch(ignoreExisting);
  }
}

function ignoreExisting(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error;
}

async function readSnapshot(path: string): Promise<Snapshot | null> {
  const bytes = await readIfThere(path);
  if (bytes === null) return null;
  let content: unknown;
  try {
    content = JSON.parse(bytes.toString('utf8'));
  } catch (cause) {
    throw new Error(`${path} is not JSON; restore it from a copy, or remove it to begin a new game`, {
      cause,
    });
  }
  if (!isSnapshot(content)) throw new Error(`${path} was not written by this engine`);
  return content;
}

function isSnapshot(content: unknown): content is Snapshot {
  const { format, game } = (content ?? {}) as Partial<Snapshot>;
  return format === 1 && Number.isSafeInteger(game?.turn) && Array.isArray(game?.races);
}

async function readIfThere(path: string): Promise<Buffer | null> {
  try {
    return await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
