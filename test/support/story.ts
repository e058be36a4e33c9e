/** What a game's rows, streams and mappings tell, an entry a line: what tests compare. */
import { withStanding, type PlayerStats, type Standing } from '../../platform/lobby/domain/player-stats';
import { AsyncApiDocument } from '../unit/contracts/asyncapi-document';
import type { GameMaster } from './game-master';

const intentsContract = new AsyncApiDocument('platform/notification/asyncapi.yaml');

/** The operation log, oldest first: `turn generation_in_progress > running ok`. */
export async function operationsOf(gm: GameMaster, gameId: string): Promise<string[]> {
  const rows = await gm.operations(gameId);
  return rows.map(
    ({ kind, status_from, status_to, error_code }) =>
      `${text(kind)} ${text(status_from)} > ${text(status_to)} ${text(error_code ?? 'ok')}`,
  );
}

/** What Lobby was told, once nothing waits in the outbox any more: `runtime_snapshot_update 1 running`. */
export async function lobbyEventsOf(gm: GameMaster, gameId: string): Promise<string[]> {
  await gm.untilOutboxEmpty(gameId);
  const events = await gm.events('lobbyEvents', gameId);
  return events.map(({ event_type, payload }) => {
    const { current_turn, final_turn_number, runtime_status } = payload as Record<string, unknown>;
    return `${text(event_type)} ${text(current_turn ?? final_turn_number)} ${text(runtime_status)}`;
  });
}

/**
 * The notifications asked for, once nothing waits in the outbox any more: `game.turn.ready 1 to ann,bob`. Each has to
 * be an entry as Notification's own document has it.
 */
export async function intentsOf(gm: GameMaster, gameId: string): Promise<string[]> {
  await gm.untilOutboxEmpty(gameId);
  for (const entry of await gm.entries('intents', gameId)) intentsContract.check(entry);
  const intents = await gm.events('intents', gameId);
  return intents.map(({ notification_type, audience, recipient_user_ids, payload }) => {
    const { turn_number, final_turn_number, failure_reason } = payload as Record<string, unknown>;
    const to = audience === 'users' ? (JSON.parse(text(recipient_user_ids)) as string[]).join() : audience;
    const reason = failure_reason === undefined ? '' : ` ${text(failure_reason)}`;
    return `${text(notification_type)} ${text(turn_number ?? final_turn_number)}${reason} to ${text(to)}`;
  });
}

/** What Game Master has told of each player, summed up as Lobby should have it. */
export async function statsTold(gm: GameMaster, gameId: string): Promise<Map<string, PlayerStats>> {
  const stats = new Map<string, PlayerStats>();
  for (const { payload } of await gm.events('lobbyEvents', gameId)) {
    const { player_turn_stats: standings } = payload as {
      player_turn_stats: ({ user_id: string } & Standing)[];
    };
    for (const { user_id, ...standing } of standings) {
      stats.set(user_id, withStanding(stats.get(user_id) ?? null, standing));
    }
  }
  return stats;
}

/** Who plays what: `ann plays Aelinari as <uuid>`. */
export async function mappingsOf(gm: GameMaster, gameId: string): Promise<string[]> {
  const { rows } = await gm.database.query<Record<string, unknown>>(
    'SELECT * FROM gamemaster.player_mappings WHERE game_id = $1 ORDER BY user_id',
    [gameId],
  );
  return rows.map(
    ({ user_id, race_name, engine_player_uuid }) =>
      `${text(user_id)} plays ${text(race_name)} as ${text(engine_player_uuid)}`,
  );
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value ?? null);
}
