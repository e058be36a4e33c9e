import { REASONS, type Game } from '../domain/game';
import { isOver } from '../domain/game-status';
import { isCapable, withStanding, type Standing } from '../domain/player-stats';
import { leftOver, statusAfter } from '../domain/runtime-events';
import type { RuntimeStatus, RuntimeView } from '../domain/runtime-view';
import { changeStatus, setRuntimeView } from '../stores/games';
import { listMembers, setCapable, setStats } from '../stores/members';
import type { Queries } from '../stores/postgres';
import { addTask, removeTaskOfKind, removeTasksOfGame } from '../stores/tasks';
import { giveEngineBack, type OutgoingStreams } from './jobs';

/** What Game Master says of a game that it has. */
export interface RuntimeNews {
  view: RuntimeView;
  /** Of its players, by user id; empty where it says nothing of them. */
  standings: ReadonlyMap<string, Standing>;
}

/** Takes in what Game Master says: the view of it, the sums of its turns, and what becomes of the game. The game is locked. */
export async function takeIn(
  queries: Queries,
  outgoing: OutgoingStreams,
  game: Game,
  { view, standings }: RuntimeNews,
): Promise<void> {
  await setRuntimeView(queries, game.gameId, view);
  await addStandings(queries, game.gameId, standings);
  await settleStatus(queries, outgoing, game, view.runtimeStatus);
}

async function settleStatus(
  queries: Queries,
  outgoing: OutgoingStreams,
  game: Game,
  runtimeStatus: RuntimeStatus,
): Promise<void> {
  const { gameId } = game;
  // Given up while its registration, or the news of its end, was on its way.
  const left = leftOver(game.status, runtimeStatus);
  if (left === 'runtime') await addTask(queries, gameId, 'stop');
  if (left === 'engine') await giveEngineBack(queries, outgoing, { gameId, reason: 'finished' });
  const status = statusAfter(game, runtimeStatus);
  if (status === game.status) return;
  await changeStatus(queries, game, status, {
    statusReason: status === 'cancelled' ? REASONS.runtimeStopped : null,
  });
  if (status === 'running') await removeTaskOfKind(queries, gameId, 'register');
  if (isOver(status)) await removeTasksOfGame(queries, gameId);
  if (status === 'finished') {
    await evaluate(queries, gameId);
    await giveEngineBack(queries, outgoing, { gameId, reason: 'finished' });
  }
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
