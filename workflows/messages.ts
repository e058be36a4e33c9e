/**
 * Everything that is said to a game workflow, in one table: the names and shapes are a contract with the api, with
 * the Temporal UI and with running histories (docs/operations-by-signal.md). Only this file of `workflows/` may be
 * imported by the api.
 */
import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { EngineHealth } from '../domain/engine-health';
import type { OperationKind, OperationSource } from '../domain/operation';
import type { GameState } from './state';

export const GAME_WORKFLOW_TYPE = 'game';

export function gameWorkflowId(gameId: string): string {
  return `game-${gameId}`;
}

export function gameIdOf(workflowId: string): string {
  return workflowId.replace(/^game-/, '');
}

/** The kinds of operation that a caller can ask for. */
export type CallKind = Extract<OperationKind, 'register' | 'force' | 'stop' | 'patch' | 'banish'>;

/** Who asks, and under which idempotency key. */
export interface CallIdentity {
  key: string;
  /** SHA-256 of the canonical request body: a key belongs to one body. */
  hash: string;
  source: OperationSource | null;
  actor: string | null;
}

/** The argument of every update. */
export interface Call<Body> extends CallIdentity {
  body: Body;
  /** RFC 3339; a call that the workflow sees later than this is refused, so that a caller who gave up is safe. */
  accept_before: string;
}

export interface RegisterBody {
  engine_endpoint: string;
  members: { user_id: string; race_name: string }[];
  target_engine_version: string;
  turn_schedule: string;
}
export type ForceBody = Record<string, never>;
export interface StopBody {
  reason: string;
}
export interface PatchBody {
  version: string;
}
export interface BanishBody {
  race_name: string;
}

/** What the health consumer found to have changed about a game's engine. */
export interface HealthReport {
  summary: EngineHealth;
  /** The container is gone: a turn under way is interrupted, and the game is unreachable until it is healthy again. */
  lost: boolean;
  /** Epoch milliseconds, and the stream entry that told it: what is not newer than the last one is ignored. */
  occurred_at_ms: number;
  entry_id: string;
}

/**
 * The outcome of an operation that succeeded. The reply itself is in `operation_log`, under (game, kind, key).
 * A failure is an ApplicationFailure: `type` is the error code, `details[0]` an OutcomeIdentity.
 */
export interface OutcomeIdentity {
  /** The hash of the body that the operation ran with: not the caller's own, when a key was used twice. */
  hash: string;
}

/**
 * The detail of a refusal because a turn is under way. The record can show that turn some moments before the workflow
 * has heard of its end: the api then asks again instead of passing a refusal on that the record contradicts.
 */
export interface TurnUnderWay {
  turn: number;
}

export const registerUpdate = defineUpdate<OutcomeIdentity, [Call<RegisterBody>]>('register');
export const forceUpdate = defineUpdate<OutcomeIdentity, [Call<ForceBody>]>('force-next-turn');
export const stopUpdate = defineUpdate<OutcomeIdentity, [Call<StopBody>]>('stop');
export const patchUpdate = defineUpdate<OutcomeIdentity, [Call<PatchBody>]>('patch');
export const banishUpdate = defineUpdate<OutcomeIdentity, [Call<BanishBody>]>('banish');

// The body comes from a person at the Temporal UI or CLI and may be anything: it is checked like a request's.
export const forceSignal = defineSignal<[unknown?, CallIdentity?]>('force-next-turn');
export const stopSignal = defineSignal<[unknown?, CallIdentity?]>('stop');
export const patchSignal = defineSignal<[unknown?, CallIdentity?]>('patch');
export const banishSignal = defineSignal<[unknown?, CallIdentity?]>('banish');
export const healthSignal = defineSignal<[HealthReport]>('health');
export const continueAsNewSignal = defineSignal('continue-as-new');

export const stateQuery = defineQuery<GameState | null>('state');

/** The start argument: the rest of a game comes from the first accepted registration, or from the run before. */
export interface GameInput {
  gameId: string;
  state?: GameState;
}
