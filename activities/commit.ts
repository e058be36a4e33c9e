import type { RuntimeRow } from '../domain/runtime-record';
import type { Change, RuntimeRecordStore } from '../stores/runtime-records';
import { refusalsAreFinal } from './failures';
import { flushAtOnce, type OutboxActivitiesDeps } from './outbox';
import type { GameRef } from './operation';

/** What the workflow has to know of a write: whether its events are on their streams already. */
export interface Written {
  outboxEmpty: boolean;
}

interface Commit extends GameRef {
  revision: number;
  /** Events of earlier writes wait: those of this one have to queue behind them. */
  outboxPending: boolean;
}

/**
 * One status write that depends on the row as it is, with its log rows and events, and then its events' way out.
 * `decide` returns null where there is nothing to change. A write that is found done is not done again.
 */
export async function commitChange(
  deps: OutboxActivitiesDeps & { records: RuntimeRecordStore },
  { gameId, registrationId, revision, outboxPending }: Commit,
  decide: (row: RuntimeRow) => Change | null,
): Promise<Written & { applied: boolean; row: RuntimeRow }> {
  const game = { gameId, registrationId };
  const decisions: (Change | null)[] = [];
  const { applied, row } = await refusalsAreFinal(() =>
    deps.records.changeLocked({ ...game, revision }, (before) => {
      const decision = decide(before);
      decisions.push(decision);
      return decision;
    }),
  );
  const decision = decisions.at(-1);
  // Where an earlier attempt made the write, its events may still be waiting: the workflow has them flushed.
  const outboxEmpty =
    !outboxPending &&
    (decision === null || (applied && (await flushAtOnce(deps, game, decision?.events ?? []))));
  return { applied, row, outboxEmpty };
}
