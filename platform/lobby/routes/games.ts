import type { z } from 'zod';
import { ServiceError } from '../../service/errors';
import type { App } from '../../service/http';
import { noBody, noQuery } from '../../service/schemas';
import type { Game } from '../domain/game';
import type { Actor } from '../operations/actor';
import type { Games } from '../operations/games';
import type { Starting } from '../operations/starting';
import { getGame, listGames } from '../stores/games';
import type { Database } from '../stores/postgres';
import { actorOf } from './actor';
import { actorHeaders, createGameBody, game, gamePage, gameParams, listQuery } from './schemas';

const DEFAULT_LIMIT = 50;

export interface GameRouteParts {
  database: Database;
  games: Games;
  starting: Starting;
}

export function gameRoutes(app: App, { database, games, starting }: GameRouteParts): void {
  app.post(
    '/api/v1/lobby/games',
    {
      schema: {
        operationId: 'lobbyCreateGame',
        headers: actorHeaders,
        querystring: noQuery,
        body: createGameBody,
        response: { 201: game },
      },
    },
    async ({ body, headers }, reply) => {
      const draft = {
        name: body.name,
        targetEngineVersion: body.target_engine_version,
        turnSchedule: body.turn_schedule,
        minPlayers: body.min_players,
        maxPlayers: body.max_players,
      };
      return reply.code(201).send(toGame(await games.create(draft, actorOf(headers))));
    },
  );

  app.get(
    '/api/v1/lobby/games',
    { schema: { operationId: 'lobbyListGames', querystring: listQuery, response: { 200: gamePage } } },
    async ({ query: { status, limit, cursor } }) => {
      const page = await listGames(database, {
        status,
        before: cursor === undefined ? undefined : readCursor(cursor),
        limit: limit === undefined ? DEFAULT_LIMIT : Number(limit),
      });
      return {
        games: page.games.map(toGame),
        next_cursor: page.next === null ? null : writeCursor(page.next),
      };
    },
  );

  app.get(
    '/api/v1/lobby/games/:game_id',
    {
      schema: {
        operationId: 'lobbyGetGame',
        params: gameParams,
        querystring: noQuery,
        response: { 200: game },
      },
    },
    async ({ params }) => toGame(await getGame(database, params.game_id)),
  );

  /** What is decided about a game by a call without a body. */
  const decision = (
    word: string,
    operationId: string,
    status: 200 | 202,
    decide: (gameId: string, actor: Actor) => Promise<Game>,
  ): void => {
    app.post(
      `/api/v1/lobby/games/:game_id/${word}`,
      {
        schema: {
          operationId,
          params: gameParams,
          headers: actorHeaders,
          querystring: noQuery,
          body: noBody,
          response: { [status]: game },
        },
      },
      async ({ params, headers }, reply) =>
        reply.code(status).send(toGame(await decide(params.game_id, actorOf(headers)))),
    );
  };
  decision('open-enrollment', 'lobbyOpenEnrollment', 200, (...of) => games.openEnrollment(...of));
  decision('start', 'lobbyStartGame', 202, (...of) => starting.start(...of));
  decision('pause', 'lobbyPauseGame', 200, (...of) => games.pause(...of));
  decision('resume', 'lobbyResumeGame', 202, (...of) => starting.resume(...of));
  decision('cancel', 'lobbyCancelGame', 200, (...of) => games.cancel(...of));
}

function toGame(row: Game): z.input<typeof game> {
  const { runtime } = row;
  return {
    game_id: row.gameId,
    name: row.name,
    owner_user_id: row.ownerUserId,
    status: row.status,
    status_reason: row.statusReason,
    target_engine_version: row.targetEngineVersion,
    turn_schedule: row.turnSchedule,
    min_players: row.minPlayers,
    max_players: row.maxPlayers,
    active_players: row.activePlayers,
    runtime: runtime && {
      current_turn: runtime.currentTurn,
      runtime_status: runtime.runtimeStatus,
      engine_health: runtime.engineHealth,
      told_at: runtime.toldAt.toISOString(),
    },
    created_at: row.createdAt.toISOString(),
    updated_at: row.updatedAt.toISOString(),
    started_at: row.startedAt?.toISOString() ?? null,
    finished_at: row.finishedAt?.toISOString() ?? null,
  };
}

/** Opaque to callers: where a page ended. */
function writeCursor(position: number): string {
  return Buffer.from(`games:${position}`).toString('base64url');
}

/** @throws ServiceError invalid_request */
function readCursor(cursor: string): number {
  const [, position] = /^games:(\d{1,15})$/.exec(Buffer.from(cursor, 'base64url').toString()) ?? [];
  if (position !== undefined) return Number(position);
  throw new ServiceError(400, 'invalid_request', 'cursor: must be the next_cursor of an earlier page');
}
