import { z } from 'zod';
import { gameLogger, type Logger } from '../../service/logging';
import { isOver } from '../domain/game-status';
import { REASONS, type Game } from '../domain/game';
import { isCapable, withStanding, type Standing } from '../domain/player-stats';
import { runsInVain, statusAfter } from '../domain/runtime-events';
import {
  ENGINE_HEALTH,
  RUNTIME_STATUSES,
  type RuntimeStatus,
  type RuntimeView,
} from '../domain/runtime-view';
import { giveEngineBack, type OutgoingStreams } from '../operations/jobs';
import { changeStatus, findAndLockGame, setRuntimeView } from '../stores/games';
import { listMembers, setCapable, setStats } from '../stores/members';
import type { Queries } from '../stores/postgres';
import { addTask, removeRegistration, removeTasksOfGame } from '../stores/tasks';
import { gameIdText, parseJson, understand, userIdText, type Incoming } from './incoming';

const turn = z.int().nonnegative();
const milliseconds = z.int().nonnegative();
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

interface RuntimeNews {
  gameId: string;
  view: RuntimeView;
  standings: ReadonlyMap<string, Standing>;
}

export interface LobbyEventsOptions {
  stream: string;
  outgoing: OutgoingStreams;
  log: Logger;
}

/** `gm:lobby_events`: what Game Master tells of the games that it has. */
export function lobbyEvents({ stream, outgoing, log }: LobbyEventsOptions): Incoming<RuntimeNews> {
  return {
    stream,
    read: readEvent,
    apply: async (queries, news) => {
      const game = await findAndLockGame(queries, news.gameId);
      if (game === null) {
        gameLogger(log, news.gameId).warn('game master told of an unknown game');
        return;
      }
      await setRuntimeView(queries, game.gameId, news.view);
      await addStandings(queries, game.gameId, news.standings);
      await settleStatus(queries, game, news.view.runtimeStatus);
    },
  };

  async function settleStatus(queries: Queries, game: Game, runtimeStatus: RuntimeStatus): Promise<void> {
    const { gameId } = game;
    // Given up while its registration was on its way.
    if (runsInVain(game.status, runtimeStatus)) await addTask(queries, gameId, 'stop');
    const status = statusAfter(game, runtimeStatus);
    if (status === game.status) return;
    await changeStatus(queries, game, status, {
      statusReason: status === 'cancelled' ? REASONS.runtimeStopped : null,
    });
    if (status === 'running') await removeRegistration(queries, gameId);
    if (isOver(status)) await removeTasksOfGame(queries, gameId);
    if (status === 'finished') {
      await evaluate(queries, gameId);
      await giveEngineBack(queries, outgoing, { gameId, reason: 'finished' });
    }
  }
}

/** @throws MalformedEntry */
function readEvent(fields: Record<string, string>): RuntimeNews {
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

async function addStandings(
  queries: Queries,
  gameId: string,
  standings: ReadonlyMap<string, Standing>,
): Promise<void> {
  const members = await listMembers(queries, gameId);
  const stats = members.flatMap(({ userId, stats }) => {
    const standing = standings.get(userId);
    return standing === undefined ? [] : [{ userId, ...withStanding(stats, standing) }];
  });
  await setStats(queries, gameId, stats);
}

/** Of those who played to the end. */
async function evaluate(queries: Queries, gameId: string): Promise<void> {
  const members = await listMembers(queries, gameId);
  const capable = members.filter(({ stats }) => isCapable(stats)).map(({ userId }) => userId);
  await setCapable(queries, gameId, capable);
}
