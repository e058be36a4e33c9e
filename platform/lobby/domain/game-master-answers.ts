/** What an answer of Game Master's means for a game of ours: tables by its error codes. */

/** What came back of a call; no status where nothing did, or not in time. */
export interface Answer {
  status: number | null;
  /** Game Master's error code; null for a success, and where something else answered. */
  code: string | null;
  message: string;
}

export const succeeded = ({ status }: Answer): boolean => status !== null && status < 300;
const isServerError = ({ status }: Answer): boolean => status !== null && status >= 500;

/**
 * What to do about a registration:
 * - `registered`: Game Master has the game;
 * - `refused`: it never will, so the engine is to be taken down;
 * - `look`: it has or had the game in hand already, so look how it does;
 * - `engine_away`: the engine does not answer it; try again, and take it as refused when that goes on;
 * - `away`: Game Master cannot be asked now, or only by somebody else: try again, and pause the game when that goes on.
 */
export type RegistrationVerdict = 'registered' | 'refused' | 'look' | 'engine_away' | 'away';

const REGISTRATION: Readonly<Record<string, RegistrationVerdict>> = {
  conflict: 'look',
  engine_unreachable: 'engine_away',
  // Of the caller, and how often it calls, not of the game.
  unauthorized: 'away',
  forbidden: 'away',
  too_many_requests: 'away',
  service_unavailable: 'away',
  internal_error: 'away',
};

export function judgeRegistration(answer: Answer): RegistrationVerdict {
  if (succeeded(answer)) return 'registered';
  // A proxy in between, or nobody.
  if (answer.code === null) return 'away';
  return REGISTRATION[answer.code] ?? (isServerError(answer) ? 'away' : 'refused');
}

/** What the game's status at Game Master says of a registration that it refused as a conflict. */
export function judgeConflict(runtimeStatus: string): RegistrationVerdict {
  // A registration that is under way may still fail, and one that failed can be repeated.
  return runtimeStatus === 'starting' || runtimeStatus === 'unregistered' ? 'away' : 'registered';
}

/** What resuming does about a game, by its status at Game Master. */
export type ResumeVerdict = 'runs' | 'register' | 'conflict';

const RESUMING: Readonly<Record<string, ResumeVerdict>> = {
  running: 'runs',
  generation_in_progress: 'runs',
  unregistered: 'register',
  starting: 'register',
};

export function judgeResume(runtimeStatus: string): ResumeVerdict {
  return RESUMING[runtimeStatus] ?? 'conflict';
}

/** Whether a banishment is done with. 404: the race or its game is not there, so there is nobody to banish. */
export function isBanished({ status, code }: Answer): boolean {
  return status === 204 || (status === 404 && code !== null);
}

/**
 * What became of a stop:
 * - `stopped`: the game is, and its engine with it;
 * - `engine_left`: Game Master has no such game, or it was played to its end: an engine may be there still;
 * - `look`: the game is over there already, or busy;
 * - `again`: try again.
 */
export type StopVerdict = 'stopped' | 'engine_left' | 'look' | 'again';

const STOPPING: Readonly<Record<string, StopVerdict>> = {
  runtime_not_found: 'engine_left',
  conflict: 'look',
};

export function judgeStop(answer: Answer): StopVerdict {
  if (succeeded(answer)) return 'stopped';
  return (answer.code === null ? undefined : STOPPING[answer.code]) ?? 'again';
}

const STOPPED: Readonly<Record<string, Exclude<StopVerdict, 'look'>>> = {
  stopped: 'stopped',
  finished: 'engine_left',
  unregistered: 'engine_left',
};

/** What the game's status at Game Master says of a stop that it refused as a conflict. */
export function judgeStopConflict(runtimeStatus: string): Exclude<StopVerdict, 'look'> {
  return STOPPED[runtimeStatus] ?? 'again';
}
