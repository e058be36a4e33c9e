/** The jobs for Runtime Manager, as platform/rtmanager/asyncapi.yaml has them. */
import { nextJobTime } from '../stores/games';
import { enqueue } from '../stores/outbox';
import type { Queries } from '../stores/postgres';

/** The streams that Lobby writes. */
export interface OutgoingStreams {
  startJobs: string;
  stopJobs: string;
  intents: string;
}

/**
 * Asks for an engine.
 *
 * @returns the job's time, which names it together with the game: its result carries both
 */
export async function askForEngine(
  queries: Queries,
  streams: OutgoingStreams,
  { gameId, imageRef }: { gameId: string; imageRef: string },
): Promise<number> {
  const requestedAtMs = await nextJobTime(queries, gameId);
  const fields = { game_id: gameId, image_ref: imageRef, requested_at_ms: requestedAtMs.toString() };
  await enqueue(queries, { stream: streams.startJobs, gameId, fields });
  return requestedAtMs;
}

export type StopReason = 'cancelled' | 'finished' | 'orphan_cleanup';

/** Asks to take an engine down that no game needs any more. */
export async function giveEngineBack(
  queries: Queries,
  streams: OutgoingStreams,
  { gameId, reason }: { gameId: string; reason: StopReason },
): Promise<void> {
  const requestedAtMs = await nextJobTime(queries, gameId);
  const fields = { game_id: gameId, reason, requested_at_ms: requestedAtMs.toString() };
  await enqueue(queries, { stream: streams.stopJobs, gameId, fields });
}
