import { Redis } from 'ioredis';
import { Pool } from 'pg';
import { ServiceProcess } from './service-process';
import { freePort, freshDatabase, freshKeyPrefix, stackAddresses } from './stack';
import { repeatWhile, waitFor } from './wait-for';

/** A JSON object of an answer: the tests say what they expect in it, the contract tests check its shape. */
type Json = Record<string, unknown>;

export interface LobbyReply {
  status: number;
  body: Json;
}

export interface LobbyOptions {
  gameMasterUrl: string;
  /** Where it is to listen; a free port when absent. */
  port?: number;
  /** Streams that it shares with others of the test; the rest are its own. */
  streams?: Partial<Record<LobbyStream, string>>;
  /** The way to the shared Postgres, where it is not the straight one. */
  postgresDsn?: string;
  env?: Record<string, string>;
}

export const ADMIN = { 'x-galaxy-caller': 'admin' };
export const as = (userId: string): Record<string, string> => ({ 'x-user-id': userId });

const STREAMS = ['lobbyEvents', 'jobResults', 'userLifecycle', 'startJobs', 'stopJobs', 'intents'] as const;
type LobbyStream = (typeof STREAMS)[number];

/** A Lobby of its own for one test file: a real process on the shared servers, with its own database and streams. */
export class Lobby {
  private constructor(
    readonly process: ServiceProcess,
    private readonly environment: Record<string, string>,
    readonly database: Pool,
    readonly redis: Redis,
    readonly streams: Record<LobbyStream, string>,
    private readonly dropDatabase: () => Promise<void>,
  ) {}

  static async start(options: LobbyOptions): Promise<Lobby> {
    const { postgresDsn, redisUrl } = stackAddresses();
    const database = await freshDatabase(postgresDsn);
    const prefix = freshKeyPrefix();
    const streams = {
      ...(Object.fromEntries(STREAMS.map((name) => [name, prefix + name])) as Record<LobbyStream, string>),
      ...options.streams,
    };
    const environment = {
      LOBBY_HTTP_ADDR: `127.0.0.1:${options.port ?? (await freePort())}`,
      LOBBY_POSTGRES_DSN: withHost(database.dsn, options.postgresDsn ?? database.dsn),
      // Where a process stands still for a moment nothing is away. Calls take up to ten seconds.
      LOBBY_POSTGRES_TIMEOUT: '8s',
      LOBBY_REDIS_URL: redisUrl,
      LOBBY_GM_BASE_URL: options.gameMasterUrl,
      LOBBY_GM_TIMEOUT: '5s',
      LOBBY_SCHEDULE_ALLOW_SECONDS: 'true',
      LOBBY_STREAM_LOBBY_EVENTS: streams.lobbyEvents,
      LOBBY_STREAM_JOB_RESULTS: streams.jobResults,
      LOBBY_STREAM_USER_LIFECYCLE: streams.userLifecycle,
      LOBBY_STREAM_START_JOBS: streams.startJobs,
      LOBBY_STREAM_STOP_JOBS: streams.stopJobs,
      LOBBY_STREAM_NOTIFICATION_INTENTS: streams.intents,
      ...options.env,
    };
    const pool = new Pool({ connectionString: database.dsn, max: 2 });
    pool.on('error', () => undefined);
    const lobby = new Lobby(run(environment), environment, pool, new Redis(redisUrl), streams, database.drop);
    await lobby.process.untilReady();
    return lobby;
  }

  get baseUrl(): string {
    return this.process.baseUrl;
  }

  async stop(): Promise<void> {
    await this.process.stop();
    await this.database.end();
    this.redis.disconnect();
    await this.dropDatabase();
  }

  /** Kills the process as a crash would, does `meanwhile`, and starts another one in its place. */
  async restart(meanwhile: () => Promise<unknown> = () => Promise.resolve()): Promise<void> {
    await this.process.crash();
    await meanwhile();
    await this.process.startAgain();
  }

  /** A second process beside the first, at an address of its own. */
  async addProcess(): Promise<ServiceProcess> {
    const second = run({ ...this.environment, LOBBY_HTTP_ADDR: `127.0.0.1:${await freePort()}` });
    await second.untilReady();
    return second;
  }

