/** How an engine comes up. */
import { isImageReference } from '../../pkg/imageref';
import { gameLogger, type Logger } from '../service/logging';
import { pause } from '../service/pause';
import { DriverUnavailable, StartFailure, type Container, type Driver } from './driver';
import { freePort, type PortRange } from './ports';
import { probe } from './probe';
import type { EngineSpec } from './runtime';
import { Slots } from './slots';

export interface EngineStarterOptions {
  driver: Driver;
  log: Logger;
  /** Whether engines of this image may be run. */
  allows: (imageRef: string) => boolean;
  ports: PortRange;
  startTimeoutMs: number;
  probeTimeoutMs: number;
  /** Aborted when the process is to end: what waits for an engine gives up, and is taken up by the next process. */
  stopping: AbortSignal;
}

/** How often it is looked whether an engine that is starting answers. */
const LOOK_AGAIN_MS = 50;
/** Engines that come up at a time. */
const AT_A_TIME = 32;

export class EngineStarter {
  /** Ports that were chosen for engines which are not remembered yet. */
  private readonly chosenPorts = new Set<number>();
  private readonly slots = new Slots(AT_A_TIME);

  constructor(private readonly options: EngineStarterOptions) {}

  /**
   * Describes an engine on a state of its own, which is named after the job that asks for it. `taken` gives the ports
   * that other games have.
   */
  async newSpec(
    gameId: string,
    imageRef: string,
    requestedAtMs: number,
    taken: () => Promise<number[]>,
  ): Promise<EngineSpec> {
    const { driver, ports } = this.options;
    const spec = { gameId, imageRef, state: requestedAtMs.toString(), port: null };
    if (!driver.needsPorts) return spec;
    // A container of this very job may be there, from before a crash.
    const found = await driver.inspect(gameId);
    if (found?.spec.state === spec.state && found.spec.port !== null)
      return { ...spec, port: found.spec.port };
    const port = await freePort(ports, new Set([...(await taken()), ...this.chosenPorts]));
    this.chosenPorts.add(port);
    // By then it is remembered, or free again.
    setTimeout(() => this.chosenPorts.delete(port), 2 * this.options.startTimeoutMs).unref();
    return { ...spec, port };
  }

  /** Has an engine of this description run and answer. @throws StartFailure */
  async bringUp(spec: EngineSpec): Promise<Container> {
    // A pull may take minutes; nobody whose image is here waits for it.
    await this.makeAvailable(spec.imageRef);
    return this.slots.run(() => {
      if (this.options.stopping.aborted) throw ending();
      return this.startAndWait(spec);
    });
  }

  private async startAndWait(spec: EngineSpec): Promise<Container> {
    const { driver, startTimeoutMs, probeTimeoutMs, stopping } = this.options;
    await driver.start(spec);
    const deadline = Date.now() + startTimeoutMs;
    for (;;) {
      const found = await driver.inspect(spec.gameId);
      if (!found?.isRunning) {
        const how = found === null || found.exitCode === null ? '' : ` with exit code ${found.exitCode}`;
        const why = found?.outOfMemory ? ', out of memory,' : '';
        throw new StartFailure('container_start_failed', `the engine ended${how}${why} before it answered`);
      }
      if ((await probe(found.endpoint, probeTimeoutMs)) === null) return found;
      if (Date.now() > deadline) {
        throw new StartFailure(
          'container_start_failed',
          `the engine did not answer within ${startTimeoutMs} ms`,
        );
      }
      if (stopping.aborted) throw ending();
      await pause(LOOK_AGAIN_MS, stopping);
    }
  }

  /** @throws StartFailure when the image may not be run, or cannot be had */
  async makeAvailable(imageRef: string): Promise<void> {
    if (!isImageReference(imageRef)) {
      throw new StartFailure('start_config_invalid', 'image_ref is not an image with a tag or a digest');
    }
    if (!this.options.allows(imageRef)) {
      throw new StartFailure('start_config_invalid', `${imageRef} is not an image that may be run`);
    }
    await this.options.driver.prepare(imageRef);
  }

  /** After a failed start: what it printed goes to the log, and the container away. */
  async clearAway(gameId: string): Promise<void> {
    await this.logLastOutput(gameId);
    await this.options.driver.remove(gameId);
  }

  /** Puts what an engine printed last into the log. */
  async logLastOutput(gameId: string): Promise<void> {
    const output = await this.options.driver.lastOutput(gameId);
    if (output !== '')
      gameLogger(this.options.log, gameId).warn(
        { output },
        'the last lines of the engine that did not come up',
      );
  }
}

function ending(): DriverUnavailable {
  return new DriverUnavailable('Runtime Manager is ending');
}
