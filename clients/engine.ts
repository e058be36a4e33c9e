import { LRUCache } from 'lru-cache';
import { errors, Pool } from 'undici';
import { z } from 'zod';
import { guardedConnector } from './engine-address';
import type { TraceCall } from './trace-call';

/** The engine's StateResponse (platform/engine/openapi.yaml); what else it sends is not looked at. */
const stateResponse = z.object({
  turn: z.int().min(0),
  finished: z.boolean(),
  player: z.array(
    z.object({
      id: z.uuid(),
      race_name: z.string(),
      planets: z.number().min(0),
      population: z.number().min(0),
    }),
  ),
});
export type EngineState = z.infer<typeof stateResponse>;

const errorResponse = z.object({ error: z.object({ code: z.string(), message: z.string() }) });

/**
 * How a call to an engine failed:
 * - `unsent`: it never reached the engine;
 * - `lost`: it was sent and its connection broke before the answer arrived: the engine may still be working on it;
 * - `silent`: the same, but the connection stood: the answer did not come in time;
 * - `bad_answer`: the engine answered, but with a fault of its own or with what is not a StateResponse;
 * - `elsewhere`: the engine does not stand at the turn that the call was meant for (412);
 * - `refused`: the engine will not do this (another 4xx); `message` is its own.
 */
export type EngineFailureKind = 'unsent' | 'lost' | 'silent' | 'bad_answer' | 'elsewhere' | 'refused';

export class EngineFailure extends Error {
  override readonly name = 'EngineFailure';

  constructor(
    readonly kind: EngineFailureKind,
    message: string,
    /** The HTTP status and the engine's error code, where it answered with them. */
    readonly answer: { status?: number; code?: string } = {},
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }
}

export interface EngineClientOptions {
  /** Milliseconds that one turn call may take. */
  turnTimeoutMs: number;
  /** Milliseconds for init, status and banish. */
  adminTimeoutMs: number;
  /** Whether engines may be on this very host: loopback addresses are refused otherwise. */
  allowLoopback: boolean;
  /** Told of every call, with its duration in seconds. */
  onCall?: (operation: string, outcome: 'ok' | EngineFailureKind, seconds: number) => void;
  /** Makes each call part of a trace; the headers that it gives carry the trace to the engine. */
  trace?: TraceCall;
}

const untraced: TraceCall = (_span, call) => call({});

type Operation = 'status' | 'init' | 'turn' | 'banish';

interface EngineRequest {
  method: 'GET' | 'POST';
  path: string;
  body?: string;
  headers?: Record<string, string>;
  signal: AbortSignal | undefined;
  withinMs?: number | undefined;
}

/** Answers of an engine are small: some hundred bytes a player. Longer ones are a fault. */
const MAX_RESPONSE_BYTES = 1024 * 1024;
const MOST_POOLS = 2_000;
const CONNECTIONS_PER_ENGINE = 8;

/** Failures that happen before a byte of the request is sent. */
const UNSENT = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
  'ERR_ADDRESS_NOT_ALLOWED',
]);

/** The connection's own limits, should they be noticed before ours. */
const TIMED_OUT = new Set(['UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT']);

/**
 * Speaks to engines, one kept-alive pool each. Never retries, never follows a redirect; every call ends within its
 * timeout. All methods throw EngineFailure, or the abort reason when `signal` is aborted.
 */
export class EngineClient {
  private readonly pools: LRUCache<string, Pool>;

  constructor(private readonly options: EngineClientOptions) {
    this.pools = new LRUCache<string, Pool>({
      max: MOST_POOLS,
      // A pool that is dropped lets its calls end.
      dispose: (pool) => void pool.close(),
    });
  }

  /** `withinMs` shortens the call's timeout, as far as it is the shorter one. */
  status(endpoint: string, signal?: AbortSignal, withinMs?: number): Promise<EngineState> {
    return this.call(
      'status',
      endpoint,
      { method: 'GET', path: '/api/v1/admin/status', signal, withinMs },
      readState,
    );
  }

  init(endpoint: string, raceNames: readonly string[], signal?: AbortSignal): Promise<EngineState> {
    const body = JSON.stringify({ races: raceNames.map((race_name) => ({ race_name })) });
    return this.call(
      'init',
      endpoint,
      { method: 'POST', path: '/api/v1/admin/init', body, signal },
      readState,
    );
  }

  /**
   * Orders the turn after `currentTurn`; an engine that stands elsewhere when it applies answers `elsewhere`.
   * `withinMs` shortens the call's timeout, as far as it is the shorter one.
   */
  turn(endpoint: string, currentTurn: number, signal?: AbortSignal, withinMs?: number): Promise<EngineState> {
    const headers = { 'if-match': `"${currentTurn.toString()}"` };
    return this.call(
      'turn',
      endpoint,
      { method: 'POST', path: '/api/v1/admin/turn', headers, signal, withinMs },
      readState,
    );
  }

