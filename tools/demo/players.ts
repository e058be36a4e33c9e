import { setTimeout as delay } from 'node:timers/promises';
import type { GameMasterClient } from '../../clients/gamemaster';
import type { Tell } from './play';

/** Somebody who plays in a game. */
export interface Player {
  gameId: string;
  user: string;
}

const COMMAND_EVERY_MS = 4_000;

/** One player after the other sends a command to their engine, through Game Master, until all games are over. */
export async function sendCommands(
  client: GameMasterClient,
  players: readonly Player[],
  tell: Tell,
  over: AbortSignal,
): Promise<void> {
  const playing = [...players];
  for (let planet = 1; ; planet++) {
    const player = playing.shift();
    if (player === undefined) return;
    const { isOver, text } = await command(client, player, planet).catch((error: unknown) => ({
      isOver: false,
      text: `has no answer: ${String(error)}`,
    }));
    if (!isOver) playing.push(player);
    tell(player.gameId, `${player.user} ${text}`);
    await delay(COMMAND_EVERY_MS, undefined, { signal: over }).catch(() => undefined);
    if (over.aborted) return;
  }
}

async function command(
  client: GameMasterClient,
  { gameId, user }: Player,
  planet: number,
): Promise<{ isOver: boolean; text: string }> {
  const path = { game_id: gameId };
  const { response, error } = await client.POST('/api/v1/internal/games/{game_id}/commands', {
    params: { path, header: { 'X-User-ID': user } },
    body: { commands: [{ type: 'rename_planet', planet, name: `${user}-${planet}` }] },
    parseAs: 'text',
  });
  if (error === undefined) {
    return { isOver: false, text: `renames planet ${planet}: the engine answers ${response.status}` };
  }
  const { data: record } = await client.GET('/api/v1/internal/runtimes/{game_id}', { params: { path } });
  const isOver = record?.status === 'finished' || record?.status === 'stopped';
  return { isOver, text: `cannot command: ${response.status} ${error.error.code}, ${error.error.message}` };
}
