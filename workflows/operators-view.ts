/** What operators see of a game in the Temporal UI: search attributes, current details, summaries of the timeline. */
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { setCurrentDetails, upsertSearchAttributes } from '@temporalio/workflow';
import { expectsTicks, type RuntimeStatus } from '../domain/runtime-status';
import type { GameState } from './state';

const GAME_STATUS = defineSearchAttributeKey('GameStatus', SearchAttributeType.KEYWORD);
const CURRENT_TURN = defineSearchAttributeKey('CurrentTurn', SearchAttributeType.INT);
const NEXT_TURN_AT = defineSearchAttributeKey('NextTurnAt', SearchAttributeType.DATETIME);
const ENGINE_VERSION = defineSearchAttributeKey('EngineVersion', SearchAttributeType.KEYWORD);

/** Shows the game as it stands: one event in the history, so once for a turn and not while it is being made. */
export function showState(state: GameState, note: string): void {
  const nextTurnAt =
    expectsTicks(state.status) && state.nextTickAt !== null ? new Date(state.nextTickAt) : null;
  upsertSearchAttributes([
    { key: GAME_STATUS, value: state.status },
    { key: CURRENT_TURN, value: state.currentTurn },
    { key: NEXT_TURN_AT, value: nextTurnAt },
    { key: ENGINE_VERSION, value: state.engineVersion },
  ]);
  describe(state, note);
}

/** Current details are no event: they may be renewed at will. */
export function describe(state: GameState, note: string): void {
  setCurrentDetails(
    [
      `**${state.gameId}** is **${words(state.status)}** at turn **${state.currentTurn.toString()}**`,
      '',
      `- engine version: ${state.engineVersion}`,
      `- schedule: \`${state.schedule.expression}\` (UTC)`,
      `- next turn: ${instant(state.nextTickAt)}`,
      ...(state.skippedTickAt === null ? [] : [`- skipped tick: ${instant(state.skippedTickAt)}`]),
      ...(state.outboxPending ? ['- events are waiting for Redis'] : []),
      '',
      note,
    ].join('\n'),
  );
}

export function instant(epochMs: number | null): string {
  return epochMs === null ? 'none' : new Date(epochMs).toISOString().replace('.000Z', 'Z');
}

function words(status: RuntimeStatus): string {
  return status.replaceAll('_', ' ');
}
