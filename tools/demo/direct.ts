import { serveContainerStops } from './container-stopper';
import { startEngine, stopEngine } from './engines';
import { addVersion, planGameMaster, untilTold } from './game-master';
import type { Ground } from './ground';
import { gameMasterStandings, links, type Play } from './play';
import { tellIntent, tellLobbyEvent } from './story';

const ENGINE_VERSION = '1.0.0';
const IMAGE_REF = `galaxy/engine:${ENGINE_VERSION}`;

/** One game soon comes to its end, the other goes on until it is stopped. */
const QUICK = {
  name: 'orion',
  schedule: '*/5 * * * * *',
  engine: { ENGINE_FINISH_TURN: '8', ENGINE_TURN_DURATION: '200ms' },
  members: [
    { user_id: 'ann', race_name: 'Aelinari' },
    { user_id: 'bob', race_name: 'Borg' },
  ],
};
const ENDLESS = {
  name: 'vega',
  schedule: '*/10 * * * * *',
  engine: { ENGINE_FINISH_TURN: '0', ENGINE_TURN_DURATION: '1s' },
  members: [
    { user_id: 'cleo', race_name: 'Cylons' },
    { user_id: 'dan', race_name: 'Drengin' },
    { user_id: 'eve', race_name: 'Eldar' },
  ],
};

/**
 * Game Master alone: starts engines, api and worker, and registers two games at Game Master over REST.
 * @throws Error saying what failed
 */
export async function playDirectly(ground: Ground): Promise<Play> {
  const { names, dataDir, reaper, atEnd, say } = ground;
  const idOf = (name: string): string => (names.mark === null ? name : `${name}-${names.mark}`);
  say('Starting two engines, the api and the worker');
  const games = [QUICK, ENDLESS].map((game) => ({ ...game, gameId: idOf(game.name) }));
  const engines = await Promise.all(
    games.map(({ gameId, engine }) => startEngine({ dataDir, gameId, settings: engine }, reaper, atEnd)),
  );
  const stopper = await serveContainerStops((gameId) => stopEngine(engines, gameId));
  atEnd(() => stopper.close());
  const gameMaster = await planGameMaster(ground, {
    // Nobody asks for commands here, so that nobody asks Lobby who plays.
    lobbyUrl: 'http://127.0.0.1:1',
    runtimeManagerUrl: stopper.baseUrl,
  });
  await ground.start(...gameMaster.programs);

  say('Registering two games over REST');
  ground.gameIds.push(...games.map(({ gameId }) => gameId));
  await addVersion(gameMaster.client, { version: ENGINE_VERSION, image_ref: IMAGE_REF });
  await Promise.all(
    games.map(({ gameId, schedule, members }) => {
      const body = {
        engine_endpoint: engines.find((engine) => engine.gameId === gameId)?.endpoint ?? '',
        members,
        target_engine_version: ENGINE_VERSION,
        turn_schedule: schedule,
      };
      return untilTold((header) =>
        gameMaster.client.POST('/api/v1/internal/games/{game_id}/register-runtime', {
          params: { path: { game_id: gameId }, header },
          body,
        }),
      );
    }),
  );

  const [quick, endless] = [idOf(QUICK.name), idOf(ENDLESS.name)];
  return {
    ground,
    invitation: [
      '',
      'Game Master runs, and two games are being played:',
      `  ${quick} makes a turn every 5 s and finishes with turn 8,`,
      `  ${endless} makes a turn every 10 s until it is stopped.`,
      '',
      ...links(ground, gameMaster.url, endless),
    ],
    tellers: new Map([
      [names.streams.lobbyEvents, tellLobbyEvent],
      [names.streams.notificationIntents, tellIntent],
    ]),
    standings: async () => [await gameMasterStandings(gameMaster.client)],
    troubles: () => [
      ...ground.troubles(),
      ...engines
        .filter(({ stopped, server }) => !stopped && server.pid === undefined)
        .map(({ server }) => `${server.name} has ended: see its server.log below ${dataDir}`),
    ],
  };
}
