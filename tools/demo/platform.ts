import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { lastLines } from '../stack/program';
import { addVersion, planGameMaster, type GameMaster } from './game-master';
import { SHUTDOWN_TIMEOUT, type Ground, type ServiceProgram } from './ground';
import { letEngineHang } from './hanging-engine';
import { Lobby } from './lobby';
import { MailCatcher, type CaughtMail } from './mail-catcher';
import { containerEngines } from './container-engines';
import type { EngineKind, ManagedEngines } from './managed-engines';
import { gameMasterStandings, links, type Play, type Teller } from './play';
import { sendCommands, type Player } from './players';
import { processEngines } from './process-engines';
import { tellHealthEvent, tellIntent, tellJobResult, tellLobbyEvent } from './story';

const LOBBY_PORT = 8094;
const NOTIFICATION_PORT = 8095;
const RUNTIME_MANAGER_PORT = 8096;
const ADMINISTRATOR = 'admin@galaxy.example';

interface PlannedGame extends EngineKind {
  name: string;
  schedule: string;
  /** User and race: they apply and are approved. */
  applicants: [string, string][];
  /** They are invited and accept. */
  invited: [string, string][];
}

/** One game soon comes to its end, the other goes on until it is stopped. */
const QUICK: PlannedGame = {
  name: 'Orion',
  version: '1.0.0',
  engine: ['ENGINE_FINISH_TURN=8', 'ENGINE_TURN_DURATION=200ms'],
  schedule: '*/5 * * * * *',
  applicants: [
    ['ann', 'Aelinari'],
    ['bob', 'Borg'],
  ],
  invited: [],
};
const ENDLESS: PlannedGame = {
  name: 'Vega',
  version: '1.1.0',
  engine: ['ENGINE_TURN_DURATION=1s'],
  schedule: '*/10 * * * * *',
  applicants: [
    ['cleo', 'Cylons'],
    ['dan', 'Drengin'],
  ],
  invited: [['eve', 'Eldar']],
};
const GAMES = [QUICK, ENDLESS];

/**
 * Everything: starts Game Master, Lobby, Runtime Manager and Notification, has players enrolled at Lobby and the games
 * started there.
 * @throws Error saying what failed
 */
