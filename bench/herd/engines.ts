import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { EngineClient } from '../../clients/engine';

/** What the engine process (fast-engine.ts) is asked, and what it answers. */
export type EngineRequest = { kind: 'listen'; count: number } | { kind: 'take' };
export type EngineReply = { kind: 'listening'; ports: number[] } | { kind: 'taken'; turns: TurnTaken[] };

/** A turn that was made, at the moment its call arrived (epoch milliseconds). */
export interface TurnTaken {
  port: number;
  turn: number;
  at: number;
}

/** The engines of one design's games. */
export class Engines {
  private constructor(
    private readonly child: ChildProcess,
    readonly ports: readonly number[],
  ) {}

  static async start(count: number): Promise<Engines> {
    const child = fork(path.join(__dirname, 'fast-engine.js'));
    const reply = await ask(child, { kind: 'listen', count });
    if (reply.kind !== 'listening') throw new Error('the engine process did not listen');
    return new Engines(child, reply.ports);
  }

  endpoints(): string[] {
    return this.ports.map((port) => `http://127.0.0.1:${port}`);
  }

  /** Brings every engine to turn 0. */
  async initialise(races: readonly string[]): Promise<void> {
    const client = new EngineClient({ turnTimeoutMs: 5_000, adminTimeoutMs: 5_000, allowLoopback: true });
    try {
      for (const endpoint of this.endpoints()) await client.init(endpoint, races);
    } finally {
      await client.close();
    }
  }

  /** The turns made since this was last asked. */
  async takeTurns(): Promise<TurnTaken[]> {
    const reply = await ask(this.child, { kind: 'take' });
    return reply.kind === 'taken' ? reply.turns : [];
  }

  stop(): void {
    this.child.disconnect();
  }
}

async function ask(child: ChildProcess, request: EngineRequest): Promise<EngineReply> {
  const replied = once(child, 'message') as Promise<[EngineReply]>;
  child.send(request);
  const [reply] = await replied;
  return reply;
}
