import { setTimeout as delay } from 'node:timers/promises';

/** What the demo reads of a game (platform/lobby/openapi.yaml). */
export interface LobbyGame {
  game_id: string;
  name: string;
  status: string;
  status_reason: string | null;
  active_players: number;
  runtime: { current_turn: number } | null;
}

/** On whose behalf: a person, or the administration. */
type Caller = { user: string } | 'admin';

const STARTED_WITHIN_MS = 45_000;
const LOOK_EVERY_MS = 200;

/** Lobby over REST, as Edge Gateway and administrators would use it. */
export class Lobby {
  constructor(readonly url: string) {}

  createGame(game: {
    name: string;
    target_engine_version: string;
    turn_schedule: string;
    min_players: number;
    max_players: number;
  }): Promise<LobbyGame> {
    return this.#call<LobbyGame>('POST', '', 'admin', game);
  }

  async openEnrollment(gameId: string): Promise<void> {
    await this.#call('POST', `/${gameId}/open-enrollment`, 'admin');
  }

  /** The player asks, and the administration agrees. */
  async apply(gameId: string, user: string, raceName: string): Promise<void> {
    const { application_id: id } = await this.#call<{ application_id: string }>(
      'POST',
      `/${gameId}/applications`,
      { user },
      { race_name: raceName },
    );
    await this.#call('POST', `/${gameId}/applications/${id}/approve`, 'admin');
  }

  /** The administration invites, and the player accepts. */
  async invite(gameId: string, user: string, raceName: string): Promise<void> {
    const { invite_id: id } = await this.#call<{ invite_id: string }>('POST', `/${gameId}/invites`, 'admin', {
      user_id: user,
    });
    await this.#call('POST', `/${gameId}/invites/${id}/redeem`, { user }, { race_name: raceName });
  }

  /** Resolves when the game is running. @throws Error saying what became of it instead */
  async start(gameId: string): Promise<void> {
    await this.#call('POST', `/${gameId}/start`, 'admin');
    const deadline = Date.now() + STARTED_WITHIN_MS;
    for (;;) {
      const {
        name,
        status,
        status_reason: reason,
      } = await this.#call<LobbyGame>('GET', `/${gameId}`, 'admin');
      if (status === 'running' || status === 'finished') return;
      const why = `${status.replaceAll('_', ' ')}${reason === null ? '' : ` (${reason})`}`;
      if (status !== 'starting') throw new Error(`The game ${name} did not start: it is ${why}.`);
      if (Date.now() > deadline)
        throw new Error(`The game ${name} did not start within ${STARTED_WITHIN_MS / 1000} s: it is ${why}.`);
      await delay(LOOK_EVERY_MS);
    }
  }

  async games(): Promise<LobbyGame[]> {
    return (await this.#call<{ games: LobbyGame[] }>('GET', '', 'admin')).games;
  }

  async #call<Answer>(method: string, path: string, caller: Caller, body?: object): Promise<Answer> {
    const response = await fetch(`${this.url}/api/v1/lobby/games${path}`, {
      method,
      headers: {
        ...(caller === 'admin' ? { 'x-galaxy-caller': 'admin' } : { 'x-user-id': caller.user }),
        ...(body && { 'content-type': 'application/json' }),
      },
      ...(body && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(15_000),
    });
    const answer = await response.text();
    if (!response.ok) throw new Error(`Lobby refused ${method} ${path}: ${response.status} ${answer}`);
    return JSON.parse(answer) as Answer;
  }
}
