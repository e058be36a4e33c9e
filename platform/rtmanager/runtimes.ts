/** What is done with the engines of games: one thing after the other for each game. */
import { gameLogger, type Logger } from '../service/logging';
import { StartFailure, type Container, type Driver } from './driver';
import type { EngineStarter } from './engine-starter';
import { ended, noticeContainer, noticeProbe, seenIn, started, type Notice } from './health';
import * as jobResult from './job-result';
import { Lanes } from './lanes';
import type { Memory, Remembered, Telling } from './memory';
import type { Metrics } from './metrics';
import { probe } from './probe';
import { conflict, toServiceError, unknown } from './refusals';
import { isAlive, newRuntime, type EngineSpec, type JobResult, type Runtime } from './runtime';

export interface RuntimesOptions {
  driver: Driver;
  starter: EngineStarter;
  memory: Memory;
  metrics: Metrics;
  log: Logger;
  probeTimeoutMs: number;
  /** How long what is stopped stays. */
  retentionMs: number;
  /** Whether the state of a game goes with its container. */
  removeState: boolean;
}

/** A job as it was read from its stream. */
export interface Job {
  gameId: string;
  requestedAtMs: number;
  stream: string;
  entryId: string;
}

/** A runtime that has been started at least once. */
type Known = Remembered & { runtime: Runtime & { spec: EngineSpec } };

export class Runtimes {
  private readonly lanes = new Lanes();

  constructor(private readonly options: RuntimesOptions) {}

  /** Does a start job and tells its result. @throws DriverUnavailable, MemoryUnavailable: the job may be repeated */
  async start(job: Job, imageRef: string): Promise<void> {
    await this.alone(job.gameId, async () => {
      const read = await this.options.memory.find(job.gameId);
      const { notice, result, isNew } = await this.startOutcome(read.runtime, job, imageRef);
      const runtime = isNew
        ? { ...notice.runtime, startJob: { requestedAtMs: job.requestedAtMs, result } }
        : notice.runtime;
      await this.commit(read, { ...notice, runtime }, this.telling('start', job, result));
      this.count('start', result.errorCode, job.gameId, { result });
    });
  }

  private async startOutcome(
    known: Runtime | null,
    job: Job,
    imageRef: string,
  ): Promise<{ notice: Notice; result: JobResult; isNew: boolean }> {
    const runtime = known ?? newRuntime(job.gameId, Date.now());
    const unchanged: Notice = { runtime, events: [] };
    if (runtime.startJob?.requestedAtMs === job.requestedAtMs) {
      return { notice: unchanged, result: runtime.startJob.result, isNew: false };
    }
    if (runtime.stopJob !== null && runtime.stopJob.requestedAtMs >= job.requestedAtMs) {
      const result = jobResult.failed({
        code: 'container_start_failed',
        message: 'the game was to be stopped before it was started',
      });
      return { notice: unchanged, result, isNew: false };
    }
    try {
      if (isAlive(runtime) && runtime.spec !== null) {
        if (runtime.spec.imageRef !== imageRef) {
          throw new StartFailure(
            'start_config_invalid',
            `the game has an engine of ${runtime.spec.imageRef}, which only a patch can replace`,
          );
        }
        // Also one that runs is asked whether it answers.
        const up = await this.options.starter.bringUp(runtime.spec);
        const notice = noticeContainer(runtime, up, Date.now());
        return { notice, result: jobResult.started(notice.runtime), isNew: true };
      }
      // What a game that was stopped left behind is not played on: a new start is a new game to its engine.
      const spec = await this.options.starter.newSpec(job.gameId, imageRef, job.requestedAtMs, () =>
        this.takenPorts(),
      );
      const notice = started(runtime, await this.options.starter.bringUp(spec), Date.now());
      return { notice, result: jobResult.started(notice.runtime), isNew: true };
    } catch (error) {
      if (!(error instanceof StartFailure)) throw error;
      const result = jobResult.failed(error);
      // One that this very job started before a crash has been found meanwhile, and goes as any that fails to start.
      const isOfJob = runtime.startJob === null && runtime.spec?.state === job.requestedAtMs.toString();
      if (isAlive(runtime) && !isOfJob) return { notice: unchanged, result, isNew: true };
      await this.options.starter.clearAway(job.gameId);
      const failed: Runtime = { ...runtime, status: 'start_failed', endedAt: Date.now() };
      return { notice: { runtime: failed, events: [] }, result, isNew: true };
    }
  }

