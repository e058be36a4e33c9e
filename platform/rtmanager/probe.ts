/** Whether an engine answers. */
import { request } from 'undici';

/** Asks `/healthz`. Resolves with null when it answered as it should, else with what is wrong. */
export async function probe(endpoint: string, timeoutMs: number): Promise<string | null> {
  try {
    const { statusCode, body } = await request(`${endpoint}/healthz`, {
      signal: AbortSignal.timeout(timeoutMs),
      // A connection that is kept would tell of the engine that was there before.
      reset: true,
    });
    await body.dump();
    return statusCode === 200 ? null : `answered ${statusCode}`;
  } catch (error) {
    if (error instanceof Error && error.name === 'TimeoutError') return `no answer within ${timeoutMs} ms`;
    return error instanceof Error ? error.message : String(error);
  }
}
