/**
 * What only Runtime Manager may do to a game's container. Its requests are idempotent there, so a lost worker simply
 * asks again. A refusal (`conflict`) and silence (`service_unavailable`) are final for the operation.
 */
import { cancellationSignal } from '@temporalio/activity';
import { RuntimeManagerFailure, type RuntimeManagerClient } from '../clients/runtime-manager';
import type { OperationLogStore } from '../stores/operation-log';
import { final } from './failures';
import { whileHeartbeating } from './heartbeat';
import type { GameRef, Operation } from './operation';
import { findRemembered, type Remembered } from './remembered';

export interface RuntimeManagerActivitiesDeps {
  runtimeManager: RuntimeManagerClient;
  operations: OperationLogStore;
}

export interface StopContainerInput extends GameRef {
  operation: Operation;
  reason: string;
}

export function createRuntimeManagerActivities(deps: RuntimeManagerActivitiesDeps) {
  return {
    /** Stops the container, unless the operation's key is remembered from an earlier run of the workflow. */
    async stopContainer({ gameId, operation, reason }: StopContainerInput): Promise<Remembered | null> {
      const remembered = await findRemembered(deps.operations, gameId, operation);
      if (remembered) return remembered;
      try {
        await whileHeartbeating(() => deps.runtimeManager.stop(gameId, reason, cancellationSignal()));
        return null;
      } catch (error) {
        if (!(error instanceof RuntimeManagerFailure)) throw error;
        throw final(error.kind === 'refused' ? 'conflict' : 'service_unavailable', error.message, error);
      }
    },
  };
}