  private async takenPorts(): Promise<number[]> {
    return (await this.options.memory.all()).flatMap(({ spec }) => spec?.port ?? []);
  }

  /** Does a stop job and tells its result. @throws DriverUnavailable, MemoryUnavailable: the job may be repeated */
  async stopByJob(job: Job, reason: string): Promise<void> {
    await this.alone(job.gameId, async () => {
      const read = await this.options.memory.find(job.gameId);
      const runtime = read.runtime ?? newRuntime(job.gameId, Date.now());
      const isRepeated = runtime.stopJob?.requestedAtMs === job.requestedAtMs;
      const isPast = (runtime.startJob?.requestedAtMs ?? 0) > job.requestedAtMs;
      if (isRepeated || isPast) {
        const result = isRepeated && runtime.stopJob ? runtime.stopJob.result : jobResult.stopped(null);
        await this.commit(read, { runtime, events: [] }, this.telling('stop', job, result));
        return;
      }
      const notice = await this.end(runtime, reason);
      const result = jobResult.stopped(notice.runtime.containerId);
      const stopJob = { requestedAtMs: job.requestedAtMs, result };
      await this.commit(
        read,
        { ...notice, runtime: { ...notice.runtime, stopJob } },
        this.telling('stop', job, result),
      );
      this.count('stop', '', job.gameId, { reason });
    });
  }

  /** @throws ServiceError when none is known, or Redis is away */
  async get(gameId: string): Promise<Runtime> {
    const { runtime } = await this.guard(() => this.options.memory.find(gameId));
    if (runtime === null) throw unknown(gameId);
    return runtime;
  }

  /** Ends a game's engine. Returns its runtime. @throws ServiceError */
  async stop(gameId: string, reason: string): Promise<Runtime> {
    return this.call('stop', gameId, async (read) => {
      const runtime = await this.commit(read, await this.end(read.runtime, reason));
      this.log(gameId).info({ reason }, 'stopped');
      return runtime;
    });
  }

  private async end(known: Runtime, reason: string): Promise<Notice> {
    const { driver } = this.options;
    await driver.stop(known.gameId);
    const found = await driver.inspect(known.gameId);
    const runtime = known.spec === null && found !== null ? { ...known, ...seenIn(found) } : known;
    const now = Date.now();
    const notice: Notice =
      runtime.status === 'running' && found !== null
        ? ended(runtime, found, now, reason)
        : noticeContainer(runtime, found, now);
    const endedAt = runtime.status === 'stopped' ? runtime.endedAt : now;
    return { ...notice, runtime: { ...notice.runtime, status: 'stopped', replacement: null, endedAt } };
  }

  /** Ends a game's engine and starts it again. Returns its runtime. @throws ServiceError */
  async restart(gameId: string): Promise<Runtime> {
    return this.call('restart', gameId, async (read) => {
      const known = startedOnce(read);
      return this.replace(known, known.runtime.spec.imageRef);
    });
  }

  /** Puts an engine of another image in the place of a game's engine. Returns its runtime. @throws ServiceError */
  async patch(gameId: string, imageRef: string): Promise<Runtime> {
    return this.call('patch', gameId, async (read) => {
      const known = startedOnce(read);
      const { runtime } = known;
      if (runtime.status === 'stopped') throw conflict(gameId, 'is stopped');
      if (
        runtime.spec.imageRef === imageRef &&
        runtime.status === 'running' &&
        runtime.replacement === null
      ) {
        return runtime;
      }
      return this.replace(known, imageRef);
    });
  }

