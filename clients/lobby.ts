import { Pool } from 'undici';
import { z } from 'zod';

/** Lobby is not there, was too slow, failed, or said what is not a list of members. */
export class LobbyUnavailable extends Error {
  override readonly name = 'LobbyUnavailable';
}

export interface LobbyOptions {
  baseUrl: string;
  timeoutMs: number;
}

/** What Lobby answers; what else it sends is not looked at. */
const memberships = z.object({
  memberships: z.array(
    z.object({
      user_id: z.string(),
      race_name: z.string(),
      status: z.enum(['active', 'removed', 'blocked']),
    }),
  ),
});
const refusal = z.object({ error: z.object({ code: z.string() }) });

/** Some hundred members, and those that left. A longer answer is a fault. */
const MAX_RESPONSE_BYTES = 1024 * 1024;

/** Asks Lobby who plays. */
export class LobbyClient {
  private readonly pool: Pool;
  private readonly prefix: string;

  constructor(private readonly options: LobbyOptions) {
    const { origin, pathname } = new URL(options.baseUrl);
    this.prefix = `${pathname.replace(/\/$/, '')}/api/v1/internal`;
    this.pool = new Pool(origin, {
      connections: 16,
      pipelining: 1,
      maxResponseSize: MAX_RESPONSE_BYTES,
      keepAliveTimeout: 4_000,
      connect: { timeout: options.timeoutMs },
    });
  }

  /** The users that may play the game: nobody where Lobby does not know it. @throws LobbyUnavailable */
  async activeMembers(gameId: string): Promise<ReadonlySet<string>> {
    const { status, body } = await this.get(`/games/${encodeURIComponent(gameId)}/memberships`);
    if (status === 404 && refusal.safeParse(body).data?.error.code === 'game_not_found') return new Set();
    if (status !== 200) throw new LobbyUnavailable(`Lobby answered ${status}`);
    const read = memberships.safeParse(body);
    if (!read.success) throw new LobbyUnavailable('Lobby answered what is not a list of members');
    const active = read.data.memberships.filter((member) => member.status === 'active');
    return new Set(active.map((member) => member.user_id));
  }

  async close(): Promise<void> {
    await this.pool.destroy();
  }

  private async get(path: string): Promise<{ status: number; body: unknown }> {
    const { timeoutMs } = this.options;
    try {
      const response = await this.pool.request({
        method: 'GET',
        path: this.prefix + path,
        headers: { accept: 'application/json' },
        // Counts everything, waiting for a connection too.
        signal: AbortSignal.timeout(timeoutMs),
        headersTimeout: timeoutMs,
        bodyTimeout: timeoutMs,
      });
      const text = await response.body.text();
      return { status: response.statusCode, body: parseJson(text) };
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new LobbyUnavailable(`Lobby is not there: ${reason}`, { cause });
    }
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
