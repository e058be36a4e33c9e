/** Engines as containers of a Docker daemon, or of what speaks as one. */
import { createHash } from 'node:crypto';
import { createInterface } from 'node:readline';
import Docker from 'dockerode';
import type { Logger } from '../service/logging';
import { pause } from '../service/pause';
import { DriverUnavailable, StartFailure, type Container, type Driver } from './driver';
import type { EngineSpec } from './runtime';
import type { DockerAddress } from './settings';

export interface DockerDriverOptions {
  address: DockerAddress;
  /** Marks what is ours on a daemon that others use too. */
  owner: string;
  /** A network with names for containers; not used when ports are published. */
  network: string;
  /** Whether an engine is reached by a port of this host's loopback instead of its name on the network. */
  publish: boolean;
  user: string;
  env: Readonly<Record<string, string>>;
  memoryBytes: number;
  cpus: number;
  stopTimeoutMs: number;
  /** One call to the daemon. */
  timeoutMs: number;
  pull: boolean;
  pullTimeoutMs: number;
  /** Aborted when the process is to end: a pull is broken off then, and begun again by the next process. */
  stopping: AbortSignal;
  log: Logger;
}

const ENGINE_PORT = 8080;
const MOST_PROCESSES = 128;
/** What its containers are known by. */
export const LABELS = {
  owner: 'galaxy.runtime-manager',
  game: 'galaxy.game-id',
  image: 'galaxy.image-ref',
  state: 'galaxy.state',
  port: 'galaxy.port',
};
/** What may have changed a container's life or health. */
const NEWS = new Set([
  'start',
  'die',
  'oom',
  'destroy',
  'remove',
  'health_status',
  'pause',
  'unpause',
  'restart',
]);
const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 2_000;
const OUTPUT_LINES = 20;

export class DockerDriver implements Driver {
  readonly name = 'docker';
  readonly needsPorts: boolean;
  private readonly docker: Docker;
  /** For streams, which are silent for as long as nothing happens. */
  private readonly patient: Docker;
  /** Pulls that go on, by image: all who want one share it, and what comes of it. */
  private readonly pulls = new Map<string, Promise<void>>();

  constructor(private readonly options: DockerDriverOptions) {
    this.needsPorts = options.publish;
    this.docker = new Docker({ ...options.address, timeout: options.timeoutMs });
    this.patient = new Docker({ ...options.address });
  }

  async prepare(imageRef: string): Promise<void> {
    const { pull, publish, network } = this.options;
    if (!publish && !(await this.exists(() => this.docker.getNetwork(network).inspect()))) {
      throw new StartFailure('start_config_invalid', `there is no network ${network}`);
    }
    if (await this.exists(() => this.docker.getImage(imageRef).inspect())) return;
    if (!pull) throw new StartFailure('image_pull_failed', `${imageRef} is not here, and nothing is pulled`);
    const begun = this.pulls.get(imageRef) ?? this.pull(imageRef).finally(() => this.pulls.delete(imageRef));
    this.pulls.set(imageRef, begun);
    await begun;
  }

  private async pull(imageRef: string): Promise<void> {
    const { pullTimeoutMs, stopping } = this.options;
    const failure = (why: string): StartFailure =>
      new StartFailure('image_pull_failed', `${imageRef}: ${why}`);
    const late = AbortSignal.timeout(pullTimeoutMs);
    try {
      const abortSignal = AbortSignal.any([late, stopping]);
      const progress = (await this.patient.pull(imageRef, { abortSignal })) as DaemonStream;
      for await (const line of createInterface(progress)) {
        const { error } = JSON.parse(line) as { error?: string };
        if (error !== undefined) throw failure(error);
      }
    } catch (error) {
      if (error instanceof StartFailure) throw error;
      if (stopping.aborted) throw new DriverUnavailable('Runtime Manager is ending', { cause: error });
      if (late.aborted) throw failure(`not pulled within ${pullTimeoutMs} ms`);
      // A status is the daemon's word on the image. Anything else, also in the middle, is its own trouble.
      throw statusOf(error) === undefined ? away(error) : failure(messageOf(error));
    }
  }

  async start(spec: EngineSpec): Promise<void> {
    const found = await this.inspect(spec.gameId);
    if (found?.isRunning && isSame(found.spec, spec)) return;
    // Podman goes on saying of a container that it was killed for its memory, however it ends next time.
    const isUsable = found !== null && isSame(found.spec, spec) && !found.outOfMemory;
    if (found !== null && !isUsable) await this.remove(spec.gameId);
    try {
      if (!isUsable) {
        await this.docker.createVolume(this.describeVolume(spec));
        await this.docker.createContainer(this.describe(spec));
      }
      await this.container(spec.gameId).start();
    } catch (error) {
      const status = statusOf(error);
      if (status === undefined) throw away(error);
      // 304: it runs already.
      if (status === 304) return;
      const code = status < 500 ? 'start_config_invalid' : 'container_start_failed';
      throw new StartFailure(code, messageOf(error), { cause: error });
    }
  }

