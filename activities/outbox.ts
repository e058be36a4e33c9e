/**
 * Sends a game's events from its outbox to Redis. Idempotent by (registration, seq): the streams refuse what they
 * have had. Everything that fails is tried again for ever; nothing is final.
 */
import type { EventStreams } from '../clients/event-streams';
import type { GameEvent } from '../domain/game-events';
import type { OutboxStore } from '../stores/outbox';
import { whileHeartbeating } from './heartbeat';
import type { GameRef } from './operation';

export interface OutboxActivitiesDeps {
  streams: EventStreams;
  outbox: OutboxStore;
  /** Told of a flush that has to be done later. */
  onFlushPostponed: (gameId: string, error: unknown) => void;
}

const PAGE = 200;

export function createOutboxActivities(deps: OutboxActivitiesDeps) {
  return {
    /** Sends all that waits. Throws when it cannot; the server calls it again. */
    flushOutbox: (game: GameRef): Promise<void> => whileHeartbeating(() => flush(deps, game)),
  };
}

async function flush(deps: OutboxActivitiesDeps, { gameId, registrationId }: GameRef): Promise<void> {
  for (;;) {
    const waiting = await deps.outbox.pending(gameId, PAGE);
    if (waiting.length === 0) return;
    await send(deps, { gameId, registrationId }, waiting);
  }
}

/** Sends all that waits of a game, where that may take its time. Returns whether it went out, as `flushAtOnce` does. */
export function flushWaiting(deps: OutboxActivitiesDeps, game: GameRef): Promise<boolean> {
  return orPostponed(deps, game, flush(deps, game));
}

/**
 * Sends the events of a write that was committed just now, when nothing older waits. Returns whether they went out;
 * if not they stay in the outbox, and the workflow has them flushed later. Takes no longer than two commands may.
 */
export function flushAtOnce(
  deps: OutboxActivitiesDeps,
  game: GameRef,
  events: readonly GameEvent[],
): Promise<boolean> {
  return orPostponed(deps, game, send(deps, game, events));
}

async function orPostponed(
  deps: OutboxActivitiesDeps,
  game: GameRef,
  sending: Promise<void>,
): Promise<boolean> {
  try {
    await sending;
    return true;
  } catch (error) {
    deps.onFlushPostponed(game.gameId, error);
    return false;
  }
}

async function send(deps: OutboxActivitiesDeps, game: GameRef, events: readonly GameEvent[]): Promise<void> {
  const last = events.at(-1);
  if (last === undefined) return;
  await deps.streams.publish(
    events.map(({ stream, seq, payload }) => ({ ...game, stream, seq, fields: payload })),
  );
  await deps.outbox.remove(game.gameId, last.seq);
}
