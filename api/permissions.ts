/** Which caller may do what, where tokens are configured. docs/callers.md shows the same table to people. */
import type { operations } from '../clients/generated/gamemaster';
import type { Caller } from '../domain/operation';

export type OperationId = keyof operations;

const READS: readonly Caller[] = ['lobby', 'admin', 'operator'];
const LIFECYCLE: readonly Caller[] = ['lobby', 'admin'];
const MEMBERSHIP: readonly Caller[] = ['lobby', 'admin'];
const REGISTRY: readonly Caller[] = ['admin'];
const HOT_PATH: readonly Caller[] = ['gateway'];

/** The callers of each operation; null where nobody is asked who they are. */
export const PERMISSIONS: Readonly<Record<OperationId, readonly Caller[] | null>> = {
  internalHealthz: null,
  internalReadyz: null,

  internalRegisterRuntime: LIFECYCLE,
  internalForceNextTurn: LIFECYCLE,
  internalStopRuntime: LIFECYCLE,
  internalPatchRuntime: LIFECYCLE,
  internalBanishRace: LIFECYCLE,

  internalGetRuntime: READS,
  internalListRuntimes: READS,
  internalListOperations: READS,
  internalGameLiveness: READS,
  internalInvalidateMemberships: MEMBERSHIP,

  internalListEngineVersions: READS,
  internalGetEngineVersion: READS,
  internalResolveEngineVersionImageRef: READS,
  internalCreateEngineVersion: REGISTRY,
  internalUpdateEngineVersion: REGISTRY,
  internalDeprecateEngineVersion: REGISTRY,
  internalDeleteEngineVersion: REGISTRY,

  internalExecuteCommands: HOT_PATH,
  internalPutOrders: HOT_PATH,
  internalGetReport: HOT_PATH,
};

export function isOperationId(id: string | undefined): id is OperationId {
  return id !== undefined && id in PERMISSIONS;
}