  /** One that is there already stays as it is. */
  private describeVolume({ gameId, state }: EngineSpec): Docker.VolumeCreateOptions {
    return {
      Name: volumeName(gameId, state),
      Labels: { [LABELS.owner]: this.options.owner, [LABELS.game]: gameId },
    };
  }

  private describe(spec: EngineSpec): Docker.ContainerCreateOptions {
    const { owner, network, user, env, memoryBytes, cpus } = this.options;
    const { gameId, imageRef, state, port } = spec;
    const exposed = `${ENGINE_PORT}/tcp`;
    return {
      name: containerName(gameId),
      Image: imageRef,
      Labels: {
        [LABELS.owner]: owner,
        [LABELS.game]: gameId,
        [LABELS.image]: imageRef,
        [LABELS.state]: state,
        ...(port !== null && { [LABELS.port]: port.toString() }),
      },
      User: user,
      Env: Object.entries({
        ...env,
        ENGINE_HTTP_ADDR: `0.0.0.0:${ENGINE_PORT}`,
        ENGINE_DATA_DIR: '/data',
      }).map(([name, value]) => `${name}=${value}`),
      ExposedPorts: { [exposed]: {} },
      HostConfig: {
        // Who restarts an engine is decided by people and by us; a daemon that does hides that it ended.
        RestartPolicy: { Name: 'no' },
        ReadonlyRootfs: true,
        Tmpfs: { '/tmp': 'rw,noexec,nosuid,size=16m' },
        Mounts: [{ Type: 'volume', Source: volumeName(gameId, state), Target: '/data' }],
        CapDrop: ['ALL'],
        SecurityOpt: ['no-new-privileges'],
        Memory: memoryBytes,
        // No swap beyond it.
        MemorySwap: memoryBytes,
        NanoCpus: Math.round(cpus * 1e9),
        PidsLimit: MOST_PROCESSES,
        LogConfig: { Type: 'json-file', Config: { 'max-size': '10m' } },
        ...(port === null
          ? { NetworkMode: network }
          : { PortBindings: { [exposed]: [{ HostIp: '127.0.0.1', HostPort: port.toString() }] } }),
      },
      ...(port === null && {
        NetworkingConfig: { EndpointsConfig: { [network]: { Aliases: [hostName(gameId)] } } },
      }),
    };
  }

  async stop(gameId: string): Promise<void> {
    if ((await this.inspect(gameId)) === null) return;
    const seconds = Math.ceil(this.options.stopTimeoutMs / 1_000);
    await this.unlessGone(() => this.container(gameId).stop({ t: seconds }));
  }

  async remove(gameId: string): Promise<void> {
    if ((await this.inspect(gameId)) === null) return;
    await this.unlessGone(() => this.container(gameId).remove({ force: true }));
  }

  async removeStates(gameId: string): Promise<void> {
    // Of two labels Docker wants both, and Podman either: one is for the daemon, and both for us.
    const filters = { label: [`${LABELS.game}=${gameId}`] };
    const { Volumes } = await this.ask(() => this.docker.listVolumes({ filters }));
    const own = Volumes.filter(({ Labels }) => this.isOwn(Labels, gameId));
    for (const { Name } of own) await this.unlessGone(() => this.docker.getVolume(Name).remove());
  }

  async inspect(gameId: string): Promise<Container | null> {
    let info: Docker.ContainerInspectInfo;
    try {
      info = await this.container(gameId).inspect();
    } catch (error) {
      if (statusOf(error) === 404) return null;
      throw away(error);
    }
    const { Id: id, State: state } = info;
    const labels = info.Config.Labels;
    if (!this.isOwn(labels, gameId)) {
      // Rather than to touch it: the name is taken, and starting will say so.
      return null;
    }
    const port = labels[LABELS.port] === undefined ? null : Number(labels[LABELS.port]);
    const spec = { gameId, imageRef: labels[LABELS.image] ?? '', state: labels[LABELS.state] ?? '', port };
    return {
      id,
      run: `${id}/${state.StartedAt}`,
      spec,
      endpoint: port === null ? `http://${hostName(gameId)}:${ENGINE_PORT}` : `http://127.0.0.1:${port}`,
      isRunning: state.Running,
      exitCode: state.Running ? null : state.ExitCode,
      outOfMemory: !state.Running && state.OOMKilled,
      unhealthy: state.Running && state.Health?.Status === 'unhealthy',
    };
  }

  async list(): Promise<string[]> {
    const filters = { label: [this.mark] };
    const found = await this.ask(() => this.docker.listContainers({ all: true, filters }));
    return found.flatMap(({ Labels }) => Labels[LABELS.game] ?? []);
  }

  async lastOutput(gameId: string): Promise<string> {
    try {
      if ((await this.inspect(gameId)) === null) return '';
      const framed = await this.container(gameId).logs({ stdout: true, stderr: true, tail: OUTPUT_LINES });
      return withoutFrames(framed).trim();
    } catch (error) {
      return `it could not be read: ${messageOf(error)}`;
    }
  }

