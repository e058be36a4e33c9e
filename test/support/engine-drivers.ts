import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import Docker from 'dockerode';
import { DockerDriver, LABELS } from '../../platform/rtmanager/docker-driver';
import type { Driver } from '../../platform/rtmanager/driver';
import { ProcessDriver } from '../../platform/rtmanager/process-driver';
import type { EngineSpec } from '../../platform/rtmanager/runtime';
import { settings } from '../../platform/rtmanager/settings';
import { createLogger } from '../../platform/service/logging';
import { freePort } from './stack';

export const quiet = createLogger({ level: 'silent', name: 'test' });

const HUNGRY_ENGINE = path.join(__dirname, 'hungry-engine.cjs');
const ENGINE_MAIN = path.join(__dirname, '..', '..', 'dist', 'platform', 'engine', 'main.js');
const BROKEN = ['node', '-e', 'console.error("this engine is broken"); process.exit(3)'];
const MEMORY = 200 * 1024 * 1024;
const STOP_TIMEOUT_MS = 5_000;

export interface Images {
  /** The reference engine, which on SIGUSR2 takes memory until it is ended. */
  engine: string;
  /** The same, by another name. */
  patched: string;
  /** Ends with 3 at once. */
  broken: string;
  /** There is none. */
  missing: string;
}

/** A driver with engines to run, and ways to harm them. What it starts is its own: `clean` ends and removes it. */
export interface DriverKit {
  images: Images;
  /** A driver as a Runtime Manager has it; another one is as another process. */
  create(): Driver;
  /** Settings of a Runtime Manager with this driver. */
  env: Record<string, string>;
  spec(gameId: string, imageRef?: string): Promise<EngineSpec>;
  /** Sends a signal to the game's engine. */
  signal(gameId: string, signal: NodeJS.Signals): Promise<void>;
  /** The turns that the game's engine has made, by its own log. */
  turnLog(spec: Pick<EngineSpec, 'gameId' | 'state'>): Promise<number[]>;
  /** The game of each engine that runs, as the system itself has them: one that runs twice is there twice. */
  engines(): Promise<string[]>;
  /** Removes the game's container and all that is known of it, engine included. */
  removeByHand(gameId: string): Promise<void>;
  clean(): Promise<void>;
}

/** The kits that can be had here: `docker` only where STACK_CONTAINER_HOST and STACK_IMAGE_ENGINE name what it needs. */
export const DRIVER_KITS: [name: string, start: () => Promise<DriverKit>][] = [
  ['process', processKit],
  ...(process.env['STACK_CONTAINER_HOST'] === undefined
    ? []
    : [['docker', dockerKit] as [string, () => Promise<DriverKit>]]),
];

/** For tests of the docker driver alone. */
export const describeWithDocker =
  process.env['STACK_CONTAINER_HOST'] === undefined ? describe.skip : describe;

async function specOf(gameId: string, imageRef: string): Promise<EngineSpec> {
  return { gameId, imageRef, state: Date.now().toString(), port: await freePort() };
}

