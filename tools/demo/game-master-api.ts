import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { RuntimeRecord } from '../../domain/runtime-record';

export interface Registration {
  engine_endpoint: string;
  members: { user_id: string; race_name: string }[];
  target_engine_version: string;
  turn_schedule: string;
}

const CALL_TIMEOUT_MS = 60_000;
const REGISTERED_WITHIN_MS = 30_000;
const REPEAT_AFTER_MS = 1_000;

class Refused extends Error {
  override readonly name = 'Refused';

  constructor(
    call: string,
    readonly status: number,
    body: string,
  ) {
    super(`${call} was answered ${status}: ${body}`);
  }
}

/** The calls of the front door that the demo makes, as Lobby and an admin would. */
export class GameMasterApi {
  /** `baseUrl` includes the prefix of the internal API. */
  constructor(readonly baseUrl: string) {}

  /** @throws Error with status and body of the answer when it is no 2xx, as all of these do */
  async createEngineVersion(version: string, imageRef: string): Promise<void> {
    await this.#call('POST', '/engine-versions', { version, image_ref: imageRef });
  }

  /** A 503 says that the outcome is not known: the same key finds it out, or tries again. */
  async register(gameId: string, registration: Registration): Promise<void> {
    const deadline = Date.now() + REGISTERED_WITHIN_MS;
    const key = randomUUID();
    for (;;) {
      try {
        await this.#call('POST', `/games/${gameId}/register-runtime`, registration, {
          'idempotency-key': key,
        });
        return;
      } catch (error) {
        if (!(error instanceof Refused && error.status === 503) || Date.now() > deadline) throw error;
        await delay(REPEAT_AFTER_MS);
      }
    }
  }

  async runtimes(): Promise<RuntimeRecord[]> {
    const { runtimes } = (await this.#call('GET', '/runtimes')) as { runtimes: RuntimeRecord[] };
    return runtimes;
  }

  async #call(
    method: string,
    path: string,
    body?: object,
    headers: Record<string, string> = {},
  ): Promise<unknown> {
    const response = await fetch(this.baseUrl + path, {
      method,
      signal: AbortSignal.timeout(CALL_TIMEOUT_MS),
      ...(body !== undefined && {
        headers: { ...headers, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
    });
    const text = await response.text();
    if (!response.ok) throw new Refused(`${method} ${path}`, response.status, text);
    return JSON.parse(text);
  }
}