  async watch(changed: (gameId: string | null) => void, stopping: AbortSignal): Promise<void> {
    const { log } = this.options;
    let retryMs = FIRST_RETRY_MS;
    let isAway = false;
    const isEnding = (): boolean => stopping.aborted;
    while (!isEnding()) {
      try {
        await this.follow((gameId) => {
          if (isAway) log.info('events of the daemon come again');
          isAway = false;
          retryMs = FIRST_RETRY_MS;
          changed(gameId);
        }, stopping);
        if (!isEnding()) throw new Error('the daemon ended its events');
      } catch (error) {
        if (!isEnding() && !isAway)
          log.warn({ err: error }, 'events of the daemon cannot be had, trying again');
        isAway = true;
        await pause(retryMs, stopping);
        retryMs = Math.min(2 * retryMs, LAST_RETRY_MS);
      }
    }
  }

  /** Follows the daemon's events until their connection ends. */
  private async follow(changed: (gameId: string | null) => void, stopping: AbortSignal): Promise<void> {
    const filters = JSON.stringify({ type: ['container'], label: [this.mark] });
    const events = (await this.patient.getEvents({ filters, abortSignal: stopping })) as DaemonStream;
    // Whatever happened while nobody listened.
    changed(null);
    const alive = this.endWhenSilent(events);
    try {
      for await (const line of createInterface(events)) {
        if (line.trim() === '') continue;
        const { Action = '', Actor } = JSON.parse(line) as DaemonEvent;
        const gameId = Actor?.Attributes?.[LABELS.game];
        if (gameId !== undefined && NEWS.has(Action.split(':')[0] ?? '')) changed(gameId);
      }
    } finally {
      clearInterval(alive);
      events.destroy();
    }
  }

  /** A connection whose other end is gone without a word tells nothing for ever. */
  private endWhenSilent(events: DaemonStream): NodeJS.Timeout {
    return setInterval(() => {
      this.ping().catch((error: unknown) => events.destroy(error as Error));
    }, this.options.timeoutMs);
  }

  async ping(): Promise<void> {
    await this.ask(() => this.docker.ping());
  }

  private isOwn(labels: Readonly<Record<string, string>>, gameId: string): boolean {
    return labels[LABELS.owner] === this.options.owner && labels[LABELS.game] === gameId;
  }

  private get mark(): string {
    return `${LABELS.owner}=${this.options.owner}`;
  }

  private container(gameId: string): Docker.Container {
    return this.docker.getContainer(containerName(gameId));
  }

  private async exists(look: () => Promise<unknown>): Promise<boolean> {
    try {
      await look();
      return true;
    } catch (error) {
      if (statusOf(error) === 404) return false;
      throw away(error);
    }
  }

  /** For what may have been done already, or by somebody else. */
  private async unlessGone(call: () => Promise<unknown>): Promise<void> {
    try {
      await call();
    } catch (error) {
      if (![304, 404].includes(statusOf(error) ?? 0)) throw away(error);
    }
  }

  private async ask<T>(call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (error) {
      throw away(error);
    }
  }
}

/** What dockerode's streams are. */
type DaemonStream = NodeJS.ReadableStream & { destroy: (error?: Error) => void };

interface DaemonEvent {
  Action?: string;
  Actor?: { Attributes?: Record<string, string> };
}

function containerName(gameId: string): string {
  return `galaxy-game-${gameId}`;
}

/** Of the state: a start after a stop has one of its own. */
function volumeName(gameId: string, state: string): string {
  return `${containerName(gameId)}-${state}`;
}

/**
 * The container's name, where it can be one of a host: names of hosts have no more than 63 characters, and no difference
 * between capital and small letters, so that two games could answer to one.
 */
function hostName(gameId: string): string {
  const name = containerName(gameId);
  if (name.length <= 63 && name === name.toLowerCase()) return name;
  return containerName(createHash('sha256').update(gameId).digest('hex').slice(0, 32));
}

function isSame(a: EngineSpec, b: EngineSpec): boolean {
  return a.imageRef === b.imageRef && a.state === b.state && a.port === b.port;
}

/** Undefined when the daemon did not answer. */
function statusOf(error: unknown): number | undefined {
  const status = error instanceof Error && 'statusCode' in error ? error.statusCode : undefined;
  return typeof status === 'number' ? status : undefined;
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // What dockerode puts before the daemon's own words.
  return error.message.replace(/^\(HTTP code \d+\) [^-]*- /, '').trim();
}

function away(error: unknown): DriverUnavailable {
  return new DriverUnavailable(`the daemon: ${messageOf(error)}`, { cause: error });
}

/** Output of a container without a terminal comes in frames: eight bytes, of which the last four are the length. */
function withoutFrames(framed: Buffer): string {
  let text = '';
  for (let at = 0; at + 8 <= framed.length;) {
    const length = framed.readUInt32BE(at + 4);
    text += framed.toString('utf8', at + 8, at + 8 + length);
    at += 8 + length;
  }
  return text;
}