export async function playThroughPlatform(ground: Ground, as: 'processes' | 'containers'): Promise<Play> {
  const { names, say, atEnd } = ground;
  const engines = await (as === 'containers' ? containerEngines : processEngines)(ground, GAMES);
  say('Starting Game Master, Lobby, Runtime Manager and Notification');
  const ports = {
    lobby: await ground.port(LOBBY_PORT),
    runtimeManager: await ground.port(RUNTIME_MANAGER_PORT),
    notification: await ground.port(NOTIFICATION_PORT),
  };
  const origin = (port: number): string => `http://127.0.0.1:${port}`;
  const lobby = new Lobby(origin(ports.lobby));
  const gameMaster = await planGameMaster(ground, {
    lobbyUrl: lobby.url,
    runtimeManagerUrl: origin(ports.runtimeManager),
  });
  let onMail: (mail: CaughtMail) => void = () => undefined;
  const mailbox = await MailCatcher.start({ onMail: (mail) => onMail(mail) });
  atEnd(() => mailbox.close());
  await ground.start(
    ...gameMaster.programs,
    lobbyProgram(ground, ports.lobby, gameMaster.url),
    runtimeManagerProgram(ground, ports.runtimeManager, engines.env),
    notificationProgram(ground, ports.notification, mailbox.url),
  );

  say('Enrolling players at Lobby, and starting two games there');
  const [quick, endless] = await startGames(ground, gameMaster, lobby, engines.images);
  const playersOf = (gameId: string, { applicants, invited }: PlannedGame): Player[] =>
    [...applicants, ...invited].map(([user]) => ({ gameId, user }));

  return {
    ground,
    invitation: [
      '',
      'The platform runs, and two games are being played:',
      `  ${quick} makes a turn every 5 s and finishes with turn 8,`,
      `  ${endless} makes a turn every 10 s until it is stopped. Once its engine hangs: the mail about it is caught and shown.`,
      '',
      ...links(ground, gameMaster.url, endless, {
        look: [
          `  Lobby         ${lobby.url}/api/v1/lobby/games`,
          `  Runtimes      ${origin(ports.runtimeManager)}/api/v1/internal/runtimes`,
          `  Deliveries    ${origin(ports.notification)}/api/v1/internal/deliveries`,
          `  ${engines.what.padEnd(12)}  ${engines.look}`,
        ],
        attempt: [
          '  By hand       docs/examples.md leads a game of your own from draft to end, in a second terminal',
          `  Command       curl -s ${gameMaster.url}/api/v1/internal/games/${endless}/commands -H 'x-user-id: eve' \\`,
          `                  -H 'content-type: application/json' -d '{"commands":[{"type":"greet"}]}'`,
        ],
      }),
    ],
    tellers: new Map<string, Teller>([
      [names.streams.jobResults, (entry, addedAt) => tellJobResult(entry, addedAt, engines.nameOf)],
      [names.streams.healthEvents, tellHealthEvent],
      [names.streams.lobbyEvents, tellLobbyEvent],
      [names.streams.notificationIntents, tellIntent],
    ]),
    standings: async () => [await gameMasterStandings(gameMaster.client), await lobbyStandings(lobby)],
    troubles: () => ground.troubles(),
    begin: (tell, over) => {
      onMail = ({ to, subject, text }) => {
        tell('mail', `to ${to.join(', ')}: ${subject}`);
        for (const line of text.split('\n').filter((one) => one.trim() !== '')) tell('', `  ${line}`);
      };
      const { client } = gameMaster;
      const players = [...playersOf(quick, QUICK), ...playersOf(endless, ENDLESS)];
      void sendCommands(client, players, tell, over);
      letEngineHang(client, engines, endless, tell, over).catch((error: unknown) => {
        if (!over.aborted) tell(endless, `the demo could not go on with its engine: ${String(error)}`);
      });
    },
  };
}

function lobbyProgram(ground: Ground, port: number, gameMasterUrl: string): ServiceProgram {
  const { streams } = ground.names;
  return {
    name: 'Lobby',
    folder: 'lobby',
    script: 'platform/lobby/main.js',
    addressVariable: 'LOBBY_HTTP_ADDR',
    port,
    env: {
      LOBBY_POSTGRES_DSN: ground.postgresDsn,
      // As for Game Master.
      LOBBY_POSTGRES_TIMEOUT: '5s',
      LOBBY_GM_TIMEOUT: '5s',
      LOBBY_REDIS_URL: ground.stack.redis.url,
      LOBBY_GM_BASE_URL: gameMasterUrl,
      LOBBY_SCHEDULE_ALLOW_SECONDS: 'true',
      LOBBY_SHUTDOWN_TIMEOUT: SHUTDOWN_TIMEOUT,
      LOBBY_STREAM_LOBBY_EVENTS: streams.lobbyEvents,
      LOBBY_STREAM_JOB_RESULTS: streams.jobResults,
      LOBBY_STREAM_USER_LIFECYCLE: streams.userLifecycle,
      LOBBY_STREAM_START_JOBS: streams.startJobs,
      LOBBY_STREAM_STOP_JOBS: streams.stopJobs,
      LOBBY_STREAM_NOTIFICATION_INTENTS: streams.notificationIntents,
    },
  };
}

