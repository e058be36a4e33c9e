import type { RuntimeRecord } from '../../domain/runtime-record';
import { orThrow, type GameMasterClient } from '../../clients/gamemaster';
import type { Ground } from './ground';
import type { Told, Entry } from './story';

/** Games that are being played, one way or the other. */
export interface Play {
  ground: Ground;
  /** What can be done now, for a person to read. */
  invitation: string[];
  /** By stream. */
  tellers: ReadonlyMap<string, Teller>;
  /** How all games stand, by who says so. */
  standings: () => Promise<{ by: string; text: string }[]>;
  troubles: () => string[];
  /** Lets go on what else happens while the games are played, until it is over. */
  begin?: (tell: Tell, over: AbortSignal) => void;
}

/** Puts an entry of a stream into words; undefined for what need not be told. */
export type Teller = (entry: Entry, addedAt: Date) => Told | undefined;

/** Says what a game, or somebody else, does. */
export type Tell = (name: string, text: string) => void;

/** How the games stand at Game Master. */
export async function gameMasterStandings(client: GameMasterClient): Promise<{ by: string; text: string }> {
  const { runtimes } = await orThrow(client.GET('/api/v1/internal/runtimes'));
  return { by: 'now', text: runtimes.map(standing).join(' | ') };
}

function standing({ game_id, status, current_turn, next_generation_at }: RuntimeRecord): string {
  const next = next_generation_at === null ? '' : `, next ${next_generation_at.slice(11, 19)}Z`;
  return `${game_id} ${status.replaceAll('_', ' ')} at turn ${current_turn}${next}`;
}

/** Where to look and what to try: the lines that both ways have in common, and more of either sort. */
export function links(
  { gamesPage, dataDir, stack, names }: Ground,
  gameMasterUrl: string,
  gameId: string,
  more: { look: string[]; attempt: string[] } = { look: [], attempt: [] },
): string[] {
  const baseUrl = `${gameMasterUrl}/api/v1/internal`;
  return [
    `  Temporal UI   ${gamesPage ?? 'set STACK_TEMPORAL_UI_URL to see the link'}`,
    `  Game Master   ${baseUrl}/runtimes`,
    `  API page      ${gameMasterUrl}/docs`,
    ...more.look,
    `  Events        redis-cli -u ${stack.redis.url} XREVRANGE ${names.streams.lobbyEvents} + - COUNT 3`,
    `  Logs, data    ${dataDir} (removed at the end)`,
    '',
    ...more.attempt,
    `  Force a turn  curl -s -X POST ${baseUrl}/runtimes/${gameId}/force-next-turn`,
    `  Stop a game   curl -s ${baseUrl}/runtimes/${gameId}/stop \\`,
    `                  -H 'content-type: application/json' -d '{"reason":"seen enough"}'`,
    '  End           Ctrl-C',
    '',
  ];
}
