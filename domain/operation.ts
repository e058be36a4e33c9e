export const OPERATION_KINDS = [
  'register',
  'turn',
  'force',
  'stop',
  'patch',
  'banish',
  'finish',
  'health',
] as const;
export type OperationKind = (typeof OPERATION_KINDS)[number];

/** Who a caller says it is (`X-Galaxy-Caller`), or the part of the system that acted by itself. */
export const CALLERS = ['lobby', 'gateway', 'admin', 'operator'] as const;
export type Caller = (typeof CALLERS)[number];
export type OperationSource = Caller | 'scheduler' | 'runtime_manager';

export type OperationOutcome = 'success' | 'failure';