  async call(
    method: string,
    path: string,
    { headers = ADMIN, body }: { headers?: Record<string, string>; body?: unknown } = {},
  ): Promise<LobbyReply> {
    const response = await fetch(this.baseUrl + path, {
      method,
      headers: { ...headers, ...(body !== undefined && { 'content-type': 'application/json' }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, body: JSON.parse(text) as Json };
  }

  /** A call about one game, `start` or `members/ann/remove`, that has to succeed. */
  async post(
    gameId: string,
    words: string,
    body?: unknown,
    headers = ADMIN as Record<string, string>,
  ): Promise<Json> {
    const reply = await this.call('POST', `/api/v1/lobby/games/${gameId}/${words}`, { headers, body });
    if (reply.status >= 300) throw new Error(`${words}: ${reply.status} ${JSON.stringify(reply.body)}`);
    return reply.body;
  }

  async createGame(changes: Json = {}, headers: Record<string, string> = ADMIN): Promise<string> {
    const body = {
      name: 'Orion',
      target_engine_version: '1.0.0',
      turn_schedule: '0 0 1 1 *',
      min_players: 1,
      max_players: 10,
      ...changes,
    };
    const reply = await this.call('POST', '/api/v1/lobby/games', { headers, body });
    if (reply.status !== 201) throw new Error(`not created: ${JSON.stringify(reply.body)}`);
    return String(reply.body['game_id']);
  }

  /** A game whose enrollment is open. */
  async openGame(changes: Json = {}, headers?: Record<string, string>): Promise<string> {
    const gameId = await this.createGame(changes, headers);
    await this.post(gameId, 'open-enrollment');
    return gameId;
  }

  /** Has the user apply and be approved. */
  async enrol(gameId: string, userId: string, raceName = `Race of ${userId}`): Promise<void> {
    const application = await this.post(gameId, 'applications', { race_name: raceName }, as(userId));
    await this.post(gameId, `applications/${String(application['application_id'])}/approve`);
  }

  /** A game with players that may be started. */
  async enrolledGame(users: readonly string[] = ['ann', 'bob'], changes: Json = {}): Promise<string> {
    const gameId = await this.openGame(changes);
    for (const user of users) await this.enrol(gameId, user);
    return gameId;
  }

  async game(gameId: string): Promise<Json> {
    return this.look(`/api/v1/lobby/games/${gameId}`);
  }

  async members(gameId: string): Promise<Json[]> {
    return (await this.look(`/api/v1/lobby/games/${gameId}/members`))['members'] as Json[];
  }

  /** What is there; asked for again while Lobby says that it cannot tell. */
  private async look(path: string): Promise<Json> {
    const reply = await repeatWhile(
      ({ status }) => status === 503,
      10_000,
      () => this.call('GET', path),
    );
    return reply.body;
  }

  /** Waits until the game has this status. */
  untilStatus(gameId: string, status: string, timeout = 30_000): Promise<Json> {
    let last: Json = {};
    return waitFor(
      async () => {
        last = await this.game(gameId);
        return last['status'] === status && last;
      },
      { timeout, describe: () => `${gameId} to be ${status}: ${JSON.stringify(last)}` },
    );
  }

  /** Waits until this is shown of the game's runtime. */
  untilShown(gameId: string, shown: Json): Promise<Json> {
    let last: Json = {};
    return waitFor(
      async () => {
        last = await this.game(gameId);
        const runtime = last['runtime'] as Json | null;
        return Object.entries(shown).every(([name, value]) => runtime?.[name] === value) && runtime;
      },
      {
        describe: () => `Lobby to show ${JSON.stringify(shown)}: ${JSON.stringify(last)}`,
      },
    );
  }

  /** The game's entries on a stream, oldest first. */
  async entries(stream: LobbyStream, gameId: string): Promise<Record<string, string>[]> {
    const entries = await this.redis.xrange(this.streams[stream], '-', '+');
    return entries
      .map(toFields)
      .filter((fields) => (fields['game_id'] ?? fields['payload'] ?? '').includes(gameId));
  }

  /** What was put aside of a stream. One that was put aside twice, as may happen, is one. */
  async deadLetters(stream: LobbyStream): Promise<Record<string, string>[]> {
    const letters = (await this.redis.xrange(`${this.streams[stream]}:dead`, '-', '+')).map(toFields);
    return [...new Map(letters.map((letter) => [letter['entry_id'], letter])).values()];
  }

  /** Waits for this many entries of the game on a stream. */
  untilEntries(stream: LobbyStream, gameId: string, count = 1): Promise<Record<string, string>[]> {
    return waitFor(
      async () => {
        const entries = await this.entries(stream, gameId);
        return entries.length >= count && entries;
      },
      { describe: `${count} entries of ${gameId} on ${stream}` },
    );
  }

  /** Adds an entry to a stream that Lobby reads. */
  async tell(stream: LobbyStream, fields: Record<string, string>): Promise<void> {
    await this.redis.xadd(this.streams[stream], '*', ...Object.entries(fields).flat());
  }

  /** Has the time be over that a game's start job may take to be answered. */
  async passDeadline(gameId: string): Promise<void> {
    const { rowCount } = await this.database.query(
      `UPDATE lobby.tasks SET next_try_at = now() WHERE game_id = $1 AND kind = 'give_up_start'`,
      [gameId],
    );
    if (rowCount !== 1) throw new Error(`${gameId} does not wait for an engine`);
  }

  /** Waits until everything that was told has been read, and everything that was to be sent is. */
  async untilQuiet(timeout = 30_000): Promise<void> {
    await waitFor(
      async () => {
        const { rows } = await this.database.query<{ stream: string; entry_id: string }>(
          'SELECT stream, entry_id FROM lobby.stream_positions',
        );
        const { rows: waiting } = await this.database.query('SELECT FROM lobby.outbox');
        const positions = new Map(rows.map(({ stream, entry_id }) => [stream, entry_id]));
        for (const name of ['lobbyEvents', 'jobResults', 'userLifecycle'] as const) {
          const [last] = await this.redis.xrevrange(this.streams[name], '+', '-', 'COUNT', 1);
          if (last !== undefined && positions.get(this.streams[name]) !== last[0]) return false;
        }
        return waiting.length === 0;
      },
      { timeout, describe: 'Lobby to have read and sent everything' },
    );
  }
}

function toFields([, flat]: [id: string, flat: string[]]): Record<string, string> {
  const pairs = flat.flatMap((name, i) => (i % 2 === 0 ? [[name, flat[i + 1] ?? ''] as const] : []));
  return Object.fromEntries(pairs);
}

function withHost(dsn: string, other: string): string {
  const through = new URL(dsn);
  through.host = new URL(other).host;
  return through.toString();
}

function run(environment: Record<string, string>): ServiceProcess {
  const address = environment['LOBBY_HTTP_ADDR'] ?? '';
  return new ServiceProcess('lobby', 'platform/lobby/main.js', `http://${address}`, environment);
}
