import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';

export interface PlayerCall {
  method: string;
  url: string;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

export type Script = (response: ServerResponse, call: PlayerCall) => void;

/** An engine that notes the calls of players as they arrive, and answers them as a script says. */
export class ScriptedEngine {
  readonly calls: PlayerCall[] = [];
  /** Calls whose connection went away before they were answered. */
  abandoned = 0;
  private script: Script = accept;
  private readonly server: Server;

  private constructor() {
    this.server = createServer((request, response) => void this.handle(request, response));
    this.server.keepAliveTimeout = 65_000;
  }

  static async start(): Promise<ScriptedEngine> {
    const engine = new ScriptedEngine();
    await new Promise<void>((resolve) => engine.server.listen(0, '127.0.0.1', resolve));
    return engine;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  get lastCall(): PlayerCall {
    const call = this.calls.at(-1);
    if (call === undefined) throw new Error('the engine was not called');
    return call;
  }

  /** From now on every call is answered so. */
  answerWith(script: Script): void {
    this.script = script;
  }

  /** Back to what it does by itself. */
  reset(): void {
    this.script = accept;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.on('close', () => {
      if (!response.writableFinished) this.abandoned += 1;
    });
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request) chunks.push(chunk as Buffer);
    } catch {
      return;
    }
    const { method = '', url = '', headers } = request;
    const call = { method, url, headers, body: Buffer.concat(chunks) };
    this.calls.push(call);
    this.script(response, call);
  }
}

function accept(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end('{"accepted":1}');
}
