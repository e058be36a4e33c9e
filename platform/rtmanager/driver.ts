/** What runs engines, whatever that is. `docker-driver.ts` and `process-driver.ts` pass one suite of tests. */
import type { EngineSpec } from './runtime';

export const START_ERRORS = ['start_config_invalid', 'image_pull_failed', 'container_start_failed'] as const;
export type StartError = (typeof START_ERRORS)[number];

/** No engine can be had this way; `message` is for the caller. */
export class StartFailure extends Error {
  override readonly name = 'StartFailure';

  constructor(
    readonly code: StartError,
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }
}

/** Whatever runs the engines is away, or failed itself: nothing is known, and the same may work later. */
export class DriverUnavailable extends Error {
  override readonly name = 'DriverUnavailable';
}

/** The container (or process) of a game as it was found. */
export interface Container {
  /** 1 to 256 characters. */
  id: string;
  /** Another one after each start of the same container. */
  run: string;
  spec: EngineSpec;
  endpoint: string;
  isRunning: boolean;
  /** Null while it runs, or where nobody has seen it. */
  exitCode: number | null;
  /** Whether it was killed for its memory. */
  outOfMemory: boolean;
  /** Whether its own health check says that it is not well. */
  unhealthy: boolean;
}

/** Each method throws DriverUnavailable; repeating one that was cut off at any point completes it. */
export interface Driver {
  /** Its name among the dependencies. */
  readonly name: 'docker' | 'process';
  /** Whether endpoints are ports of this host. */
  readonly needsPorts: boolean;
  /** Makes an image available, which may take minutes. @throws StartFailure when it cannot be had */
  prepare(imageRef: string): Promise<void>;
  /**
   * Has an engine of this description run, and no other of the game: one that runs goes on, one that ended is started
   * again, one of another description is replaced. It may not answer yet.
   * @throws StartFailure
   */
  start(spec: EngineSpec): Promise<void>;
  /** Ends the game's engine, by force when it takes too long. Nothing happens where none runs. */
  stop(gameId: string): Promise<void>;
  /** Removes the game's container, by force if it runs. Its state stays. */
  remove(gameId: string): Promise<void>;
  /** Removes every state of the game for good; its container must be gone. */
  removeStates(gameId: string): Promise<void>;
  /** The game's container, null where there is none. */
  inspect(gameId: string): Promise<Container | null>;
  /** Ids of the games that have containers. */
  list(): Promise<string[]>;
  /** The last lines that the engine printed; for the log. */
  lastOutput(gameId: string): Promise<string>;
  /**
   * Tells of games whose container may have changed until `stopping` is aborted: null stands for all of them, as after
   * a time without news. Never rejects.
   */
  watch(changed: (gameId: string | null) => void, stopping: AbortSignal): Promise<void>;
  ping(): Promise<void>;
}
