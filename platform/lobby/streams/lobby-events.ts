import { z } from 'zod';
import { gameLogger, type Logger } from '../../service/logging';
import type { Standing } from '../domain/player-stats';
import { ENGINE_HEALTH, RUNTIME_STATUSES } from '../domain/runtime-view';
import type { OutgoingStreams } from '../operations/jobs';
import { takeIn, type RuntimeNews } from '../operations/runtime-news';
import { findAndLockGame } from '../stores/games';
import { gameIdText, parseJson, understand, userIdText, type Incoming } from './incoming';

/** An integer of Postgres'. */
const turn = z.int().min(0).max(2_147_483_647);
/** The times that a Date can hold. */
const milliseconds = z.int().min(0).max(8.64e15);
const playerTurnStats = z.array(
  z.object({ user_id: userIdText, planets: z.number().nonnegative(), population: z.number().nonnegative() }),
);

const entry = z.object({
  event_type: z.enum(['runtime_snapshot_update', 'game_finished']),
  event_id: z.string().min(1),
  payload: z.string(),
});
const snapshot = z.object({
  game_id: gameIdText,
  current_turn: turn,
  runtime_status: z.enum(RUNTIME_STATUSES),
  engine_health_summary: z.enum(ENGINE_HEALTH),
  player_turn_stats: playerTurnStats,
  occurred_at_ms: milliseconds,
});
const finish = z.object({
  game_id: gameIdText,
  final_turn_number: turn,
  runtime_status: z.literal('finished'),
  player_turn_stats: playerTurnStats,
  finished_at_ms: milliseconds,
});

interface Told extends RuntimeNews {
  gameId: string;
}

export interface LobbyEventsOptions {
  stream: string;
  outgoing: OutgoingStreams;
  missed: () => Promise<void>;
  log: Logger;
}

/** `gm:lobby_events`: what Game Master tells of the games that it has. */
export function lobbyEvents({ stream, outgoing, missed, log }: LobbyEventsOptions): Incoming<Told> {
  return {
    stream,
    missed,
    read: readEvent,
    apply: async (queries, told) => {
      const game = await findAndLockGame(queries, told.gameId);
      if (game === null) gameLogger(log, told.gameId).warn('game master told of an unknown game');
      else await takeIn(queries, outgoing, game, told);
    },
  };
}

/** @throws MalformedEntry */
function readEvent(fields: Record<string, string>): Told {
  const { event_type, payload } = understand(entry, fields);
  if (event_type === 'game_finished') {
    const told = understand(finish, parseJson(payload));
    return {
      gameId: told.game_id,
      view: {
        currentTurn: told.final_turn_number,
        runtimeStatus: told.runtime_status,
        engineHealth: null,
        toldAt: new Date(told.finished_at_ms),
      },
      standings: byUser(told.player_turn_stats),
    };
  }
  const told = understand(snapshot, parseJson(payload));
  return {
    gameId: told.game_id,
    view: {
      currentTurn: told.current_turn,
      runtimeStatus: told.runtime_status,
      engineHealth: told.engine_health_summary,
      toldAt: new Date(told.occurred_at_ms),
    },
    standings: byUser(told.player_turn_stats),
  };
}

function byUser(stats: z.output<typeof playerTurnStats>): Map<string, Standing> {
  return new Map(stats.map(({ user_id, ...standing }) => [user_id, standing]));
}
