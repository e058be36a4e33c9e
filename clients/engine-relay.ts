import type { Writable } from 'node:stream';
import { LRUCache } from 'lru-cache';
import { Pool, type Dispatcher } from 'undici';
import { z } from 'zod';
import { GameMasterError } from '../domain/errors';
import { guardedConnector } from './engine-address';
import type { TraceCall } from './trace-call';

export interface RelayOptions {
  /** Milliseconds that a call may take in all: waiting for a connection, the engine's thinking, its whole answer. */
  timeoutMs: number;
  /** Whether engines may be on this very host: loopback addresses are refused otherwise. */
  allowLoopback: boolean;
  /** Told of every call that was not given up by its caller, with its duration in seconds. */
  onCall?: (
    operation: RelayedCall['operation'],
    outcome: 'ok' | 'refused' | 'failed',
    seconds: number,
  ) => void;
  /** Makes each call part of a trace. */
  trace?: TraceCall | undefined;
}

/** A player's call, as the engine's contract has it (platform/engine/openapi.yaml). */
export interface RelayedCall {
  operation: 'command' | 'order' | 'report';
  method: 'POST' | 'PUT' | 'GET';
  /** With the query. */
  path: string;
  /** JSON. */
  body?: Buffer;
}

/** A 2xx of the engine, as it came. */
export interface RelayedAnswer {
  status: number;
  contentType: string | undefined;
  body: Buffer;
}

/** Reports of large games are long; what is longer than this is a fault. */
const MAX_ANSWER_BYTES = 8 * 1024 * 1024;
/** Who asks for more of one engine than it answers is told so at once: it must not cost the other games. */
const MOST_CALLS_PER_ENGINE = 512;
const CONNECTIONS_PER_ENGINE = 64;
const MOST_ENGINES = 2_000;

/** With a body, and without one: nothing else of a player's request reaches the engine. */
const JSON_BODY = { 'content-type': 'application/json' };
const NO_HEADERS = {};

const errorAnswer = z.object({ error: z.object({ message: z.string() }) });

/** Nobody waits for the answer any more. */
export class CallerLeft extends Error {
  override readonly name = 'CallerLeft';
}

interface Line {
  pool: Pool;
  calls: number;
}

/**
 * Carries players' calls to engines over kept-alive connections. Each goes once: it is never retried, and no redirect
 * is followed. The bytes of an answer are not looked at.
 */
export class EngineRelay {
  private readonly lines: LRUCache<string, Line>;

  constructor(private readonly options: RelayOptions) {
    this.lines = new LRUCache<string, Line>({
      max: MOST_ENGINES,
      // What is under way on it may end.
      dispose: ({ pool }) => void pool.close(),
    });
  }

  /**
   * `caller` is the stream that waits for the answer: when it closes the engine's connection is cut. (An AbortSignal
   * would say the same, at a cost that shows here.)
   *
   * @throws GameMasterError engine_validation_error (4xx, with the engine's message), engine_unreachable (everything
   *   else that is not a 2xx), too_many_requests; CallerLeft
   */
  async call(endpoint: string, call: RelayedCall, caller: Writable): Promise<RelayedAnswer> {
    if (caller.closed) throw new CallerLeft();
    const line = this.lineTo(endpoint);
    if (line.calls >= MOST_CALLS_PER_ENGINE) {
      throw new GameMasterError('too_many_requests', 'too many calls wait for this game');
    }
    const begun = performance.now();
    line.calls += 1;
    try {
      const answer = await this.traced(line.pool, endpoint, call, caller);
      refuseFailure(answer);
      this.told(call, 'ok', begun);
      return answer;
    } catch (error) {
      if (!(error instanceof CallerLeft)) this.told(call, isRefusal(error) ? 'refused' : 'failed', begun);
      throw error;
    } finally {
      line.calls -= 1;
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.lines.values()].map(({ pool }) => pool.destroy()));
  }

  private told(call: RelayedCall, outcome: 'ok' | 'refused' | 'failed', begun: number): void {
    this.options.onCall?.(call.operation, outcome, (performance.now() - begun) / 1_000);
  }

  private traced(pool: Pool, endpoint: string, call: RelayedCall, caller: Writable): Promise<RelayedAnswer> {
    const { trace } = this.options;
    if (trace === undefined) return this.exchange(pool, call, caller);
    const attributes = { 'http.request.method': call.method, 'url.full': endpoint + call.path };
    return trace({ name: `engine ${call.operation}`, attributes }, (headers) =>
      this.exchange(pool, call, caller, headers),
    );
  }

  private exchange(
    pool: Pool,
    call: RelayedCall,
    caller: Writable,
    traceHeaders: Record<string, string> = NO_HEADERS,
  ): Promise<RelayedAnswer> {
    const { method, path, body } = call;
    return new Promise((resolve, reject) => {
      const exchange = new Exchange(resolve, reject, caller, this.options.timeoutMs);
      pool.dispatch(
        {
          method,
          path,
          body: body ?? null,
          headers: body === undefined ? traceHeaders : { ...JSON_BODY, ...traceHeaders },
          // The exchange has one timer for all of it.
          headersTimeout: 0,
          bodyTimeout: 0,
        },
        exchange,
      );
    });
  }

  private lineTo(endpoint: string): Line {
    let line = this.lines.get(endpoint);
    if (line === undefined) {
      const { timeoutMs, allowLoopback } = this.options;
      const pool = new Pool(new URL(endpoint).origin, {
        connections: CONNECTIONS_PER_ENGINE,
        pipelining: 1,
        maxResponseSize: MAX_ANSWER_BYTES,
        // Below what engines keep, so that none closes a connection on which a call has just been sent.
        keepAliveTimeout: 4_000,
        connect: guardedConnector({ timeoutMs, allowLoopback }),
      });
      line = { pool, calls: 0 };
      this.lines.set(endpoint, line);
    }
    return line;
  }
}

