/** Game Master's own client, for whoever calls it: typed by the contract, which is api/internal-openapi.yaml. */
import createClient, { type Client } from 'openapi-fetch';
import type { components, paths } from './generated/gamemaster';

export type GameMasterSchemas = components['schemas'];

/** `client.GET('/api/v1/internal/runtimes/{game_id}', …)` and so on: paths, parameters, bodies and answers are typed. */
export type GameMasterClient = Client<paths>;

export interface GameMasterClientOptions {
  /** Origin of the api, without a path. */
  baseUrl: string;
  /** Where the api asks its callers for tokens. */
  token?: string;
  /** Milliseconds for a whole call. Lifecycle calls may take as long as the api waits for their operation. */
  timeoutMs?: number;
}

const DEFAULT_TIMEOUT_MS = 60_000;

/** Refusals are answers (`error`), not exceptions; only what brings no answer throws. `orThrow` is for the others. */
export function gameMasterClient(options: GameMasterClientOptions): GameMasterClient {
  const { baseUrl, token, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  return createClient<paths>({
    baseUrl,
    ...(token !== undefined && { headers: { authorization: `Bearer ${token}` } }),
    fetch: (request) =>
      fetch(request, { signal: AbortSignal.any([request.signal, AbortSignal.timeout(timeoutMs)]) }),
  });
}

/** Game Master's no, with its code. */
export class GameMasterRefusal extends Error {
  override readonly name = 'GameMasterRefusal';

  constructor(
    readonly status: number,
    /** Undefined where the answer was not Game Master's, but something's in between. */
    readonly code: GameMasterSchemas['ErrorCode'] | undefined,
    message: string,
  ) {
    super(message);
  }
}

/** The answer of a call that succeeded. @throws GameMasterRefusal */
export async function orThrow<Data>(
  call: Promise<{ data?: Data; error?: unknown; response: Response }>,
): Promise<Data> {
  const { data, error, response } = await call;
  if (response.ok) return data as Data;
  const { code, message } = (error as Partial<GameMasterSchemas['ErrorEnvelope']> | undefined)?.error ?? {};
  throw new GameMasterRefusal(
    response.status,
    code,
    `${new URL(response.url).pathname} was answered ${response.status}${code === undefined ? '' : ` ${code}: ${message ?? ''}`}`,
  );
}
