/**
 * What only Runtime Manager may do to a game's container. Its requests are idempotent there, so a lost worker simply
 * asks again. A refusal (`conflict`) and silence (`service_unavailable`) are final for the operation.
 */
import { cancellationSignal } from '@temporalio/activity';
import { RuntimeManagerFailure, type RuntimeManagerClient } from '../clients/runtime-manager';
import { isExactSemver } from '../domain/engine-version';
import type { OperationLogStore } from '../stores/operation-log';
import type { RuntimeRecordStore } from '../stores/runtime-records';
import { final, refusalsAreFinal } from './failures';
import { whileHeartbeating } from './heartbeat';
import type { GameRef, Operation } from './operation';
import { findRemembered, type Remembered } from './remembered';

export interface RuntimeManagerActivitiesDeps {
  runtimeManager: RuntimeManagerClient;
  operations: OperationLogStore;
  records: RuntimeRecordStore;
}

export interface StopContainerInput extends GameRef {
  operation: Operation;
  reason: string;
}

export interface PatchContainerInput extends GameRef {
  operation: Operation;
  version: string;
  /** What the game runs on now. */
  currentVersion: string;
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
        throw asFinal(error);
      }
    },

    /**
     * Has the container replaced by one of a later patch. The version is reserved on the record first, so that it
     * cannot be deleted meanwhile; the write that follows, or the failure, ends the reservation.
     */
    async patchContainer(
      input: PatchContainerInput,
    ): Promise<{ remembered: Remembered | null; imageRef: string }> {
      const { gameId, registrationId, operation, version, currentVersion } = input;
      const remembered = await findRemembered(deps.operations, gameId, operation);
      if (remembered) return { remembered, imageRef: '' };
      // The front door lets no other through, but a signal may bring anything.
      if (!isExactSemver(version)) {
        throw final('invalid_request', 'version must be an exact semantic version like 1.4.2');
      }
      const imageRef = await refusalsAreFinal(() =>
        deps.records.reservePatch({ gameId, registrationId, version, currentVersion }),
      );
      try {
        await whileHeartbeating(() => deps.runtimeManager.patch(gameId, imageRef, cancellationSignal()));
        return { remembered: null, imageRef };
      } catch (error) {
        const failure = asFinal(error);
        await deps.records.releasePatch({ gameId, registrationId });
        throw failure;
      }
    },
  };
}

/** What Runtime Manager said is final; anything else goes on as it is. */
function asFinal(error: unknown): unknown {
  if (!(error instanceof RuntimeManagerFailure)) return error;
  return final(error.kind === 'refused' ? 'conflict' : 'service_unavailable', error.message, error);
}
