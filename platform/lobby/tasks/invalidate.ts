import type { Attempt } from './task';

/** Tells Game Master of a change of memberships, once: of many at a time, or in the place of a process that died. */
export const invalidate: Attempt = (task, { notices }, { signal }) => notices.settle(task, signal);
