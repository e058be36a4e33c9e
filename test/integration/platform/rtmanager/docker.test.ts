/** What the docker driver alone can do, and has to live through. */
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { DockerDriver, type DockerDriverOptions } from '../../../../platform/rtmanager/docker-driver';
import { DriverUnavailable, StartFailure } from '../../../../platform/rtmanager/driver';
import { describeWithDocker, dockerKit, quiet } from '../../../support/engine-drivers';
import { RuntimeManager } from '../../../support/runtime-manager';
import { freshGameId, waitFor } from '../../../support/stack';
import { TcpProxy } from '../../../support/tcp-proxy';

describeWithDocker('the docker driver', () => {
  let kit: Awaited<ReturnType<typeof dockerKit>>;
  let proxy: TcpProxy;
  let manager: RuntimeManager;

  beforeAll(async () => {
    kit = await dockerKit();
    const socket = new URL(kit.env['RTMANAGER_DOCKER_HOST'] ?? '').pathname;
    proxy = await TcpProxy.start({ path: socket });
    const env = {
      RTMANAGER_DOCKER_HOST: `tcp://127.0.0.1:${proxy.port}`,
      RTMANAGER_DOCKER_TIMEOUT: '8s',
      // What is told within seconds is told by events of the daemon, not by sweeps.
      RTMANAGER_SWEEP_INTERVAL: '10m',
      RTMANAGER_PROBE_INTERVAL: '10m',
    };
    manager = await RuntimeManager.start({ kit, env });
  }, 240_000);
  afterAll(async () => {
    await manager.stop();
    await proxy.close();
    await kit.clean();
  });

  it('runs an engine with no more rights than it needs', async () => {
    const gameId = freshGameId();
    await manager.started(gameId, kit.images.engine);
    const container = kit.docker.getContainer(`galaxy-game-${gameId}`);
    const { Config, HostConfig, Name, Mounts } = await container.inspect();
    expect(Name.replace('/', '')).toBe(`galaxy-game-${gameId}`);
    expect(Config.User).toBe('10001:10001');
    expect(Config.Labels).toMatchObject({ 'galaxy.game-id': gameId, 'galaxy.image-ref': kit.images.engine });
    expect(HostConfig).toMatchObject({ ReadonlyRootfs: true, Memory: 200 * 1024 * 1024, PidsLimit: 128 });
    expect(HostConfig.SecurityOpt).toContain('no-new-privileges');
    expect(Mounts).toMatchObject([{ Type: 'volume', Destination: '/data', RW: true }]);
    const status = await output(container, ['cat', '/proc/1/status']);
    expect(status).toMatch(/^Uid:\s+10001\s+10001/m);
    expect(status).toMatch(/^CapEff:\s+0+$/m);
    expect(status).toMatch(/^NoNewPrivs:\s+1$/m);
    const written = await output(container, ['sh', '-c', 'touch /engine/x; touch /data/x && echo fine']);
    expect(written).toContain('Read-only file system');
    expect(written).toContain('fine');
  });

  it('tells that a container is not well by its own check, and that it is again', async () => {
    const gameId = freshGameId();
    await manager.started(gameId, kit.images.engine);
    // Where no timer runs health checks, they are run by hand; either way the daemon says what came of them.
    await kit.signal(gameId, 'SIGSTOP');
    await untilHealth(gameId, 'unhealthy');
    await manager.process.stop();
    await manager.again({ RTMANAGER_SWEEP_INTERVAL: '300ms' });
    await manager.untilEvent(gameId, 'inspect_unhealthy');
    expect(await manager.runtime(gameId)).toMatchObject({ status: 'running', health: 'inspect_unhealthy' });
    await kit.signal(gameId, 'SIGCONT');
    await untilHealth(gameId, 'healthy');
    await manager.untilEvent(gameId, 'healthy');
    await manager.process.stop();
    await manager.again();
  }, 180_000);

  it.each(['refuse', 'blackhole'] as const)(
    'lives through a daemon that is away (%s), and then tells what it missed',
    async (mode) => {
      const [lost, wanted] = [freshGameId(), freshGameId()];
      await manager.started(lost, kit.images.engine);
      await proxy.setMode(mode);
      await kit.signal(lost, 'SIGKILL');
      await manager.addJob('start', wanted, kit.images.engine);
      await waitFor(async () => (await fetch(`${manager.baseUrl}/readyz`)).status === 503, {});
      expect(await manager.call('POST', `/${lost}/restart`)).toMatchObject({
        status: 503,
        body: { error: { code: 'service_unavailable' } },
      });
      expect(await manager.results(wanted)).toEqual([]);
      // Nothing is told that nobody knows.
      expect(await manager.eventTypes(lost)).toEqual(['container_started']);
      await proxy.setMode('pass');
      if (mode === 'blackhole') proxy.reset();
      expect((await manager.untilResults(wanted, 1))[0]).toMatchObject({ outcome: 'success' });
      await manager.untilEvent(lost, 'container_exited');
      expect(await manager.call('POST', `/${lost}/restart`)).toMatchObject({ body: { status: 'running' } });
    },
    150_000,
  );

  it('starts what is here while many wait for a registry that says nothing, and ends in the middle of it', async () => {
    const registry = createServer().listen(0, '127.0.0.1');
    await once(registry, 'listening');
    const { port } = registry.address() as AddressInfo;
    const asked = once(registry, 'connection');
    const waiting = Array.from({ length: 40 }, () => freshGameId());
    for (const gameId of waiting) {
      await manager.addJob('start', gameId, `127.0.0.1:${port}/galaxy/engine:1.0.0`);
    }
    const [connection] = (await asked) as [Socket];
    await manager.started(freshGameId(), kit.images.engine);
    expect(await manager.results(waiting[0] ?? '')).toEqual([]);
    await manager.process.stop();
    expect(manager.process.child.exitCode).toBe(0);
    registry.close();
    connection.destroy();
    await manager.again();
    expect(await manager.untilResults(waiting[39] ?? '', 1)).toMatchObject([
      { outcome: 'failure', error_code: 'image_pull_failed' },
    ]);
  }, 150_000);

  it('reaches engines by name on a network, and says when there is none', async () => {
    const options = driverOptions({ publish: false, network: 'bridge-that-is-not-there' });
    await expect(new DockerDriver(options).prepare(kit.images.engine)).rejects.toMatchObject({
      code: 'start_config_invalid',
    });
    const network = await kit.docker.createNetwork({ Name: `galaxy-test-${freshGameId()}` });
    const { Name } = (await network.inspect()) as { Name: string };
    const driver = new DockerDriver({ ...options, network: Name });
    await driver.prepare(kit.images.engine);
    await expect(driver.prepare(kit.images.missing)).rejects.toBeInstanceOf(StartFailure);
    const endpoints: string[] = [];
    for (const gameId of ['orion', 'Orion', 'o'.repeat(64)].map((id) => `${freshGameId()}${id}`.slice(-64))) {
      await driver.start({ gameId, imageRef: kit.images.engine, state: '1', port: null });
      endpoints.push((await driver.inspect(gameId))?.endpoint ?? '');
      const { NetworkSettings } = await kit.docker.getContainer(`galaxy-game-${gameId}`).inspect();
      const host = new URL(endpoints.at(-1) ?? '').hostname;
      const aliases = (NetworkSettings.Networks[Name]?.Aliases ?? []) as string[];
      const names = [`galaxy-game-${gameId}`, ...aliases];
      expect(names).toContain(host);
      await driver.remove(gameId);
      await driver.removeStates(gameId);
    }
    for (const endpoint of endpoints) expect(endpoint).toMatch(/^http:\/\/galaxy-game-[a-z0-9-]{1,51}:8080$/);
    expect(new Set(endpoints).size).toBe(3);
    await network.remove();
  }, 150_000);

  it('says that it does not know while the daemon is away', async () => {
    await proxy.setMode('refuse');
    const driver = new DockerDriver(driverOptions());
    const gameId = freshGameId();
    await expect(driver.inspect(gameId)).rejects.toBeInstanceOf(DriverUnavailable);
    await expect(driver.list()).rejects.toBeInstanceOf(DriverUnavailable);
    await proxy.setMode('pass');
    expect(await driver.inspect(gameId)).toBeNull();
    expect(await driver.list()).not.toContain(gameId);
  });

  it('touches nothing of another installation on the same daemon', async () => {
    const gameId = freshGameId();
    const theirs = kit.create();
    const ours = new DockerDriver(
      driverOptions({ owner: `${kit.env['RTMANAGER_DOCKER_OWNER'] ?? ''}-other` }),
    );
    const spec = await kit.spec(gameId);
    await theirs.start(spec);
    await waitFor(async () => (await theirs.lastOutput(gameId)) !== '');
    const before = await theirs.inspect(gameId);
    expect(before?.isRunning).toBe(true);
    expect(await ours.inspect(gameId)).toBeNull();
    expect(await ours.lastOutput(gameId)).toBe('');
    await ours.stop(gameId);
    await ours.remove(gameId);
    expect(await theirs.inspect(gameId)).toEqual(before);
    await expect(ours.start(spec)).rejects.toBeInstanceOf(StartFailure);
    expect(await theirs.inspect(gameId)).toEqual(before);

    await theirs.remove(gameId);
    const volume = kit.docker.getVolume(`galaxy-game-${gameId}-${spec.state}`);
    await ours.removeStates(gameId);
    await theirs.removeStates(freshGameId());
    expect((await volume.inspect()).Name).toBe(`galaxy-game-${gameId}-${spec.state}`);
    await theirs.removeStates(gameId);
    await expect(volume.inspect()).rejects.toMatchObject({ statusCode: 404 });
  }, 150_000);

  /** Of a driver behind the proxy. */
  function driverOptions(others: Partial<DockerDriverOptions> = {}): DockerDriverOptions {
    return {
      address: { host: '127.0.0.1', port: proxy.port, protocol: 'http' },
      owner: kit.env['RTMANAGER_DOCKER_OWNER'] ?? '',
      network: 'not used',
      publish: true,
      user: '10001:10001',
      env: {},
      memoryBytes: 200 * 1024 * 1024,
      cpus: 0.5,
      stopTimeoutMs: 3_000,
      timeoutMs: 8_000,
      pull: false,
      pullTimeoutMs: 1_000,
      stopping: new AbortController().signal,
      log: quiet,
      ...others,
    };
  }

  /** Runs the image's health check until it says so, where nothing else does. */
  async function untilHealth(gameId: string, status: string): Promise<void> {
    const container = kit.docker.getContainer(`galaxy-game-${gameId}`);
    await waitFor(
      async () => {
        if ((await container.inspect()).State.Health?.Status === status) return true;
        // Podman's own address; Docker has none, and runs them itself.
        await new Promise((resolve) =>
          kit.docker.modem.dial(
            {
              path: `/v4.0.0/libpod/containers/galaxy-game-${gameId}/healthcheck`,
              method: 'GET',
              statusCodes: { 200: true, 404: true },
              options: {},
            },
            resolve,
          ),
        );
        return false;
      },
      { timeout: 80_000, describe: `the health check to say ${status}` },
    );
  }
});

async function output(
  container: Awaited<ReturnType<typeof dockerKit>>['docker'] extends { getContainer(id: string): infer C }
    ? C
    : never,
  command: string[],
): Promise<string> {
  const exec = await container.exec({ Cmd: command, AttachStdout: true, AttachStderr: true });
  const stream = await exec.start({});
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
