import type { DriverKit } from './engine-drivers';
import { GameMaster, untilTold } from './game-master';
import { Lobby } from './lobby';
import { Notification } from './notification';
import { RuntimeManager } from './runtime-manager';
import type { ServiceProcess } from './service-process';
import { freePort } from './stack';

type Env = Record<string, string>;

export interface PlatformOptions {
  kit: DriverKit;
  /** Settings of each service. */
  env?: { lobby?: Env; gameMaster?: Env; runtimeManager?: Env };
  /** Settings of every engine. */
  engine?: Env;
}

/** The whole platform for one test file: every service a real process, on the shared servers, with streams of its own. */
export class Platform {
  private constructor(
    readonly kit: DriverKit,
    readonly gm: GameMaster,
    readonly lobby: Lobby,
    readonly manager: RuntimeManager,
    readonly notification: Notification,
  ) {}

  static async start({ kit, env = {}, engine = {} }: PlatformOptions): Promise<Platform> {
    const ofKit = JSON.parse(kit.env['RTMANAGER_ENGINE_ENV'] ?? '{}') as Env;
    const manager = await RuntimeManager.start({
      kit,
      env: { RTMANAGER_ENGINE_ENV: JSON.stringify({ ...ofKit, ...engine }), ...env.runtimeManager },
    });
    const port = await freePort();
    const gm = await GameMaster.start({
      env: {
        GAMEMASTER_LOBBY_BASE_URL: `http://127.0.0.1:${port}`,
        GAMEMASTER_RTM_BASE_URL: manager.baseUrl,
        GAMEMASTER_STREAM_HEALTH_EVENTS: manager.streams.healthEvents,
        ...env.gameMaster,
      },
    });
    const { healthEvents: _, ...jobs } = manager.streams;
    const [lobby, notification] = await Promise.all([
      Lobby.start({
        gameMasterUrl: gm.apis[0]?.baseUrl ?? '',
        port,
        streams: { ...gm.streams, ...jobs },
        ...(env.lobby && { env: env.lobby }),
      }),
      Notification.start(gm.streams.intents),
    ]);
    return new Platform(kit, gm, lobby, manager, notification);
  }

  async stop(): Promise<void> {
    await this.lobby.stop();
    await this.gm.stop();
    await this.manager.stop();
    await this.notification.stop();
    await this.kit.clean();
  }

  get processes(): ServiceProcess[] {
    const { gm, lobby, manager, notification } = this;
    return [...gm.apis, ...gm.workers, lobby.process, manager.process, notification.process];
  }

  async addVersion(version: string, imageRef: string): Promise<void> {
    const body = { version, image_ref: imageRef };
    const create = () => this.gm.call('POST', '/api/v1/internal/engine-versions', { body });
    const { status } = await untilTold(create);
    if (status !== 201) throw new Error(`engine version was not created: ${status}`);
  }

  /** A command of the game's player, by way of Game Master. */
  command(gameId: string, userId: string) {
    return this.gm.call('POST', `/api/v1/internal/games/${gameId}/commands`, {
      body: { commands: [{ type: 'move' }] },
      headers: { 'x-user-id': userId },
    });
  }

  /** The turns that the game's engine has made, by its own log. Its container has to be there. */
  async turnLog(gameId: string): Promise<number[]> {
    const started = (await this.lobby.entries('startJobs', gameId)).at(-1);
    return this.kit.turnLog({ gameId, state: started?.['requested_at_ms'] ?? '' });
  }

  /** Entries that somebody could not understand, by stream. */
  async deadLetters(): Promise<Record<string, number>> {
    const streams = { ...this.lobby.streams, ...this.manager.streams };
    const lengths = await Promise.all(
      Object.entries(streams).map(
        async ([name, stream]) => [name, await this.lobby.redis.xlen(`${stream}:dead`)] as const,
      ),
    );
    return Object.fromEntries(lengths.filter(([, length]) => length > 0));
  }
}
