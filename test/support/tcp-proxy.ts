import { once } from 'node:events';
import { createServer, Socket, type Server } from 'node:net';
import { freePort } from './stack';

/**
 * - `pass`: everything goes through.
 * - `blackhole`: connections are accepted and everything sent is swallowed, in both directions. A connection that
 *   lost something this way stays silent for good; new ones work once the mode is `pass` again.
 * - `refuse`: open connections are reset, new ones refused.
 * - `lose-replies`: what is asked gets through, and the connection breaks instead of bringing the answer.
 */
export type ProxyMode = 'pass' | 'blackhole' | 'refuse' | 'lose-replies';

/** Where a server listens: a port, or a Unix socket. */
type Target = { host: string; port: number } | { path: string };

interface Link {
  client: Socket;
  upstream: Socket;
  lossy: boolean;
}

/** A way to a server that a test can disturb. */
export class TcpProxy {
  readonly host = '127.0.0.1';
  #mode: ProxyMode = 'pass';
  #port = 0;
  #accepted = 0;
  #repliesToPass = 0;
  readonly #server: Server;
  readonly #links = new Set<Link>();

  private constructor(private readonly target: Target) {
    this.#server = createServer((client) => {
      this.#connect(client);
    });
  }

  static async start(target: Target): Promise<TcpProxy> {
    const proxy = new TcpProxy(target);
    // Not one of the system's choice, which it could give to another while `refuse` holds.
    proxy.#port = await freePort();
    await proxy.#listen();
    return proxy;
  }

  /** Puts a proxy before the server of a URL and gives the URL that goes through it. */
  static async before(url: string): Promise<{ proxy: TcpProxy; url: string }> {
    const { hostname, port } = new URL(url);
    const proxy = await TcpProxy.start({ host: hostname, port: Number(port) });
    const through = new URL(url);
    through.host = `${proxy.host}:${proxy.port}`;
    return { proxy, url: through.toString() };
  }

  get port(): number {
    return this.#port;
  }

  /** Connections that are open now. */
  get open(): number {
    return this.#links.size;
  }

  /** Connections accepted since the start. */
  get accepted(): number {
    return this.#accepted;
  }

  async setMode(mode: ProxyMode): Promise<void> {
    this.#mode = mode;
    this.#repliesToPass = 0;
    if (mode === 'refuse') await this.#stopListening();
    else if (!this.#server.listening) await this.#listen();
  }

  /** Mode `lose-replies`, after a number of pieces of answers has passed. */
  loseReplyAfter(replies: number): void {
    this.#repliesToPass = replies;
    this.#mode = 'lose-replies';
  }

  /** Resets every open connection. */
  reset(): void {
    for (const { client, upstream } of this.#links) {
      client.resetAndDestroy();
      upstream.destroy();
    }
  }

  async close(): Promise<void> {
    await this.#stopListening();
  }

  #connect(client: Socket): void {
    this.#accepted += 1;
    const upstream = new Socket();
    const link: Link = { client, upstream, lossy: false };
    this.#links.add(link);
    upstream.connect(this.target);
    this.#forward(link, client, upstream);
    this.#forward(link, upstream, client);
  }

  #forward(link: Link, from: Socket, to: Socket): void {
    from.on('data', (chunk) => {
      if (this.#mode === 'blackhole') link.lossy = true;
      if (link.lossy) return;
      if (this.#mode === 'lose-replies' && from === link.upstream && this.#repliesToPass-- <= 0) {
        link.client.resetAndDestroy();
        return;
      }
      if (!to.write(chunk)) {
        from.pause();
        to.once('drain', () => from.resume());
      }
    });
    // Errors are followed by 'close', and the other side is told of that alone.
    from.on('error', () => undefined);
    from.on('close', () => {
      this.#links.delete(link);
      if (this.#mode !== 'blackhole' || from === link.client) to.destroy();
    });
  }

  async #listen(): Promise<void> {
    this.#server.listen(this.#port, this.host);
    await once(this.#server, 'listening');
  }

  async #stopListening(): Promise<void> {
    const closed = this.#server.listening ? once(this.#server, 'close') : Promise.resolve();
    this.#server.close();
    this.reset();
    await closed;
  }
}
