import type { RuntimeRecord } from '../../domain/runtime-record';

export interface Registration {
  engine_endpoint: string;
  members: { user_id: string; race_name: string }[];
  target_engine_version: string;
  turn_schedule: string;
}

const CALL_TIMEOUT_MS = 60_000;

/** The calls of the front door that the demo makes, as Lobby and an admin would. */
export class GameMasterApi {
  /** `baseUrl` includes the prefix of the internal API. */
  constructor(readonly baseUrl: string) {}

  /** @throws Error with the code and message of the answer, as all of these do */
  async createEngineVersion(version: string, imageRef: string): Promise<void> {
    await this.#call('POST', '/engine-versions', { version, image_ref: imageRef });
  }

  async register(gameId: string, registration: Registration): Promise<void> {
    await this.#call('POST', `/games/${gameId}/register-runtime`, registration);
  }

  async runtimes(): Promise<RuntimeRecord[]> {
    const { runtimes } = (await this.#call('GET', '/runtimes')) as { runtimes: RuntimeRecord[] };
    return runtimes;
  }

  async #call(method: string, path: string, body?: object): Promise<unknown> {
    const response = await fetch(this.baseUrl + path, {
      method,
      signal: AbortSignal.timeout(CALL_TIMEOUT_MS),
      ...(body !== undefined && {
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path} was answered ${response.status}: ${text}`);
    return JSON.parse(text);
  }
}
