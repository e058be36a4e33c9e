import { readSettings, type Address } from './env';
import { apiChecks, readByApi, toSharedConfig, tokenOf, type SharedConfig } from './settings';

/** What the api process is told. Times in milliseconds, sizes in bytes. */
export interface ApiConfig extends SharedConfig {
  httpAddress: Address;
  bodyLimit: number;
  /** Who may call with which bearer token; nobody has to when empty. */
  apiTokens: { caller: 'lobby' | 'gateway' | 'admin' | 'operator'; token: string }[];
  /** Whether `/docs` is there. */
  apiDocs: boolean;
  lifecycleWaitMs: number;
  engineHotTimeoutMs: number;
  lobbyTimeoutMs: number;
  membershipCache: { ttlMs: number; maxGames: number };
}

/** @throws InvalidConfig with every problem */
export function loadApiConfig(env: NodeJS.ProcessEnv): ApiConfig {
  const values = readSettings(env, readByApi, apiChecks);
  return {
    ...toSharedConfig(values, env),
    httpAddress: values.GAMEMASTER_HTTP_ADDR,
    bodyLimit: values.GAMEMASTER_HTTP_BODY_LIMIT,
    apiTokens: (values.GAMEMASTER_API_TOKENS ?? []).map((entry) => ({
      caller: entry.slice(0, entry.indexOf(':')) as ApiConfig['apiTokens'][number]['caller'],
      token: tokenOf(entry),
    })),
    apiDocs: values.GAMEMASTER_API_DOCS,
    lifecycleWaitMs: values.GAMEMASTER_LIFECYCLE_WAIT,
    engineHotTimeoutMs: values.GAMEMASTER_ENGINE_HOT_TIMEOUT,
    lobbyTimeoutMs: values.GAMEMASTER_LOBBY_TIMEOUT,
    membershipCache: {
      ttlMs: values.GAMEMASTER_MEMBERSHIP_CACHE_TTL,
      maxGames: values.GAMEMASTER_MEMBERSHIP_CACHE_MAX_GAMES,
    },
  };
}
