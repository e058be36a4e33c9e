/** A turn with nothing round it: the engine, one statement, one stream entry. What the plainest design would do. */
import { Redis } from 'ioredis';
import { Agent } from 'undici';
import { openDatabase, type Database } from '../../stores/postgres';

export interface PlainTurn {
  gameId: string;
  endpoint: string;
  /** The last turn that was made. */
  turn: number;
}

const UPDATE = {
  name: 'herd_turn',
  text: `
    UPDATE herd.games SET turn = $2, player_turn_stats = $3::jsonb, due_at = NULL, updated_at = now()
    WHERE game_id = $1`,
};

export class ThreeCalls {
  readonly database: Database;
  private readonly agent = new Agent({ connections: 8, pipelining: 1 });
  private readonly redis: Redis;

  constructor(
    { dsn, redisUrl, poolSize }: { dsn: string; redisUrl: string; poolSize: number },
    private readonly stream: string,
  ) {
    this.database = openDatabase({
      dsn,
      poolSize,
      queryTimeoutMs: 5_000,
      connectTimeoutMs: 2_000,
      applicationName: 'herd',
      onPoolError: (error) => console.error(error),
    });
    this.redis = new Redis(redisUrl);
  }

  /** Makes one turn and returns its number. */
  async makeTurn({ gameId, endpoint, turn }: PlainTurn): Promise<number> {
    const { statusCode, body } = await this.agent.request({
      origin: endpoint,
      path: '/api/v1/admin/turn',
      method: 'POST',
      headers: { 'if-match': `"${turn}"` },
    });
    const state = (await body.json()) as { turn: number; player: unknown[] };
    if (statusCode !== 200) throw new Error(`engine answered ${statusCode}`);
    await this.database.run(UPDATE, [gameId, state.turn, JSON.stringify(state.player)]);
    const event = { game_id: gameId, current_turn: state.turn, player_turn_stats: state.player };
    await this.redis.xadd(this.stream, 'MAXLEN', '~', 1_000_000, '*', 'payload', JSON.stringify(event));
    return state.turn;
  }

  async close(): Promise<void> {
    this.redis.disconnect();
    await Promise.all([this.agent.destroy(), this.database.close()]);
  }
}
