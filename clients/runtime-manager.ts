import { errors, Pool } from 'undici';

/** `refused`: Runtime Manager will not (4xx). `unavailable`: it is not there, or failed itself. */
export class RuntimeManagerFailure extends Error {
  override readonly name = 'RuntimeManagerFailure';

  constructor(
    readonly kind: 'refused' | 'unavailable',
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }
}

export interface RuntimeManagerOptions {
  baseUrl: string;
  timeoutMs: number;
}

/** Answers are not read but for an error's message; one that is longer is cut off. */
const MAX_RESPONSE_BYTES = 64 * 1024;

/** Asks Runtime Manager for what only it may do: containers. Repeating a request is safe there. */
export class RuntimeManagerClient {
  private readonly pool: Pool;

  constructor(private readonly options: RuntimeManagerOptions) {
    this.pool = new Pool(new URL(options.baseUrl).origin, {
      connections: 16,
      maxResponseSize: MAX_RESPONSE_BYTES,
      keepAliveTimeout: 4_000,
      connect: { timeout: Math.min(options.timeoutMs, 5_000) },
    });
  }

  /** Stops the game's container. One that Runtime Manager does not know counts as stopped. Throws RuntimeManagerFailure. */
  async stop(gameId: string, reason: string, signal?: AbortSignal): Promise<void> {
    await this.post(
      `/api/v1/internal/runtimes/${encodeURIComponent(gameId)}/stop`,
      { reason },
      signal,
      (code) => code === 'runtime_not_found',
    );
  }

  /** Replaces the game's container by one of this image. Throws RuntimeManagerFailure. */
  async patch(gameId: string, imageRef: string, signal?: AbortSignal): Promise<void> {
    const path = `/api/v1/internal/runtimes/${encodeURIComponent(gameId)}/patch`;
    await this.post(path, { image_ref: imageRef }, signal, () => false);
  }

  async close(): Promise<void> {
    await this.pool.destroy();
  }

  private async post(
    path: string,
    body: object,
    signal: AbortSignal | undefined,
    counts: (errorCode: string) => boolean,
  ): Promise<void> {
    const { status, text } = await this.sendWithOneRepeat(path, JSON.stringify(body), signal);
    if (status >= 200 && status < 300) return;
    const { code, message } = readError(status, text);
    if (status === 404 && counts(code)) return;
    if (status >= 400 && status < 500) throw new RuntimeManagerFailure('refused', message);
    throw new RuntimeManagerFailure('unavailable', `Runtime Manager answered ${status}: ${message}`);
  }

  /** A connection that broke may have carried the request: it is sent once more. Silence is not asked twice. */
  private async sendWithOneRepeat(path: string, body: string, signal?: AbortSignal) {
    try {
      return await this.send(path, body, signal);
    } catch (error) {
      signal?.throwIfAborted();
      if (!brokeOff(error)) throw unavailable(error);
    }
    try {
      return await this.send(path, body, signal);
    } catch (error) {
      signal?.throwIfAborted();
      throw unavailable(error);
    }
  }

  private async send(
    path: string,
    body: string,
    signal?: AbortSignal,
  ): Promise<{ status: number; text: string }> {
    const timeout = AbortSignal.timeout(this.options.timeoutMs);
    const response = await this.pool.request({
      method: 'POST',
      path: new URL(this.options.baseUrl).pathname.replace(/\/$/, '') + path,
      headers: { 'content-type': 'application/json' },
      body,
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    });
    return { status: response.statusCode, text: await response.body.text() };
  }
}

function brokeOff(error: unknown): boolean {
  if (error instanceof errors.SocketError) return true;
  return error instanceof Error && 'code' in error && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
}

function unavailable(error: unknown): RuntimeManagerFailure {
  const message = error instanceof Error ? error.message : String(error);
  return new RuntimeManagerFailure('unavailable', `Runtime Manager is not there: ${message}`, {
    cause: error,
  });
}

function readError(status: number, text: string): { code: string; message: string } {
  try {
    const { error } = JSON.parse(text) as { error?: { code?: unknown; message?: unknown } };
    return {
      code: typeof error?.code === 'string' ? error.code : '',
      message: typeof error?.message === 'string' ? error.message : `HTTP ${status.toString()}`,
    };
  } catch {
    return { code: '', message: `HTTP ${status.toString()}` };
  }
}
