import { Redis } from 'ioredis';
import { AsyncApiDocument } from '../unit/contracts/asyncapi-document';
import type { DriverKit } from './engine-drivers';
import { ServiceProcess } from './service-process';
import { freePort, freshKeyPrefix, stackAddresses } from './stack';
import { repeatWhile, waitFor } from './wait-for';

const contract = new AsyncApiDocument('platform/rtmanager/asyncapi.yaml');

/** Of this file's engines alone: none of those that are chosen for servers, nor of the file that runs beside it. */
const FIRST_PORT = 10_000 + 1_000 * (Number(process.env['JEST_WORKER_ID'] ?? 0) % 5);
const ENGINE_PORTS = `${FIRST_PORT}-${FIRST_PORT + 999}`;

type Json = Record<string, unknown>;
type Fields = Record<string, string>;

export interface RuntimeReply {
  status: number;
  body: Json;
}

type Streams = Record<'startJobs' | 'stopJobs' | 'jobResults' | 'healthEvents', string>;

export interface RuntimeManagerOptions {
  kit: Pick<DriverKit, 'env'>;
  env?: Record<string, string>;
  redisUrl?: string;
}

/** A Runtime Manager of its own for one test file: a real process on the shared Redis, with its own streams and engines. */
export class RuntimeManager {
  private lastRequest = Date.now();

  private constructor(
    public process: ServiceProcess,
    private readonly environment: Record<string, string>,
    readonly redis: Redis,
    readonly streams: Streams,
    readonly memoryKey: string,
  ) {}

  static async start({ kit, env, redisUrl = stackAddresses().redisUrl }: RuntimeManagerOptions) {
    const prefix = freshKeyPrefix();
    const streams = {
      startJobs: `${prefix}start_jobs`,
      stopJobs: `${prefix}stop_jobs`,
      jobResults: `${prefix}job_results`,
      healthEvents: `${prefix}health_events`,
    };
    const memoryKey = `${prefix}runtimes`;
    const environment = {
      RTMANAGER_HTTP_ADDR: `127.0.0.1:${await freePort()}`,
      RTMANAGER_REDIS_URL: redisUrl,
      RTMANAGER_REDIS_KEY: memoryKey,
      RTMANAGER_STREAM_START_JOBS: streams.startJobs,
      RTMANAGER_STREAM_STOP_JOBS: streams.stopJobs,
      RTMANAGER_STREAM_JOB_RESULTS: streams.jobResults,
      RTMANAGER_STREAM_HEALTH_EVENTS: streams.healthEvents,
      RTMANAGER_JOB_CLAIM_AFTER: '500ms',
      RTMANAGER_START_TIMEOUT: '30s',
      RTMANAGER_PORTS: ENGINE_PORTS,
      RTMANAGER_PROBE_INTERVAL: '200ms',
      // An engine is not ill because a machine stood still for a moment.
      RTMANAGER_PROBE_TIMEOUT: '4s',
      RTMANAGER_SWEEP_INTERVAL: '300ms',
      ...kit.env,
      ...env,
    };
    const redis = new Redis(stackAddresses().redisUrl);
    redis.on('error', () => undefined);
    const manager = new RuntimeManager(run(environment), environment, redis, streams, memoryKey);
    await manager.process.untilReady();
    return manager;
  }

  get baseUrl(): string {
    return this.process.baseUrl;
  }

  /** Starts it again after it ended, with the same memory, at the same address. */
  async again(env: Record<string, string> = {}): Promise<void> {
    this.process = run({ ...this.environment, ...env });
    await this.process.untilReady();
  }

  async stop(): Promise<void> {
    await this.process.stop();
    await this.redis.del(this.memoryKey, ...Object.values(this.streams));
    this.redis.disconnect();
  }

  /** Adds a job; its `requested_at_ms` is later than that of all before when none is given. Returns that. */
  async addJob(
    kind: 'start' | 'stop',
    gameId: string,
    detail: string,
    requestedAtMs = (this.lastRequest = Math.max(this.lastRequest + 1, Date.now())),
  ): Promise<number> {
    const fields = {
      game_id: gameId,
      [kind === 'start' ? 'image_ref' : 'reason']: detail,
      requested_at_ms: requestedAtMs.toString(),
    };
    await this.add(kind === 'start' ? 'startJobs' : 'stopJobs', fields);
    return requestedAtMs;
  }

  async add(stream: keyof Streams, fields: Fields): Promise<void> {
    await this.redis.xadd(this.streams[stream], '*', ...Object.entries(fields).flat());
  }

