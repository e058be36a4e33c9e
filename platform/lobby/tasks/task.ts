import type { Logger } from '../../service/logging';
import type { GameMaster } from '../game-master';
import type { Changes } from '../operations/changes';
import type { OutgoingStreams } from '../operations/jobs';
import type { MembershipNotices } from '../operations/membership-notices';
import type { Task } from '../stores/tasks';
import type { Database } from '../stores/postgres';

/** What carrying tasks out needs. */
export interface TaskParts {
  database: Database;
  changes: Changes;
  gameMaster: GameMaster;
  outgoing: OutgoingStreams;
  notices: Pick<MembershipNotices, 'settle'>;
  /** Whether all results of jobs that are on their stream have been taken in. Rejects while Redis is away. */
  hasReadResults: () => Promise<boolean>;
  /** How often Game Master or the engine may be away before a registration is given up for the time being. */
  registerAttempts: number;
}

/** For one attempt. */
export interface AttemptContext {
  log: Logger;
  /** Aborted when the process is no longer to do it. */
  signal: AbortSignal;
}

/**
 * Attempts a task once: asks Game Master, then settles what came of it in one transaction, in which the task is removed
 * or put off. A process that dies in between leaves the task to the next attempt, which therefore has to be safe to
 * repeat.
 */
export type Attempt = (task: Task, parts: TaskParts, context: AttemptContext) => Promise<void>;

/**
 * The idempotency key of the next attempt. Game Master remembers failures too, so that after each answer another key is
 * due; an attempt without an answer is repeated under its own.
 */
export function keyOf({ kind, gameId, taskId, answered }: Task): string {
  return `${kind}:${gameId}:${taskId}:${answered}`;
}