/** One call on its way, settled exactly once: by the answer, a failure, the time limit or the caller's leaving. */
class Exchange implements Dispatcher.DispatchHandler {
  private controller: Dispatcher.DispatchController | undefined;
  private settled = false;
  private status = 0;
  private contentType: string | undefined;
  private readonly chunks: Buffer[] = [];
  private readonly timer: NodeJS.Timeout;

  constructor(
    private readonly resolve: (answer: RelayedAnswer) => void,
    private readonly reject: (error: unknown) => void,
    private readonly caller: Writable,
    timeoutMs: number,
  ) {
    this.timer = setTimeout(
      () => this.giveUp(unreachable(`did not answer within ${timeoutMs} ms`)),
      timeoutMs,
    );
    caller.on('close', this.onLeft);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.controller = controller;
    // It was given up while it waited for a connection: nothing is sent.
    if (this.settled) controller.abort(new Error('given up'));
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    this.status = status;
    const { 'content-type': contentType, 'content-encoding': encoding } = headers;
    // None was asked for, and the header that would say so is not passed on.
    if (encoding !== undefined && encoding !== 'identity') {
      this.giveUp(unreachable('sent a compressed answer'));
    } else if (Array.isArray(contentType)) {
      this.giveUp(unreachable('sent an answer of several types'));
    } else {
      this.contentType = contentType;
    }
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.chunks.push(chunk);
  }

  onResponseEnd(): void {
    const [first] = this.chunks;
    const body = first !== undefined && this.chunks.length === 1 ? first : Buffer.concat(this.chunks);
    this.settle(() => this.resolve({ status: this.status, contentType: this.contentType, body }));
  }

  onResponseError(_controller: Dispatcher.DispatchController, cause: Error): void {
    this.settle(() => this.reject(unreachable(`cannot be reached: ${cause.message}`, cause)));
  }

  private readonly onLeft = (): void => this.giveUp(new CallerLeft());

  private giveUp(reason: unknown): void {
    this.settle(() => this.reject(reason));
    this.controller?.abort(new Error('given up'));
  }

  private settle(outcome: () => void): void {
    if (this.settled) return;
    this.settled = true;
    clearTimeout(this.timer);
    this.caller.off('close', this.onLeft);
    outcome();
  }
}

function refuseFailure({ status, body }: RelayedAnswer): void {
  if (status >= 200 && status < 300) return;
  if (status < 400 || status >= 500) throw unreachable(`answered ${status}`);
  const said = errorAnswer.safeParse(parseJson(body));
  const message = said.success ? said.data.error.message : `the engine answered ${status}`;
  throw new GameMasterError('engine_validation_error', message);
}

function isRefusal(error: unknown): boolean {
  return error instanceof GameMasterError && error.code === 'engine_validation_error';
}

function unreachable(what: string, cause?: unknown): GameMasterError {
  return new GameMasterError('engine_unreachable', `the engine ${what}`, { cause });
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined;
  }
}
