import type { Delivery } from './deliveries';

/** A way to reach people. */
export interface Channel {
  /**
   * Resolves when the delivery is in other hands. It may be asked for the same delivery again, where an earlier
   * attempt was not heard of. Throws Rejected for what will never work; whatever else it throws is tried again.
   */
  deliver(delivery: Delivery): Promise<void>;
}

/** This recipient or message is refused for good. */
export class Rejected extends Error {
  override readonly name = 'Rejected';
}