  /**
   * Ends the engine and starts one of `imageRef` on the same state and endpoint. That it has begun is remembered first,
   * so that a crash at any point is made good by `look`.
   * @throws StartFailure when none comes up, after the old one was brought back where there is a difference
   */
  private async replace(known: Known, imageRef: string): Promise<Runtime> {
    const { driver } = this.options;
    const { gameId } = known;
    const { spec } = known.runtime;
    await this.options.starter.makeAvailable(imageRef);
    const begun = await this.options.memory.commit(known, { ...known.runtime, replacement: imageRef });
    const runtime: Runtime = { ...known.runtime, replacement: null };
    await driver.stop(gameId);
    try {
      const up = await this.options.starter.bringUp({ ...spec, imageRef });
      return await this.commit(begun, started(runtime, up, Date.now()));
    } catch (error) {
      if (!(error instanceof StartFailure)) throw error;
      await this.options.starter.logLastOutput(gameId);
      await driver.stop(gameId);
      if (spec.imageRef === imageRef) {
        await this.commit(begun, noticeEnd(runtime, await driver.inspect(gameId)));
        throw error;
      }
      return this.bringBack(begun, runtime, spec, error);
    }
  }

  private async bringBack(
    begun: Remembered,
    runtime: Runtime,
    old: EngineSpec,
    failure: StartFailure,
  ): Promise<never> {
    const { driver } = this.options;
    let back: Container;
    try {
      back = await this.options.starter.bringUp(old);
    } catch (error) {
      if (!(error instanceof StartFailure)) throw error;
      await this.commit(begun, noticeEnd(runtime, await driver.inspect(old.gameId)));
      throw new StartFailure(
        failure.code,
        `${failure.message}; ${old.imageRef} did not come back either: ${error.message}`,
      );
    }
    await this.commit(begun, started(runtime, back, Date.now()));
    throw new StartFailure(failure.code, `${failure.message}; ${old.imageRef} runs again`);
  }

  /**
   * Compares what is remembered of a game with what there is, and tells of the difference; makes good what a crash
   * interrupted; removes what has been stopped for long.
   * @throws DriverUnavailable, MemoryUnavailable
   */
  async look(gameId: string): Promise<void> {
    await this.lanes.run(gameId, async () => {
      const { driver, memory } = this.options;
      const read = await memory.find(gameId);
      const { runtime } = read;
      if (runtime !== null && (runtime.replacement !== null || !isAlive(runtime))) {
        // What another process has begun is its own to end.
        if (this.isDue(runtime)) await memory.holdIfFree(gameId, () => this.endBegun(gameId));
        return;
      }
      const found = await driver.inspect(gameId);
      if (runtime === null) return this.adopt(read, found);
      const notice = noticeContainer(runtime, found, Date.now());
      if (notice.runtime !== runtime) await this.commit(read, notice);
    });
  }

  /** Whether there is a replacement to complete, or what was stopped for long to remove. */
  private isDue({ replacement, status, endedAt }: Runtime): boolean {
    if (replacement !== null) return true;
    return !isAlive({ status }) && Date.now() >= (endedAt ?? 0) + this.options.retentionMs;
  }

  /** By who holds the game: only then it is known that nobody is about it any more. */
  private async endBegun(gameId: string): Promise<void> {
    const read = await this.options.memory.find(gameId);
    if (read.runtime === null || !this.isDue(read.runtime)) return;
    if (read.runtime.replacement === null) await this.removeStopped(read);
    else await this.finishReplacement(startedOnce(read));
  }

  /** A container that carries our mark and that nobody remembers: the memory was lost, or a crash came before it. */
  private async adopt(read: Remembered, found: Container | null): Promise<void> {
    if (found === null) return;
    const now = Date.now();
    const runtime: Runtime = { ...newRuntime(read.gameId, now), spec: found.spec, status: 'disappeared' };
    this.log(read.gameId).warn(
      { container_id: found.id },
      'a container that was not remembered is taken over',
    );
    await this.commit(read, noticeContainer(runtime, found, now));
  }

  private async finishReplacement(known: Known): Promise<void> {
    const imageRef = known.runtime.replacement ?? known.runtime.spec.imageRef;
    this.log(known.gameId).warn({ image_ref: imageRef }, 'a replacement that was interrupted is completed');
    try {
      await this.replace(known, imageRef);
    } catch (error) {
      if (!(error instanceof StartFailure)) throw error;
      // Its caller has gone; what runs now is remembered, and told by events.
      this.log(known.gameId).error({ err: error }, 'the interrupted replacement failed');
    }
  }

