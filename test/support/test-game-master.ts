import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { freePort } from './stack';

export type GameMasterCall = 'image-ref' | 'liveness' | 'invalidate' | 'register-runtime' | 'banish' | 'stop';
/** An error code with its status, a success, or no answer at all. */
export type GameMasterReply = [status: number, code?: string] | 'cut' | 'hang';

export interface GameMasterRequest {
  call: GameMasterCall;
  gameId: string;
  key: string | undefined;
  body: unknown;
}

/** A Game Master that answers Lobby as told, and agrees to everything else: the test double for its faults. */
export class TestGameMaster {
  /** Every request that arrived, in order. */
  readonly requests: GameMasterRequest[] = [];
  /** What liveness says. */
  runtimeStatus = 'unregistered';
  /** By the call, or by the call and the game. */
  private readonly replies = new Map<string, GameMasterReply[]>();
  private readonly server: Server;

  private constructor() {
    this.server = createServer((request, response) => {
      const words = (request.url ?? '').split('/');
      const call = words.at(-1) as GameMasterCall;
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        const gameId = words[5] ?? '';
        this.requests.push({
          call,
          gameId,
          key: request.headers['idempotency-key'] as string | undefined,
          body: text === '' ? undefined : (JSON.parse(text) as unknown),
        });
        const reply = this.replies.get(`${call} ${gameId}`)?.shift() ?? this.replies.get(call)?.shift();
        this.answer(response, call, reply);
      });
    });
    // An idle connection would be closed under a request that came while this process stood still.
    this.server.keepAliveTimeout = 0;
  }

  static async start(): Promise<TestGameMaster> {
    const gameMaster = new TestGameMaster();
    await gameMaster.listen(await freePort());
    return gameMaster;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get baseUrl(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Answers the next calls of this kind so, one each. */
  replyNext(call: GameMasterCall, ...replies: GameMasterReply[]): void {
    this.replies.set(call, [...(this.replies.get(call) ?? []), ...replies]);
  }

  /** The same for calls about one game. */
  replyNextAbout(gameId: string, call: GameMasterCall, ...replies: GameMasterReply[]): void {
    const key = `${call} ${gameId}`;
    this.replies.set(key, [...(this.replies.get(key) ?? []), ...replies]);
  }

  calls(call: GameMasterCall, gameId?: string): GameMasterRequest[] {
    return this.requests.filter(
      (request) => request.call === call && (gameId === undefined || request.gameId === gameId),
    );
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

  private answer(response: ServerResponse, call: GameMasterCall, reply: GameMasterReply | undefined): void {
    if (reply === 'hang') return;
    if (reply === 'cut') {
      response.destroy();
      return;
    }
    const [status, code] = reply ?? [call === 'invalidate' || call === 'banish' ? 204 : 200];
    response.writeHead(status, { 'content-type': 'application/json' });
    if (status === 204) response.end();
    else if (code !== undefined)
      response.end(JSON.stringify({ error: { code, message: `${code}, it says` } }));
    else response.end(JSON.stringify(this.success(call)));
  }

  private success(call: GameMasterCall): unknown {
    if (call === 'image-ref') return { image_ref: 'galaxy/engine:1.0.0' };
    if (call === 'liveness') {
      const status = this.runtimeStatus;
      return { ready: status === 'running' || status === 'unregistered', status };
    }
    return { status: call === 'stop' ? 'stopped' : 'running' };
  }
}
