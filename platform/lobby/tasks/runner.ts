import { gameLogger, type Logger } from '../../service/logging';
import type { Alarm } from '../alarm';
import { retryDelayMs } from '../domain/retry-delay';
import { dueTasks, postpone, type Task, type TaskKind } from '../stores/tasks';
import { banish } from './banish';
import { giveUpStart } from './give-up-start';
import { invalidate } from './invalidate';
import { register } from './register';
import { stop } from './stop';
import type { Attempt, TaskParts } from './task';

const ATTEMPTS: Readonly<Record<TaskKind, Attempt>> = {
  give_up_start: giveUpStart,
  register,
  banish,
  stop,
  invalidate,
};

/** Attempts at a time of one kind: calls that hang hold up others of their kind only. */
const MOST_AT_ONCE = 8;
/** How often it is looked for tasks that have become due. */
const LOOK_AGAIN_MS = 500;

/** Attempts tasks as they become due, until `stopping` is aborted; those under way are broken off. Never rejects. */
export async function runTasks(
  parts: TaskParts,
  { alarm, log }: { alarm: Alarm; log: Logger },
  stopping: AbortSignal,
): Promise<void> {
  const underWay = new Map<string, { kind: TaskKind; attempt: Promise<void> }>();
  const countOf = (kind: TaskKind) => [...underWay.values()].filter((other) => other.kind === kind).length;
  while (!stopping.aborted) {
    // Also attempts that end while the tasks are looked up: what is read may be the task as it was before.
    const attempted = new Set(underWay.keys());
    const due = await dueTasks(parts.database, 2 * MOST_AT_ONCE).catch((error: unknown) => {
      log.warn({ err: error }, 'tasks cannot be looked up, trying again');
      return [];
    });
    for (const task of due) {
      const name = `${task.kind} ${task.gameId} ${task.subject}`;
      if (attempted.has(name) || countOf(task.kind) >= MOST_AT_ONCE) continue;
      const attempt = attemptOnce(task, parts, log, stopping).finally(() => {
        underWay.delete(name);
        alarm.ring();
      });
      underWay.set(name, { kind: task.kind, attempt });
    }
    await alarm.wait(LOOK_AGAIN_MS, stopping);
  }
  await Promise.all(Array.from(underWay.values(), ({ attempt }) => attempt));
}

async function attemptOnce(task: Task, parts: TaskParts, log: Logger, signal: AbortSignal): Promise<void> {
  const { gameId, kind } = task;
  const about = gameLogger(log, gameId).child({ task: kind });
  try {
    await ATTEMPTS[kind](task, parts, { log: about, signal });
  } catch (error) {
    if (signal.aborted) return;
    about.error({ err: error }, 'a task could not be attempted or settled');
    const delayMs = retryDelayMs(task.attempts + 1);
    // Without Postgres it stays due as it is.
    await postpone(parts.database, task, { delayMs, wasAnswered: false }).catch(() => undefined);
  }
}
