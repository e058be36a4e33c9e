import type { StartFailure } from './driver';
import type { JobResult, Runtime } from './runtime';

export function started({ containerId, endpoint }: Runtime): JobResult {
  return { ...nothing, outcome: 'success', containerId: containerId ?? '', endpoint: endpoint ?? '' };
}

export function stopped(containerId: string | null): JobResult {
  return { ...nothing, outcome: 'success', containerId: containerId ?? '' };
}

export function failed({ code, message }: Pick<StartFailure, 'code' | 'message'>): JobResult {
  return { ...nothing, outcome: 'failure', errorCode: code, errorMessage: message };
}

const nothing = { containerId: '', endpoint: '', errorCode: '', errorMessage: '' };
