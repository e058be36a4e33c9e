import type { z } from 'zod';
import type { App } from '../../service/http';
import { noBody, noQuery } from '../../service/schemas';
import { requireLead } from '../operations/actor';
import type { Enrolment } from '../operations/enrolment';
import { listApplications, type Application } from '../stores/applications';
import { getGame } from '../stores/games';
import { listInvites, type Invite } from '../stores/invites';
import type { Database } from '../stores/postgres';
import { actorOf } from './actor';
import {
  actorHeaders,
  application,
  applicationList,
  applicationParams,
  gameParams,
  invite,
  inviteBody,
  inviteList,
  inviteParams,
  playerHeaders,
  raceBody,
} from './schemas';

export interface EnrolmentRouteParts {
  database: Database;
  enrolment: Enrolment;
}

export function enrolmentRoutes(app: App, parts: EnrolmentRouteParts): void {
  applicationRoutes(app, parts);
  inviteRoutes(app, parts);
}

function applicationRoutes(app: App, { database, enrolment }: EnrolmentRouteParts): void {
  app.post(
    '/api/v1/lobby/games/:game_id/applications',
    {
      schema: {
        operationId: 'lobbySubmitApplication',
        params: gameParams,
        headers: playerHeaders,
        querystring: noQuery,
        body: raceBody,
        response: { 201: application },
      },
    },
    async ({ params, headers, body }, reply) => {
      const player = { user_id: headers['x-user-id'], race_name: body.race_name };
      return reply.code(201).send(toApplication(await enrolment.apply(params.game_id, player)));
    },
  );

  app.get(
    '/api/v1/lobby/games/:game_id/applications',
    {
      schema: {
        operationId: 'lobbyListApplications',
        params: gameParams,
        headers: actorHeaders,
        querystring: noQuery,
        response: { 200: applicationList },
      },
    },
    async ({ params, headers }) => {
      requireLead(await getGame(database, params.game_id), actorOf(headers));
      return { applications: (await listApplications(database, params.game_id)).map(toApplication) };
    },
  );

  const decision = (word: 'approve' | 'reject', operationId: string): void => {
    app.post(
      `/api/v1/lobby/games/:game_id/applications/:application_id/${word}`,
      {
        schema: {
          operationId,
          params: applicationParams,
          headers: actorHeaders,
          querystring: noQuery,
          body: noBody,
          response: { 200: application },
        },
      },
      async ({ params, headers }) =>
        toApplication(await enrolment[word](params.game_id, params.application_id, actorOf(headers))),
    );
  };
  decision('approve', 'lobbyApproveApplication');
  decision('reject', 'lobbyRejectApplication');
}

function inviteRoutes(app: App, { database, enrolment }: EnrolmentRouteParts): void {
  app.post(
    '/api/v1/lobby/games/:game_id/invites',
    {
      schema: {
        operationId: 'lobbyCreateInvite',
        params: gameParams,
        headers: actorHeaders,
        querystring: noQuery,
        body: inviteBody,
        response: { 201: invite },
      },
    },
    async ({ params, headers, body }, reply) =>
      reply.code(201).send(toInvite(await enrolment.invite(params.game_id, body.user_id, actorOf(headers)))),
  );

  app.get(
    '/api/v1/lobby/games/:game_id/invites',
    {
      schema: {
        operationId: 'lobbyListInvites',
        params: gameParams,
        headers: actorHeaders,
        querystring: noQuery,
        response: { 200: inviteList },
      },
    },
    async ({ params, headers }) => {
      requireLead(await getGame(database, params.game_id), actorOf(headers));
      return { invites: (await listInvites(database, params.game_id)).map(toInvite) };
    },
  );

  app.post(
    '/api/v1/lobby/games/:game_id/invites/:invite_id/redeem',
    {
      schema: {
        operationId: 'lobbyRedeemInvite',
        params: inviteParams,
        headers: playerHeaders,
        querystring: noQuery,
        body: raceBody,
        response: { 200: invite },
      },
    },
    async ({ params, headers, body }) => {
      const player = { user_id: headers['x-user-id'], race_name: body.race_name };
      return toInvite(await enrolment.redeem(params.game_id, params.invite_id, player));
    },
  );
}

function toApplication(row: Application): z.input<typeof application> {
  return {
    application_id: row.applicationId,
    game_id: row.gameId,
    user_id: row.userId,
    race_name: row.raceName,
    status: row.status,
    created_at: row.createdAt.toISOString(),
    decided_at: row.decidedAt?.toISOString() ?? null,
  };
}

function toInvite(row: Invite): z.input<typeof invite> {
  return {
    invite_id: row.inviteId,
    game_id: row.gameId,
    user_id: row.userId,
    race_name: row.raceName,
    status: row.status,
    created_at: row.createdAt.toISOString(),
    decided_at: row.decidedAt?.toISOString() ?? null,
  };
}
