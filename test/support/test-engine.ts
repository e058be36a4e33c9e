import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from './stack';

interface Player {
  id: string;
  race_name: string;
  planets: number;
  population: number;
}

/** What the engine does with one call instead of the right thing. */
export type Fault =
  /** Applies it, then cuts the connection: the operation succeeds and the caller does not learn of it. */
  | { kind: 'apply_then_cut' }
  /** Applies it, then never answers. */
  | { kind: 'apply_then_hang' }
  /** Cuts the connection and applies nothing. */
  | { kind: 'cut' }
  /** Never answers and applies nothing. */
  | { kind: 'hang' }
  /** Answers this and applies nothing. */
  | { kind: 'answer'; status: number; body?: string; headers?: Record<string, string> }
  /** Sends bytes without end, as fast as they are taken. */
  | { kind: 'endless' }
  /** Sends a byte now and then, so that the connection is never silent. */
  | { kind: 'drip' };

export type Call = 'init' | 'status' | 'turn' | 'banish';

export interface TestEngineOptions {
  /** When a turn's If-Match is compared: the contract says when it applies. */
  ifMatch?: 'when_applying' | 'on_arrival' | 'ignored';
  turnDurationMs?: number;
  finishTurn?: number;
}

/**
 * An engine that fails as told: the test double for a neighbour's faults. It serialises turns as a real one does, and
 * keeps a log of the turns it applied, which is the witness of the exactly-once tests.
 */
export class TestEngine {
  /** Every turn applied, in order. */
  readonly turnLog: number[] = [];
  /** Every call that arrived, in order. */
  readonly calls: Call[] = [];
  /** The `traceparent` of every call, in the same order. */
  readonly traceparents: (string | undefined)[] = [];
  turn = 0;
  /** Asked for every call that no `failNext` is for. */
  faultOf: (call: Call) => Fault | undefined = () => undefined;
  /** Bytes of endless answers that were taken off our hands. */
  endlessBytes = 0;
  options: Required<TestEngineOptions>;

  /** The players, as it set them up; null before init. */
  players: Player[] | null = null;

  private readonly faults = new Map<Call, Fault[]>();
  private turns: Promise<unknown> = Promise.resolve();
  private held: Promise<void> | null = null;
  private readonly gates = new Map<Call, Promise<void>>();
  private readonly server: Server;

  private constructor(options: TestEngineOptions) {
    this.options = { ifMatch: 'when_applying', turnDurationMs: 0, finishTurn: 0, ...options };
    this.server = createServer((request, response) => {
      this.handle(request, response).catch(() => response.destroy());
    });
  }

