import type { z } from 'zod';
import type { App } from '../../service/http';
import { noBody, noQuery } from '../../service/schemas';
import type { Departure, Members } from '../operations/members';
import { getGame } from '../stores/games';
import { listMembers, type Member } from '../stores/members';
import type { Database } from '../stores/postgres';
import { actorOf } from './actor';
import { actorHeaders, gameParams, member, memberList, memberParams, membershipList } from './schemas';

export interface MemberRouteParts {
  database: Database;
  members: Members;
}

export function memberRoutes(app: App, { database, members }: MemberRouteParts): void {
  /** @throws ServiceError game_not_found */
  const membersOf = async (gameId: string): Promise<Member[]> => {
    await getGame(database, gameId);
    return listMembers(database, gameId);
  };

  app.get(
    '/api/v1/lobby/games/:game_id/members',
    {
      schema: {
        operationId: 'lobbyListMembers',
        params: gameParams,
        querystring: noQuery,
        response: { 200: memberList },
      },
    },
    async ({ params }) => ({ members: (await membersOf(params.game_id)).map(toMember) }),
  );

  const departure = (word: string, operationId: string, departure: Departure): void => {
    app.post(
      `/api/v1/lobby/games/:game_id/members/:user_id/${word}`,
      {
        schema: {
          operationId,
          params: memberParams,
          headers: actorHeaders,
          querystring: noQuery,
          body: noBody,
          response: { 200: member },
        },
      },
      async ({ params: { game_id, user_id }, headers }) =>
        toMember(await members.takeOut(game_id, user_id, departure, actorOf(headers))),
    );
  };
  departure('remove', 'lobbyRemoveMember', 'removed');
  departure('block', 'lobbyBlockMember', 'blocked');

  /** For Game Master, on the way of each player's call that it has not asked for before. */
  app.get(
    '/api/v1/internal/games/:game_id/memberships',
    {
      schema: {
        operationId: 'internalGetMemberships',
        params: gameParams,
        querystring: noQuery,
        response: { 200: membershipList },
      },
    },
    async ({ params }) => ({
      memberships: (await membersOf(params.game_id)).map(({ userId, raceName, status }) => ({
        user_id: userId,
        race_name: raceName,
        status,
      })),
    }),
  );
}

function toMember({ stats, ...row }: Member): z.input<typeof member> {
  return {
    user_id: row.userId,
    race_name: row.raceName,
    status: row.status,
    stats: stats && {
      planets: stats.planets,
      population: stats.population,
      initial_planets: stats.initialPlanets,
      initial_population: stats.initialPopulation,
      max_planets: stats.maxPlanets,
      max_population: stats.maxPopulation,
    },
    capable: row.capable,
    joined_at: row.joinedAt.toISOString(),
  };
}
