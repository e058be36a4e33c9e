import type { Failure } from '../activities/operation';
import type {
  BanishBody,
  CallIdentity,
  CallKind,
  ForceBody,
  OutcomeIdentity,
  PatchBody,
  StopBody,
} from './messages';

interface Waiting<Kind extends string, Body> {
  kind: Kind;
  body: Body;
  /** Null for a signal that a person sent: nobody else knows a key for it. */
  identity: CallIdentity | null;
  /** Nobody waits for the outcome of a signal: also a refusal has to reach the log. */
  via: 'update' | 'signal';
  operationId: string;
  /** Epoch milliseconds of arrival. */
  startedAt: number;
  succeed: (outcome: OutcomeIdentity) => void;
  fail: (failure: Error) => void;
}

export type ForceCall = Waiting<'force', ForceBody>;
export type StopCall = Waiting<'stop', StopBody>;
export type PatchCall = Waiting<'patch', PatchBody>;
export type BanishCall = Waiting<'banish', BanishBody>;
/** A signal that was refused when it came: it only has to reach the log. */
export type RefusedCall = Waiting<'refused', { kind: Exclude<CallKind, 'register'>; failure: Failure }>;
type OrdinaryCall = ForceCall | PatchCall | BanishCall | RefusedCall;
export type Call = StopCall | OrdinaryCall;

/** How many calls other than stop may wait. With a stop they stay below the ten updates that the server admits. */
const MOST_WAITING = 8;

/** What a game has been asked and has not begun. Stops have a place of their own: they go before everything. */
export class Inbox {
  private readonly stops: StopCall[] = [];
  private readonly calls: OrdinaryCall[] = [];

  put(call: Call): void {
    if (call.kind === 'stop') this.stops.push(call);
    else this.calls.push(call);
  }

  /** The call that is next: the oldest stop, else the oldest of the others. */
  take(): Call | undefined {
    return this.stops.shift() ?? this.calls.shift();
  }

  takeStop(): StopCall | undefined {
    return this.stops.shift();
  }

  get isEmpty(): boolean {
    return this.stops.length === 0 && this.calls.length === 0;
  }

  get isFull(): boolean {
    return this.calls.filter(({ kind }) => kind !== 'refused').length >= MOST_WAITING;
  }

  get hasStop(): boolean {
    return this.stops.length > 0;
  }
}