  /** Banishes a race; the answer has no content. */
  async banish(endpoint: string, raceName: string, signal?: AbortSignal): Promise<void> {
    const body = JSON.stringify({ race_name: raceName });
    await this.call(
      'banish',
      endpoint,
      { method: 'POST', path: '/api/v1/admin/race/banish', body, signal },
      readDone,
    );
  }

  async close(): Promise<void> {
    const pools = [...this.pools.values()];
    await Promise.all(pools.map((pool) => pool.destroy()));
  }

  private call<Answer>(
    operation: Operation,
    endpoint: string,
    request: EngineRequest,
    read: (status: number, body: string) => Answer,
  ): Promise<Answer> {
    const { trace = untraced } = this.options;
    const attributes = { 'http.request.method': request.method, 'url.full': endpoint + request.path };
    return trace({ name: `engine ${operation}`, attributes }, (headers) =>
      this.send(operation, endpoint, { ...request, headers: { ...request.headers, ...headers } }, read),
    );
  }

  private async send<Answer>(
    operation: Operation,
    endpoint: string,
    request: EngineRequest,
    read: (status: number, body: string) => Answer,
  ): Promise<Answer> {
    const { signal, withinMs = Infinity, ...rest } = request;
    const longestMs = operation === 'turn' ? this.options.turnTimeoutMs : this.options.adminTimeoutMs;
    const timeoutMs = Math.max(1, Math.min(longestMs, withinMs));
    const timeout = AbortSignal.timeout(timeoutMs);
    const begun = performance.now();
    const told = (outcome: 'ok' | EngineFailureKind): void =>
      this.options.onCall?.(operation, outcome, (performance.now() - begun) / 1000);
    try {
      const response = await this.poolOf(endpoint).request({
        ...rest,
        headers: { ...rest.headers, ...(rest.body !== undefined && { 'content-type': 'application/json' }) },
        signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
        headersTimeout: timeoutMs,
        bodyTimeout: timeoutMs,
      });
      const answer = read(response.statusCode, await response.body.text());
      told('ok');
      return answer;
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      const failure = classify(error, timeoutMs);
      told(failure.kind);
      throw failure;
    }
  }

  private poolOf(endpoint: string): Pool {
    const origin = new URL(endpoint).origin;
    let pool = this.pools.get(origin);
    if (pool === undefined) {
      pool = new Pool(origin, {
        connections: CONNECTIONS_PER_ENGINE,
        pipelining: 1,
        maxResponseSize: MAX_RESPONSE_BYTES,
        keepAliveTimeout: 4_000,
        connect: guardedConnector({
          timeoutMs: Math.min(this.options.adminTimeoutMs, 5_000),
          allowLoopback: this.options.allowLoopback,
        }),
      });
      this.pools.set(origin, pool);
    }
    return pool;
  }
}

function readState(status: number, body: string): EngineState {
  if (status >= 200 && status < 300) {
    const parsed = stateResponse.safeParse(parseJson(body));
    if (parsed.success) return parsed.data;
    throw new EngineFailure('bad_answer', `engine answered ${status} with what is not its state`, { status });
  }
  throw failureIn(status, body);
}

/** Any success will do. */
function readDone(status: number, body: string): void {
  if (status < 200 || status >= 300) throw failureIn(status, body);
}

function failureIn(status: number, body: string): EngineFailure {
  const parsed = errorResponse.safeParse(parseJson(body));
  const said = parsed.success ? parsed.data.error : { code: '', message: `HTTP ${status.toString()}` };
  const answer = { status, code: said.code };
  if (status === 412) return new EngineFailure('elsewhere', said.message, answer);
  if (status >= 400 && status < 500 && status !== 429)
    return new EngineFailure('refused', said.message, answer);
  return new EngineFailure('bad_answer', `engine answered ${status}: ${said.message}`, answer);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function classify(error: unknown, timeoutMs: number): EngineFailure {
  if (error instanceof EngineFailure) return error;
  if (error instanceof errors.ResponseExceededMaxSizeError) {
    return new EngineFailure('bad_answer', 'engine sent an answer that is too long', {}, { cause: error });
  }
  if ((error instanceof DOMException && error.name === 'TimeoutError') || TIMED_OUT.has(codeOf(error))) {
    return new EngineFailure('silent', `engine did not answer within ${timeoutMs} ms`, {}, { cause: error });
  }
  const message = error instanceof Error ? error.message : String(error);
  return UNSENT.has(codeOf(error))
    ? new EngineFailure('unsent', `engine cannot be reached: ${message}`, {}, { cause: error })
    : new EngineFailure('lost', `connection to the engine broke: ${message}`, {}, { cause: error });
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