  private async removeStopped(read: Remembered): Promise<void> {
    const { driver, removeState } = this.options;
    const { gameId } = read;
    await driver.remove(gameId);
    if (removeState) await driver.removeStates(gameId);
    await this.options.memory.commit(read, null);
    this.count('remove', '', gameId, {});
  }

  /** Asks a running engine whether it is well. Games for which something is being done are passed over. */
  async check({ gameId, status, endpoint, run, replacement }: Runtime): Promise<void> {
    if (status !== 'running' || endpoint === null || replacement !== null || this.lanes.isBusy(gameId))
      return;
    const error = await probe(endpoint, this.options.probeTimeoutMs);
    this.options.metrics.probes.inc({ outcome: error === null ? 'ok' : 'failed' });
    // Whether it is there at all comes first: then that is the news.
    if (error !== null) await this.look(gameId);
    await this.lanes.run(gameId, async () => {
      const read = await this.options.memory.find(gameId);
      if (read.runtime?.run !== run || read.runtime.replacement !== null) return;
      const notice = noticeProbe(read.runtime, error, Date.now());
      if (notice.runtime !== read.runtime) await this.commit(read, notice);
    });
  }

  /** When everything that was begun is over. */
  async settled(): Promise<void> {
    await this.lanes.settled();
  }

  /** One call of REST: in the game's lane, with the errors of the contract. */
  private async call(
    operation: string,
    gameId: string,
    work: (read: Remembered & { runtime: Runtime }) => Promise<Runtime>,
  ): Promise<Runtime> {
    return this.lanes.run(gameId, async () => {
      try {
        const result = await this.options.memory.hold(gameId, async () => {
          const read = await this.options.memory.find(gameId);
          const { runtime } = read;
          if (runtime === null) throw unknown(gameId);
          return work({ ...read, runtime });
        });
        this.options.metrics.operations.inc({ operation, code: 'ok' });
        return result;
      } catch (error) {
        const refusal = toServiceError(error);
        this.options.metrics.operations.inc({ operation, code: refusal.code });
        throw refusal;
      }
    });
  }

  /** Does `work` in the game's lane, while no other Runtime Manager with this memory does anything to its engine. */
  private async alone(gameId: string, work: () => Promise<void>): Promise<void> {
    await this.lanes.run(gameId, () => this.options.memory.hold(gameId, work));
  }

  /** What `work` gives; its failures are those of the contract. @throws ServiceError */
  async guard<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw toServiceError(error);
    }
  }

  private async commit(read: Remembered, notice: Notice, telling: Telling = {}): Promise<Runtime> {
    const { memory, metrics } = this.options;
    await memory.commit(read, notice.runtime, { ...telling, events: notice.events });
    for (const { type, containerId, details } of notice.events) {
      metrics.healthEvents.inc({ type });
      this.log(read.gameId).info({ event_type: type, container_id: containerId, ...details }, 'health event');
    }
    return notice.runtime;
  }

  private telling(
    kind: 'start' | 'stop',
    { stream, entryId, requestedAtMs }: Job,
    result: JobResult,
  ): Telling {
    return { job: { kind, stream, entryId, requestedAtMs, result } };
  }

  private count(operation: string, errorCode: string, gameId: string, about: object): void {
    this.options.metrics.operations.inc({ operation, code: errorCode === '' ? 'ok' : errorCode });
    this.log(gameId).info({ operation, ...about }, 'done');
  }

  private log(gameId: string): Logger {
    return gameLogger(this.options.log, gameId);
  }
}

function noticeEnd(runtime: Runtime, found: Container | null): Notice {
  const now = Date.now();
  if (found === null) return noticeContainer({ ...runtime, status: 'running' }, null, now);
  return ended(runtime, found, now);
}

/** @throws ServiceError when there is nothing that could be started again */
function startedOnce(read: Remembered): Known {
  const { runtime, gameId } = read;
  if (runtime === null || runtime.spec === null || runtime.status === 'start_failed') {
    throw conflict(gameId, 'never came up');
  }
  return { ...read, runtime: { ...runtime, spec: runtime.spec } };
}