export async function processKit(): Promise<DriverKit> {
  const folder = await mkdtemp(path.join(tmpdir(), 'rtmanager-'));
  const images: Images = {
    engine: 'galaxy/engine:1.0.0',
    patched: 'galaxy/engine:1.0.1',
    broken: 'galaxy/broken:1.0.0',
    missing: 'galaxy/missing:1.0.0',
  };
  const command = JSON.stringify({
    'galaxy/engine:*': [process.execPath, HUNGRY_ENGINE, ENGINE_MAIN],
    'galaxy/broken:*': [process.execPath, ...BROKEN.slice(1)],
  });
  const env = { ENGINE_FSYNC: 'false' };
  const create = () =>
    new ProcessDriver({
      folder,
      commands: settings.PROCESS_COMMAND.parse(command),
      env,
      memoryBytes: MEMORY,
      stopTimeoutMs: STOP_TIMEOUT_MS,
      log: quiet,
    });
  const pidOf = async (gameId: string): Promise<number> =>
    Number((await readFile(path.join(folder, gameId, 'process'), 'utf8')).split(' ')[0]);
  return {
    images,
    create,
    env: {
      RTMANAGER_DRIVER: 'process',
      RTMANAGER_PROCESS_DIR: folder,
      RTMANAGER_PROCESS_COMMAND: command,
      RTMANAGER_ENGINE_ENV: JSON.stringify(env),
      RTMANAGER_ENGINE_MEMORY: '200m',
      RTMANAGER_STOP_TIMEOUT: `${STOP_TIMEOUT_MS}ms`,
    },
    spec: (gameId, imageRef = images.engine) => specOf(gameId, imageRef),
    signal: async (gameId, signal) => {
      process.kill(await pidOf(gameId), signal);
    },
    turnLog: async ({ gameId, state }) =>
      turnsIn(await readFile(path.join(folder, gameId, `state-${state}`, 'turns.log'), 'utf8')),
    engines: async () => {
      const own = `ENGINE_DATA_DIR=${folder}/`;
      const games = await Promise.all(
        (await readdir('/proc'))
          .filter((name) => /^\d+$/.test(name))
          .map(async (pid) => {
            const of = (file: string) => readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '');
            const variable = (await of('environ')).split('\0').find((each) => each.startsWith(own));
            if (variable === undefined) return undefined;
            // What the shell before it runs has its environment for a moment, and is no leader of a session.
            const session = (await of('stat')).split(') ').at(-1)?.split(' ')[3];
            return session === pid ? variable.slice(own.length).split('/')[0] : undefined;
          }),
      );
      return games.filter((game) => game !== undefined);
    },
    removeByHand: async (gameId) => {
      const pid = await pidOf(gameId);
      for (const file of ['engine.json', 'process']) await rm(path.join(folder, gameId, file));
      process.kill(pid, 'SIGKILL');
    },
    clean: async () => {
      const driver = create();
      for (const gameId of await driver.list()) await driver.remove(gameId);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export async function dockerKit(): Promise<
  DriverKit & { docker: Docker; containerName(gameId: string): string }
> {
  const host = required('STACK_CONTAINER_HOST');
  const address = settings.DOCKER_HOST.parse(host);
  const docker = new Docker({ ...address });
  const images = await testImages(docker, required('STACK_IMAGE_ENGINE'));
  // Their states outlive their containers.
  const games = new Set<string>();
  const owner = `test-${randomBytes(6).toString('hex')}`;
  const env = { ENGINE_FSYNC: 'false' };
  const containerName = (gameId: string) => `galaxy-game-${gameId}`;
  const create = () =>
    new DockerDriver({
      address,
      owner,
      network: 'not used',
      publish: true,
      user: '10001:10001',
      env,
      memoryBytes: MEMORY,
      cpus: 1,
      stopTimeoutMs: STOP_TIMEOUT_MS,
      timeoutMs: 15_000,
      pull: true,
      pullTimeoutMs: 15_000,
      stopping: new AbortController().signal,
      log: quiet,
    });
  return {
    docker,
    containerName,
    images,
    create,
    env: {
      RTMANAGER_DRIVER: 'docker',
      RTMANAGER_DOCKER_HOST: host,
      RTMANAGER_DOCKER_OWNER: owner,
      RTMANAGER_DOCKER_PUBLISH: 'true',
      RTMANAGER_ENGINE_ENV: JSON.stringify(env),
      RTMANAGER_ENGINE_MEMORY: '200m',
      RTMANAGER_STOP_TIMEOUT: `${STOP_TIMEOUT_MS}ms`,
    },
    spec: (gameId, imageRef = images.engine) => {
      games.add(gameId);
      return specOf(gameId, imageRef);
    },
    signal: async (gameId, signal) => {
      await docker.getContainer(containerName(gameId)).kill({ signal });
    },
    turnLog: async ({ gameId }) => {
      const archive = await docker
        .getContainer(containerName(gameId))
        .getArchive({ path: '/data/turns.log' });
      return turnsIn(onlyFileOf(await bytesOf(archive)));
    },
    engines: async () => {
      const running = await docker.listContainers({ filters: { label: [`${LABELS.owner}=${owner}`] } });
      return running.map(({ Labels }) => Labels[LABELS.game] ?? '');
    },
    removeByHand: async (gameId) => {
      await docker.getContainer(containerName(gameId)).remove({ force: true });
    },
    clean: async () => {
      const driver = create();
      for (const gameId of new Set([...games, ...(await driver.list())])) {
        await driver.remove(gameId);
        await driver.removeStates(gameId);
      }
    },
  };
}

/** Images made of the reference engine's, once for each of it. */
async function testImages(docker: Docker, engine: string): Promise<Images> {
  const hungry = await readFile(HUNGRY_ENGINE);
  const key = createHash('sha256')
    .update(engine)
    .update(hungry)
    .update(BROKEN.join())
    .digest('hex')
    .slice(0, 12);
  const name = (image: string, version: string) => `localhost/galaxy/${image}:${version}-${key}`;
  const images: Images = {
    engine: name('test-engine', '1.0.0'),
    patched: name('test-engine', '1.0.1'),
    broken: name('broken', '1.0.0'),
    // A registry that refuses connections.
    missing: '127.0.0.1:1/galaxy/missing:1.0.0',
  };
  const run = JSON.stringify(['node', '/engine/hungry-engine.cjs', '/engine/main.js']);
  const hungryEngine = `FROM ${engine}\nCOPY hungry-engine.cjs /engine/\nCMD ${run}\n`;
  await build(docker, images.engine, hungryEngine, hungry);
  await build(docker, images.patched, `FROM ${images.engine}\nLABEL patch=1\n`);
  await build(docker, images.broken, `FROM ${engine}\nCMD ${JSON.stringify(BROKEN)}\n`);
  return images;
}

async function build(docker: Docker, image: string, dockerfile: string, hungry?: Buffer): Promise<void> {
  const isThere = await docker
    .getImage(image)
    .inspect()
    .then(
      () => true,
      () => false,
    );
  if (isThere) return;
  const context = await mkdtemp(path.join(tmpdir(), 'image-'));
  const files = { Dockerfile: dockerfile, ...(hungry && { 'hungry-engine.cjs': hungry }) };
  for (const [file, content] of Object.entries(files)) await writeFile(path.join(context, file), content);
  const progress = await docker.buildImage({ context, src: Object.keys(files) }, { t: image });
  const lines = await new Promise<{ error?: string }[]>((resolve, reject) => {
    docker.modem.followProgress(progress, (error: Error | null, output: { error?: string }[]) =>
      error ? reject(error) : resolve(output),
    );
  });
  await rm(context, { recursive: true });
  const failure = lines.find(({ error }) => error !== undefined);
  if (failure) throw new Error(`${image} was not built: ${failure.error ?? ''}`);
}

function turnsIn(log: string): number[] {
  return log
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => (JSON.parse(line) as { turn: number }).turn);
}

async function bytesOf(stream: NodeJS.ReadableStream): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** The content of the first file of a tar archive: after a header of 512 bytes, which has its length in octal. */
function onlyFileOf(archive: Buffer): string {
  const length = parseInt(archive.toString('latin1', 124, 136), 8);
  return archive.toString('utf8', 512, 512 + length);
}

function required(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set: npm run containers prints it`);
  return value;
}
