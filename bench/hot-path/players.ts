import { randomUUID } from 'node:crypto';
import type { Database } from '../../stores/postgres';

/** Who sends requests: one player for each connection, in games of eight. */
export interface Player {
  gameId: string;
  userId: string;
  raceName: string;
}

const PLAYERS_PER_GAME = 8;

export function makePlayers(count: number): Player[] {
  return Array.from({ length: count }, (_value, index) => ({
    gameId: `bench-${Math.floor(index / PLAYERS_PER_GAME)}`,
    userId: `user-${index}`,
    raceName: `Race ${index}`,
  }));
}

/** Puts the players' games there as running ones of this engine. */
export async function insertGames(
  database: Database,
  players: readonly Player[],
  endpoint: string,
): Promise<void> {
  for (const gameId of new Set(players.map((player) => player.gameId))) {
    await database.pool.query(
      `INSERT INTO gamemaster.runtime_records (game_id, registration_id, revision, status, engine_endpoint,
         current_image_ref, current_engine_version, turn_schedule)
       VALUES ($1, 'bench', 2, 'running', $2, 'galaxy/game:1.0.0', '1.0.0', '0 18 * * *')`,
      [gameId, endpoint],
    );
  }
  for (const { gameId, userId, raceName } of players) {
    await database.pool.query(`INSERT INTO gamemaster.player_mappings VALUES ($1, $2, $3, $4)`, [
      gameId,
      userId,
      raceName,
      randomUUID(),
    ]);
  }
  await database.pool.query('ANALYZE');
}

/** A player's commands as Game Master takes them, of about `bytes` in all. */
export function requestToGameMaster(player: Player, bytes: number): string {
  const body = (text: string): string => JSON.stringify({ commands: commandsOf(text) });
  return httpRequest(
    `POST /api/v1/internal/games/${player.gameId}/commands`,
    body('x'.repeat(bytes - body('').length)),
    `X-User-ID: ${player.userId}\r\n`,
  );
}

/** The same commands as the engine takes them, in a body of the same length. */
export function requestToEngine(player: Player, bytes: number): string {
  const body = (text: string): string => JSON.stringify({ actor: player.raceName, cmd: commandsOf(text) });
  return httpRequest('POST /api/v1/command', body('x'.repeat(bytes - body('').length)));
}

/** A few orders such as players give, and one that fills up what is missing. */
function commandsOf(filling: string): object[] {
  return [
    { type: 'move_fleet', fleet: 3, to: 11, speed: 2.5 },
    { type: 'build', planet: 7, what: 'scout' },
    { type: 'message', text: filling },
  ];
}

function httpRequest(line: string, body: string, headers = ''): string {
  return (
    `${line} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n${headers}` +
    `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
  );
}