  static async start(options: TestEngineOptions = {}): Promise<TestEngine> {
    const engine = new TestEngine(options);
    await engine.listen(await freePort());
    return engine;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get finished(): boolean {
    return this.options.finishTurn > 0 && this.turn >= this.options.finishTurn;
  }

  /** Answers the next calls of this kind with these faults, one each. */
  failNext(call: Call, ...faults: Fault[]): void {
    this.faults.set(call, [...(this.faults.get(call) ?? []), ...faults]);
  }

  /** Makes a turn that nobody asked for. */
  advance(): void {
    this.turn += 1;
    this.turnLog.push(this.turn);
    for (const player of this.players ?? []) player.population += 1;
  }

  /** Holds every turn call, before it is applied, until the returned function is called. */
  holdTurns(): () => void {
    let release: () => void = () => undefined;
    this.held = new Promise((resolve) => (release = resolve));
    return () => {
      this.held = null;
      release();
    };
  }

  /** Holds calls of this kind, other than turns, before they are applied, until the returned function is called. */
  hold(call: Exclude<Call, 'turn'>): () => void {
    let release: () => void = () => undefined;
    this.gates.set(call, new Promise((resolve) => (release = resolve)));
    return () => {
      this.gates.delete(call);
      release();
    };
  }

  /** Resolves when no turn call that has arrived is still to be applied. */
  async turnsAreOver(): Promise<void> {
    await this.turns;
  }

  callsOf(call: Call): number {
    return this.calls.filter((made) => made === call).length;
  }

  /** Stops listening: calls are refused until `comeBack`. The port stays ours meanwhile. */
  async goAway(): Promise<number> {
    const { port } = this;
    await this.stop();
    return port;
  }

  comeBack(port: number): Promise<void> {
    return this.listen(port);
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private listen(port: number): Promise<void> {
    return new Promise((resolve) => this.server.listen(port, '127.0.0.1', resolve));
  }

  private async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const call = CALLS[`${request.method ?? ''} ${request.url ?? ''}`];
    if (call === undefined) {
      answer(response, 404, error('not_found', 'no such path'));
      return;
    }
    const body = await read(request);
    this.calls.push(call);
    this.traceparents.push(request.headers['traceparent'] as string | undefined);
    const fault = this.faults.get(call)?.shift() ?? this.faultOf(call);
    await this.gates.get(call);
    switch (fault?.kind) {
      case undefined:
        answer(response, ...(await this.perform(call, request, body)));
        return;
      case 'apply_then_cut':
        await this.perform(call, request, body);
        response.destroy();
        return;
      case 'apply_then_hang':
        await this.perform(call, request, body);
        return;
      case 'cut':
        response.destroy();
        return;
      case 'hang':
        return;
      case 'endless':
        this.sendEndlessly(response);
        return;
      case 'drip':
        drip(response);
        return;
      case 'answer':
        response.writeHead(fault.status, { 'content-type': 'application/json', ...fault.headers });
        response.end(fault.body ?? JSON.stringify(error('internal_error', 'the engine is unwell')));
    }
  }

  private async perform(call: Call, request: IncomingMessage, body: string): Promise<[number, unknown]> {
    switch (call) {
      case 'status':
        return this.players ? [200, this.state()] : [409, error('not_initialised', 'the game has not begun')];
      case 'init': {
        const { races } = JSON.parse(body) as { races: { race_name: string }[] };
        if (this.players) return [200, this.state()];
        this.players = races.map(({ race_name }) => ({
          id: randomUUID(),
          race_name,
          planets: 1,
          population: 10,
        }));
        return [200, this.state()];
      }
      case 'banish':
        return [204, undefined];
      case 'turn': {
        const { ifMatch } = this.options;
        const expected = request.headers['if-match'];
        if (ifMatch === 'on_arrival' && this.isElsewhere(expected)) return ELSEWHERE;
        const applied = this.turns.then(async (): Promise<[number, unknown]> => {
          await this.held;
          await delay(this.options.turnDurationMs);
          if (ifMatch === 'when_applying' && this.isElsewhere(expected)) return ELSEWHERE;
          this.advance();
          return [200, this.state()];
        });
        this.turns = applied;
        return applied;
      }
    }
  }

  private sendEndlessly(response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'application/json' });
    const chunk = Buffer.alloc(64 * 1024, ' ');
    const pump = (): void => {
      while (!response.destroyed) {
        this.endlessBytes += chunk.length;
        if (!response.write(chunk)) break;
      }
      if (!response.destroyed) response.once('drain', pump);
    };
    pump();
  }

  private isElsewhere(expected: string | undefined): boolean {
    return expected !== undefined && expected !== `"${this.turn}"`;
  }

  private state() {
    return { id: 'test', turn: this.turn, finished: this.finished, player: this.players, surplus: true };
  }
}

const CALLS: Readonly<Record<string, Call>> = {
  'POST /api/v1/admin/init': 'init',
  'GET /api/v1/admin/status': 'status',
  'POST /api/v1/admin/turn': 'turn',
  'POST /api/v1/admin/race/banish': 'banish',
};

const ELSEWHERE: [number, unknown] = [412, { error: { code: 'turn_mismatch', message: 'at another turn' } }];

function error(code: string, message: string) {
  return { error: { code, message } };
}

function answer(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(body === undefined ? undefined : JSON.stringify(body));
}

function drip(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/json' });
  const timer = setInterval(() => response.write(' '), 100);
  response.once('close', () => clearInterval(timer));
}

async function read(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