  /** Starts an engine by a job and waits until it is up. Returns the job's result. */
  async started(gameId: string, imageRef: string): Promise<Fields> {
    await this.addJob('start', gameId, imageRef);
    const result = (await this.untilResults(gameId, 1))[0] ?? {};
    if (result['outcome'] !== 'success') throw new Error(`not started: ${JSON.stringify(result)}`);
    return result;
  }

  results(gameId: string): Promise<Fields[]> {
    return this.entries(this.streams.jobResults, gameId);
  }

  untilResults(gameId: string, count: number): Promise<Fields[]> {
    return waitFor(
      async () => {
        const results = await this.results(gameId);
        return results.length >= count && results;
      },
      {
        timeout: 40_000,
        describe: () => `${count} results for ${gameId}:\n${this.process.lines.slice(-20).join('\n')}`,
      },
    );
  }

  events(gameId: string): Promise<Fields[]> {
    return this.entries(this.streams.healthEvents, gameId);
  }

  async eventTypes(gameId: string): Promise<string[]> {
    return (await this.events(gameId)).map(({ event_type = '' }) => event_type);
  }

  /** Waits for an event of this type, after those that are named by their number. */
  untilEvent(gameId: string, type: string, after = 0): Promise<Fields> {
    return waitFor(
      async () => (await this.events(gameId)).slice(after).find(({ event_type }) => event_type === type),
      {
        describe: () => `${type} of ${gameId}:\n${this.process.lines.slice(-20).join('\n')}`,
      },
    );
  }

  /** Every entry that it added to a stream. @throws Error where one is not as its document says */
  async told(): Promise<{ results: Fields[]; events: Fields[] }> {
    const results = await this.entries(this.streams.jobResults);
    const events = await this.entries(this.streams.healthEvents);
    for (const entry of [...results, ...events]) contract.check(entry);
    return { results, events };
  }

  async dead(stream: 'startJobs' | 'stopJobs'): Promise<Fields[]> {
    return this.entries(`${this.streams[stream]}:dead`);
  }

  /** Repeated while it says that Redis is away, which a process that stood still takes for silence. */
  async call(method: string, path: string, body?: object): Promise<RuntimeReply> {
    const isOpen = (reply: RuntimeReply): boolean =>
      reply.status === 503 && JSON.stringify(reply.body).includes('redis does not answer');
    return repeatWhile(isOpen, 10_000, () => this.callOnce(method, path, body));
  }

  private async callOnce(method: string, path: string, body?: object): Promise<RuntimeReply> {
    const response = await fetch(`${this.baseUrl}/api/v1/internal/runtimes${path}`, {
      method,
      ...(body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    });
    return { status: response.status, body: (await response.json()) as Json };
  }

  async runtime(gameId: string): Promise<Json> {
    return (await this.call('GET', `/${gameId}`)).body;
  }

  untilRuntime(gameId: string, fields: Json): Promise<Json> {
    return waitFor(
      async () => {
        const runtime = await this.runtime(gameId);
        return Object.entries(fields).every(([name, value]) => runtime[name] === value) && runtime;
      },
      {
        describe: () =>
          `${gameId} to have ${JSON.stringify(fields)}:\n${this.process.lines.slice(-20).join('\n')}`,
      },
    );
  }

  /** What the game's engine answers. */
  async engine(gameId: string, method: string, path: string, body?: object): Promise<Json> {
    const { engine_endpoint } = await this.runtime(gameId);
    const response = await fetch(`${String(engine_endpoint)}${path}`, {
      method,
      headers: { 'content-type': 'application/json' },
      ...(body && { body: JSON.stringify(body) }),
    });
    return (await response.json()) as Json;
  }

  private async entries(stream: string, gameId?: string): Promise<Fields[]> {
    const entries = await this.redis.xrange(stream, '-', '+');
    return entries
      .map(([, flat]) => {
        const fields: Fields = {};
        for (let i = 0; i < flat.length; i += 2) fields[flat[i] ?? ''] = flat[i + 1] ?? '';
        return fields;
      })
      .filter(({ game_id }) => gameId === undefined || game_id === gameId);
  }
}

function run(env: Record<string, string>): ServiceProcess {
  const baseUrl = `http://${env['RTMANAGER_HTTP_ADDR'] ?? ''}`;
  return new ServiceProcess('rtmanager', 'platform/rtmanager/main.js', baseUrl, env);
}
