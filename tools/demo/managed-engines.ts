/** What a version of the registry stands for: the reference engine with settings of its own. */
export interface EngineKind {
  version: string;
  /** `NAME=value`, platform/engine/README.md. */
  engine: readonly string[];
}

/** The engines that Runtime Manager runs for the demo, as processes or as containers. They end with the demo. */
export interface ManagedEngines {
  /** What they are, in the plural, as a heading. */
  what: string;
  /** Shows a person those that run: words for a shell. */
  look: string;
  /** Settings of Runtime Manager. */
  env: Record<string, string>;
  /** The image of each version. */
  images: ReadonlyMap<string, string>;
  /** What a person finds the game's engine by. */
  nameOf: (gameId: string, containerId: string) => string;
  /** @throws Error when the game has no engine that runs */
  signal: (gameId: string, signal: 'SIGSTOP' | 'SIGCONT') => Promise<void>;
}
