import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Reply = { status: number; body?: unknown } | 'cut' | 'hang';

/** A Runtime Manager that answers as told, and agrees to everything else: the test double for its faults. */
export class TestRuntimeManager {
  /** Every request that arrived: "stop game-id". */
  readonly requests: string[] = [];
  /** The bodies of those requests. */
  readonly bodies: unknown[] = [];
  private readonly replies: Reply[] = [];
  private held: Promise<void> | null = null;
  private readonly server: Server;

  private constructor() {
    this.server = createServer((request, response) => {
      const [, , , , , gameId, action] = (request.url ?? '').split('/');
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        this.bodies.push(JSON.parse(Buffer.concat(chunks).toString()));
        this.requests.push(`${action ?? '?'} ${gameId ?? '?'}`);
        const reply = this.replies.shift();
        void (this.held ?? Promise.resolve()).then(() => send(response, reply));
      });
    });
  }

  static async start(): Promise<TestRuntimeManager> {
    const manager = new TestRuntimeManager();
    await new Promise<void>((resolve) => manager.server.listen(0, '127.0.0.1', resolve));
    return manager;
  }

  get baseUrl(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Answers the next requests so, one each. */
  replyNext(...replies: Reply[]): void {
    this.replies.push(...replies);
  }

  /** Holds every answer until the returned function is called. */
  hold(): () => void {
    let release: () => void = () => undefined;
    this.held = new Promise((resolve) => (release = resolve));
    return () => {
      this.held = null;
      release();
    };
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

function send(response: ServerResponse, reply: Reply | undefined): void {
  if (reply === 'cut') {
    response.destroy();
  } else if (reply !== 'hang') {
    response.writeHead(reply?.status ?? 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(reply?.body ?? {}));
  }
}
