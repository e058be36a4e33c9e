import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { freePort } from './stack';

export type MembershipStatus = 'active' | 'removed' | 'blocked';

/** What Lobby does with one request instead of the right thing. */
export type LobbyFault = { status: number; body: string } | 'cut' | 'hang' | 'endless';

/** A Lobby whose members a test sets, and that fails as told: the test double for its faults. */
export class TestLobby {
  /** The game of every request that arrived, in order. */
  readonly requests: string[] = [];
  private readonly games = new Map<string, Map<string, MembershipStatus>>();
  private readonly faults: LobbyFault[] = [];
  private held: Promise<void> | null = null;
  private readonly server: Server;

  private constructor() {
    this.server = createServer((request, response) => {
      const [, gameId] = /^\/api\/v1\/internal\/games\/([^/?]+)\/memberships$/.exec(request.url ?? '') ?? [];
      if (gameId === undefined || request.method !== 'GET') {
        send(response, 404, { error: { code: 'not_found', message: 'no such path' } });
        return;
      }
      this.requests.push(gameId);
      // What it knows now, however late it says so.
      const answer = this.answerFor(gameId);
      const fault = this.faults.shift();
      void (this.held ?? Promise.resolve()).then(() => {
        if (fault === undefined) send(response, ...answer);
        else fail(response, fault);
      });
    });
  }

  static async start(): Promise<TestLobby> {
    const lobby = new TestLobby();
    await lobby.listen(await freePort());
    return lobby;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get baseUrl(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Makes the game known, and gives the user this status in it. */
  setMember(gameId: string, userId: string, status: MembershipStatus): void {
    const members = this.games.get(gameId) ?? new Map<string, MembershipStatus>();
    members.set(userId, status);
    this.games.set(gameId, members);
  }

  requestsFor(gameId: string): number {
    return this.requests.filter((asked) => asked === gameId).length;
  }

  /** Fails the next requests so, one each. */
  failNext(...faults: LobbyFault[]): void {
    this.faults.push(...faults);
  }

  /** Holds every answer until the returned function is called; what it will say was settled when it was asked. */
  hold(): () => void {
    let release: () => void = () => undefined;
    this.held = new Promise((resolve) => (release = resolve));
    return () => {
      this.held = null;
      release();
    };
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

  private answerFor(gameId: string): [number, unknown] {
    const members = this.games.get(gameId);
    if (members === undefined) return [404, { error: { code: 'game_not_found', message: 'no such game' } }];
    const memberships = Array.from(members, ([user_id, status]) => ({
      user_id,
      race_name: `Race of ${user_id}`,
      status,
      surplus: true,
    }));
    return [200, { memberships }];
  }

  private listen(port: number): Promise<void> {
    return new Promise((resolve) => this.server.listen(port, '127.0.0.1', resolve));
  }
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

function fail(response: ServerResponse, fault: LobbyFault): void {
  if (fault === 'cut') {
    response.destroy();
  } else if (fault === 'endless') {
    const pump = (): void => {
      while (!response.destroyed && response.write(' '.repeat(64 * 1024)));
      if (!response.destroyed) response.once('drain', pump);
    };
    pump();
  } else if (fault !== 'hang') {
    response.writeHead(fault.status, { 'content-type': 'application/json' }).end(fault.body);
  }
}
