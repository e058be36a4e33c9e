import { setTimeout as delay } from 'node:timers/promises';
import { orThrow, type GameMasterClient } from '../../clients/gamemaster';
import { untilTold } from './game-master';
import type { ManagedEngines } from './managed-engines';
import type { Tell } from './play';

/** The turn after which it happens. */
const AFTER_TURN = 1;
const LOOK_EVERY_MS = 500;
/** It hangs from this long before a turn is due. */
const BEFORE_MS = 700;
const FAILS_WITHIN_MS = 30_000;

/**
 * What operators are there for: the engine hangs while a turn is due, the turn fails, the administrators get a mail;
 * then the engine goes on, and the turn is forced.
 */
export async function letEngineHang(
  client: GameMasterClient,
  engines: ManagedEngines,
  gameId: string,
  tell: Tell,
  over: AbortSignal,
): Promise<void> {
  const params = { path: { game_id: gameId } };
  const wait = (ms: number): Promise<void> => delay(ms, undefined, { signal: over });
  const record = () => orThrow(client.GET('/api/v1/internal/runtimes/{game_id}', { params }));

  let { status, current_turn: turn, next_generation_at: next } = await record();
  while (status !== 'running' || turn < AFTER_TURN || next === null) {
    if (status === 'stopped') return;
    await wait(LOOK_EVERY_MS);
    ({ status, current_turn: turn, next_generation_at: next } = await record());
  }
  await wait(Math.max(0, Date.parse(next) - Date.now() - BEFORE_MS));
  await engines.signal(gameId, 'SIGSTOP');
  try {
    tell(gameId, 'its engine hangs (the demo has frozen it): the next turn will fail');
    const deadline = Date.now() + FAILS_WITHIN_MS;
    do {
      await wait(LOOK_EVERY_MS);
      ({ status } = await record());
    } while (!['generation_failed', 'stopped'].includes(status) && Date.now() < deadline);
  } finally {
    // The engine of a game that was stopped meanwhile is gone.
    if (status !== 'stopped') await engines.signal(gameId, 'SIGCONT');
  }
  if (status === 'stopped') return;
  if (status !== 'generation_failed') {
    tell(gameId, 'its engine goes on');
    return;
  }
  tell(gameId, 'its engine goes on; an operator forces the turn');
  await untilTold((header) =>
    client.POST('/api/v1/internal/runtimes/{game_id}/force-next-turn', { params: { ...params, header } }),
  );
}
