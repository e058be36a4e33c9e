import { GameMasterError } from '../domain/errors';

const MOST_COMMANDS = 1_000;
const OPENING_BRACKET = 0x5b;
const CLOSING_BRACKET = 0x5d;

/** A player's commands, in the bytes they came in: numbers and spelling reach the engine as they were written. */
export class CommandsBody {
  /** The body and its list. What stands deeper is the players' and the engine's matter. */
  static readonly LEVELS = 2;

  /** @param commands the list, from bracket to bracket */
  constructor(private readonly commands: Buffer) {}

  /**
   * @param parsed what `bytes` say, `undefined` when there were none
   * @throws GameMasterError invalid_request
   */
  static read(parsed: object | undefined, bytes: Buffer): CommandsBody {
    if (parsed === undefined) throw invalid('body: must be an object with commands');
    const unknown = Object.keys(parsed).filter((name) => name !== 'commands');
    if (unknown.length > 0) throw invalid(`body: unknown field ${JSON.stringify(unknown[0])}`);
    const { commands } = parsed as { commands?: unknown };
    if (!Array.isArray(commands) || commands.length > MOST_COMMANDS) {
      throw invalid(`commands: must be a list of at most ${MOST_COMMANDS} objects`);
    }
    const misfit = commands.findIndex((command) => !isObject(command));
    if (misfit !== -1) throw invalid(`commands.${misfit}: must be an object`);
    // The list is all there is in the object, so its brackets are the outermost ones.
    return new CommandsBody(
      bytes.subarray(bytes.indexOf(OPENING_BRACKET), bytes.lastIndexOf(CLOSING_BRACKET) + 1),
    );
  }

  /** The engine's body for the same commands, spoken by `raceName`. */
  as(raceName: string): Buffer {
    return Buffer.concat([
      Buffer.from(`{"actor":${JSON.stringify(raceName)},"cmd":`),
      this.commands,
      Buffer.from('}'),
    ]);
  }
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function invalid(message: string): GameMasterError {
  return new GameMasterError('invalid_request', message);
}
