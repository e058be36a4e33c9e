import { setTimeout as delay } from 'node:timers/promises';
import { sendTo, type HttpAnswer, type HttpRequest } from '../unit/api/send';
import { API, FrontDoor } from '../integration/api/front-door';
import { ScriptedEngine } from './scripted-engine';
import { freshGameId } from './stack';
import { TestLobby } from './test-lobby';

/**
 * Settings for tests of what is answered, not of how long it is waited for: api, engine, Lobby and test are one process
 * here, and none of them is away because that stood still for a moment.
 */
export const PATIENT = {
  GAMEMASTER_POSTGRES_CONNECT_TIMEOUT: '30s',
  GAMEMASTER_POSTGRES_QUERY_TIMEOUT: '30s',
  GAMEMASTER_LOBBY_TIMEOUT: '30s',
  GAMEMASTER_ENGINE_HOT_TIMEOUT: '30s',
  GAMEMASTER_MEMBERSHIP_CACHE_TTL: '10m',
};

export interface PlayedGame {
  endpoint?: string;
  status?: string;
  /** Users with their races; all of them active members in Lobby. */
  players?: Record<string, string>;
}

/**
 * An api with a Lobby and an engine that do as a test says, and games that are there as rows only: what the hot path
 * needs, without workers.
 */
export class PlayersGround {
  private constructor(
    readonly door: FrontDoor,
    readonly lobby: TestLobby,
    readonly engine: ScriptedEngine,
  ) {}

  static async open(settings: Record<string, string> = {}): Promise<PlayersGround> {
    const lobby = await TestLobby.start();
    const engine = await ScriptedEngine.start();
    const door = await FrontDoor.open({
      GAMEMASTER_LOBBY_BASE_URL: lobby.baseUrl,
      GAMEMASTER_ENGINE_HOSTS: '127.0.0.1',
      // Nothing here may depend on it.
      GAMEMASTER_TEMPORAL_ADDRESS: '127.0.0.1:1',
      ...settings,
    });
    return new PlayersGround(door, lobby, engine);
  }

  /** A game with its players, of which `ann` (Aelinari) is one if nothing else is said; returns its id. */
  async game({
    endpoint = this.engine.endpoint,
    status = 'running',
    players,
  }: PlayedGame = {}): Promise<string> {
    const gameId = freshGameId();
    const { pool } = this.door.database;
    await pool.query(
      `INSERT INTO gamemaster.runtime_records (game_id, registration_id, revision, status, engine_endpoint,
         current_image_ref, current_engine_version, turn_schedule)
       VALUES ($1, 'run', 2, $2, $3, 'engine:1.0.0', '1.0.0', '0 18 * * *')`,
      [gameId, status, endpoint],
    );
    for (const [userId, raceName] of Object.entries(players ?? { ann: 'Aelinari' })) {
      await pool.query(
        `INSERT INTO gamemaster.player_mappings (game_id, user_id, race_name, engine_player_uuid)
         VALUES ($1, $2, $3, gen_random_uuid())`,
        [gameId, userId, raceName],
      );
      this.lobby.setMember(gameId, userId, 'active');
    }
    return gameId;
  }

  /** One request; again where this process was too busy to take it. */
  async send(request: HttpRequest): Promise<HttpAnswer> {
    for (;;) {
      const answer = await sendTo(Number(new URL(this.door.baseUrl).port), request);
      if (answer.status !== 429 || !answer.body.includes('this process is overloaded')) return answer;
      await delay(50);
    }
  }

  /** A player's commands, sent as this JSON text. */
  commands(gameId: string, userId = 'ann', text = '{"commands":[]}'): Promise<HttpAnswer> {
    return this.send({
      method: 'POST',
      url: `${API}/games/${gameId}/commands`,
      headers: { 'content-type': 'application/json', 'x-user-id': userId },
      payload: text,
    });
  }

  report(gameId: string, turn: number | string, userId = 'ann'): Promise<HttpAnswer> {
    return this.send({ url: `${API}/games/${gameId}/reports/${turn}`, headers: { 'x-user-id': userId } });
  }

  async invalidate(gameId: string): Promise<void> {
    const { status } = await this.send({
      method: 'POST',
      url: `${API}/games/${gameId}/memberships/invalidate`,
    });
    if (status !== 204) throw new Error(`invalidate answered ${status}`);
  }

  async close(): Promise<void> {
    await this.door.close();
    await this.engine.stop();
    await this.lobby.stop();
  }
}

/** The code of an error, or the status of what is none. */
export function outcomeOf({ status, body }: HttpAnswer): string | number {
  if (status < 400) return status;
  return (JSON.parse(body) as { error: { code: string } }).error.code;
}
