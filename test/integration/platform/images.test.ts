/** The images themselves: each starts as nobody on a read-only root, plays its part, and ends in good order. */
import { randomUUID } from 'node:crypto';
import { stat } from 'node:fs/promises';
import Docker from 'dockerode';
import { settings } from '../../../platform/rtmanager/settings';
import { GameMaster, untilTold, type Json } from '../../support/game-master';
import { ReferenceEngine } from '../../support/reference-engine';
import { freePort, freshDatabase, freshGameId, freshKeyPrefix, stackAddresses } from '../../support/stack';
import { waitFor } from '../../support/wait-for';

const HOST = process.env['STACK_CONTAINER_HOST'];
const imageOf = (service: string) => process.env[`STACK_IMAGE_${service.toUpperCase()}`];
/** Runs where the images of these services are. */
const withImages = (...services: string[]) =>
  HOST !== undefined && services.every((service) => imageOf(service) !== undefined) ? it : it.skip;

const docker = new Docker({ ...settings.DOCKER_HOST.parse(HOST ?? 'unix:///var/run/docker.sock') });
const containers: Docker.Container[] = [];

afterEach(async () => {
  await Promise.all(containers.splice(0).map((container) => container.remove({ force: true })));
});

/** Starts a service on the network of this host, where the shared servers are, and waits until it is ready. */
async function start(
  service: string,
  env: Record<string, string>,
  readyUrl: string,
  more: Docker.HostConfig = {},
) {
  const container = await docker.createContainer({
    name: `galaxy-${service}-${freshGameId()}`,
    Image: imageOf(service) ?? '',
    Env: Object.entries({ ...env, READY_URL: readyUrl }).map(([name, value]) => `${name}=${value}`),
    HostConfig: {
      NetworkMode: 'host',
      ReadonlyRootfs: true,
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges'],
      Tmpfs: { '/tmp': 'rw' },
      ...more,
    },
  });
  containers.push(container);
  await container.start();
  await waitFor(
    async () => {
      if (!(await container.inspect()).State.Running) return true;
      return (await fetch(readyUrl)).ok;
    },
    { timeout: 40_000, describe: `${service} to be ready` },
  );
  const { State, Config } = await container.inspect();
  if (!State.Running) {
    const log = await container.logs({ stdout: true, stderr: true, tail: 20 });
    throw new Error(`${service} ended: ${log.toString('latin1')}`);
  }
  expect(Config.User).toBe('10001:10001');
  return container;
}

async function endsWell(container: Docker.Container): Promise<void> {
  await container.stop({ t: 20 });
  expect((await container.inspect()).State.ExitCode).toBe(0);
}

withImages('api', 'worker')(
  'api and worker play a game',
  async () => {
    const gm = await GameMaster.start({ apis: 0, workers: 0 });
    const engine = await ReferenceEngine.start();
    const [apiPort, workerPort] = [await freePort(), await freePort()];
    const api = `http://127.0.0.1:${apiPort}`;
    const worker = `http://127.0.0.1:${workerPort}`;
    const call = async (path: string, body?: object): Promise<Json | undefined> => {
      const headers = { 'content-type': 'application/json', 'idempotency-key': randomUUID() };
      const told = await untilTold(async () => {
        const response = await fetch(`${api}/api/v1/internal${path}`, {
          method: 'POST',
          headers,
          ...(body && { body: JSON.stringify(body) }),
        });
        return {
          status: response.status,
          headers: response.headers,
          body: (await response.json()) as Json,
        };
      });
      return told.body;
    };
    try {
      const processes = [
        await start(
          'worker',
          { ...gm.environment, GAMEMASTER_METRICS_ADDR: `127.0.0.1:${workerPort}` },
          `${worker}/readyz`,
        ),
        await start(
          'api',
          { ...gm.environment, GAMEMASTER_HTTP_ADDR: `127.0.0.1:${apiPort}`, GAMEMASTER_METRICS_ADDR: '' },
          `${api}/readyz`,
        ),
      ];
      const gameId = freshGameId();
      await call('/engine-versions', { version: '1.0.0', image_ref: 'galaxy/engine:1.0.0' });
      expect(await call(`/games/${gameId}/register-runtime`, gm.registration(engine))).toMatchObject({
        status: 'running',
        current_turn: 0,
      });
      expect(await call(`/runtimes/${gameId}/force-next-turn`)).toMatchObject({ current_turn: 1 });
      expect(await engine.turnLog()).toEqual([1]);
      for (const container of processes) await endsWell(container);
    } finally {
      await engine.stop();
      await gm.stop();
    }
  },
  120_000,
);

withImages('lobby')('lobby comes up on an empty database', async () => {
  const database = await freshDatabase();
  const port = await freePort();
  const env = {
    LOBBY_HTTP_ADDR: `127.0.0.1:${port}`,
    LOBBY_POSTGRES_DSN: database.dsn,
    LOBBY_REDIS_URL: stackAddresses().redisUrl,
    LOBBY_GM_BASE_URL: 'http://127.0.0.1:1',
    ...streams('LOBBY', [
      'LOBBY_EVENTS',
      'JOB_RESULTS',
      'USER_LIFECYCLE',
      'START_JOBS',
      'STOP_JOBS',
      'NOTIFICATION_INTENTS',
    ]),
  };
  await endsWell(await start('lobby', env, `http://127.0.0.1:${port}/readyz`));
  await database.drop();
});

withImages('notification')('notification comes up', async () => {
  const port = await freePort();
  const env = {
    NOTIFICATION_HTTP_ADDR: `127.0.0.1:${port}`,
    NOTIFICATION_REDIS_URL: stackAddresses().redisUrl,
    NOTIFICATION_SMTP_URL: 'smtp://127.0.0.1:1',
    NOTIFICATION_EMAIL_FROM: 'galaxy@example.com',
    NOTIFICATION_ADMIN_EMAILS: 'admins@example.com',
    NOTIFICATION_KEY_PREFIX: freshKeyPrefix(),
    ...streams('NOTIFICATION', ['INTENTS', 'PUSH']),
  };
  await endsWell(await start('notification', env, `http://127.0.0.1:${port}/readyz`));
});

withImages('rtmanager')('rtmanager comes up, and reaches the daemon through its socket', async () => {
  const port = await freePort();
  const env = {
    RTMANAGER_HTTP_ADDR: `127.0.0.1:${port}`,
    RTMANAGER_REDIS_URL: stackAddresses().redisUrl,
    RTMANAGER_REDIS_KEY: `${freshKeyPrefix()}runtimes`,
    RTMANAGER_DOCKER_OWNER: freshGameId(),
    ...streams('RTMANAGER', ['START_JOBS', 'STOP_JOBS', 'JOB_RESULTS', 'HEALTH_EVENTS']),
  };
  const socket = (HOST ?? '').replace('unix://', '');
  // As compose does it: nobody, in the group that the socket belongs to.
  const { gid } = await stat(socket);
  const access = { Binds: [`${socket}:/var/run/docker.sock`], GroupAdd: [gid.toString()] };
  await endsWell(await start('rtmanager', env, `http://127.0.0.1:${port}/readyz`, access));
});

function streams(prefix: string, names: string[]): Record<string, string> {
  const keys = freshKeyPrefix();
  return Object.fromEntries(names.map((name) => [`${prefix}_STREAM_${name}`, keys + name.toLowerCase()]));
}