function runtimeManagerProgram(
  ground: Ground,
  port: number,
  engines: Record<string, string>,
): ServiceProgram {
  const { streams, keys } = ground.names;
  return {
    name: 'Runtime Manager',
    folder: 'rtmanager',
    script: 'platform/rtmanager/main.js',
    addressVariable: 'RTMANAGER_HTTP_ADDR',
    port,
    env: {
      RTMANAGER_REDIS_URL: ground.stack.redis.url,
      ...engines,
      RTMANAGER_REDIS_KEY: keys.runtimes,
      RTMANAGER_SHUTDOWN_TIMEOUT: SHUTDOWN_TIMEOUT,
      RTMANAGER_STREAM_START_JOBS: streams.startJobs,
      RTMANAGER_STREAM_STOP_JOBS: streams.stopJobs,
      RTMANAGER_STREAM_JOB_RESULTS: streams.jobResults,
      RTMANAGER_STREAM_HEALTH_EVENTS: streams.healthEvents,
    },
  };
}

function notificationProgram(ground: Ground, port: number, smtpUrl: string): ServiceProgram {
  const { streams, keys } = ground.names;
  return {
    name: 'Notification',
    folder: 'notification',
    script: 'platform/notification/main.js',
    addressVariable: 'NOTIFICATION_HTTP_ADDR',
    port,
    env: {
      NOTIFICATION_REDIS_URL: ground.stack.redis.url,
      NOTIFICATION_SMTP_URL: smtpUrl,
      NOTIFICATION_SMTP_TIMEOUT: '2s',
      NOTIFICATION_EMAIL_FROM: 'Galaxy <galaxy@galaxy.example>',
      NOTIFICATION_ADMIN_EMAILS: ADMINISTRATOR,
      NOTIFICATION_KEY_PREFIX: keys.deliveries,
      NOTIFICATION_SHUTDOWN_TIMEOUT: SHUTDOWN_TIMEOUT,
      NOTIFICATION_STREAM_INTENTS: streams.notificationIntents,
      NOTIFICATION_STREAM_PUSH: streams.pushes,
    },
  };
}

/** The ids of the games, once they run. */
async function startGames(
  ground: Ground,
  { client }: GameMaster,
  lobby: Lobby,
  images: ManagedEngines['images'],
): Promise<[string, string]> {
  const startOne = async (game: PlannedGame): Promise<string> => {
    const { name, version, schedule, applicants, invited } = game;
    await addVersion(client, { version, image_ref: images.get(version) ?? '' });
    const players = applicants.length + invited.length;
    const { game_id: gameId } = await lobby.createGame({
      name,
      target_engine_version: version,
      turn_schedule: schedule,
      min_players: players,
      max_players: players,
    });
    ground.gameIds.push(gameId);
    await lobby.openEnrollment(gameId);
    for (const [user, race] of applicants) await lobby.apply(gameId, user, race);
    for (const [user, race] of invited) await lobby.invite(gameId, user, race);
    ground.say(`  ${gameId}: ${namesOf(applicants)} applied and were approved${invitedToo(invited)}`);
    await lobby.start(gameId);
    return gameId;
  };
  try {
    return await Promise.all([startOne(QUICK), startOne(ENDLESS)]);
  } catch (error) {
    const log = await readFile(path.join(ground.dataDir, 'rtmanager', 'server.log'), 'utf8').catch(() => '');
    throw new Error(
      `${error instanceof Error ? error.message : String(error)} Runtime Manager's log may say why; ` +
        `npm start -- --direct plays without Lobby and Runtime Manager.${lastLines(log)}`,
      { cause: error },
    );
  }
}

function namesOf(players: [string, string][]): string {
  return players.map(([user]) => user).join(' and ');
}

function invitedToo(invited: [string, string][]): string {
  return invited.length === 0 ? '' : `, ${namesOf(invited)} redeemed an invite`;
}

async function lobbyStandings(lobby: Lobby): Promise<{ by: string; text: string }> {
  const games = await lobby.games();
  const ours = games.map(({ game_id, status, active_players, runtime }) => {
    const turn = runtime === null ? '' : ` at turn ${runtime.current_turn}`;
    return `${game_id} ${status.replaceAll('_', ' ')}${turn}, ${active_players} players`;
  });
  return { by: 'lobby', text: ours.join(' | ') };
}
