/** A game on a real Game Master and a real Runtime Manager: its engine is lost, runs out of memory, is patched, is stopped. */
import { DRIVER_KITS, type DriverKit } from '../../../support/engine-drivers';
import { forcedTurn } from '../../../support/forced-turn';
import { GameMaster, untilTold, type Json } from '../../../support/game-master';
import { RuntimeManager } from '../../../support/runtime-manager';
import { freshGameId } from '../../../support/stack';

/** "Within seconds", for whoever pulls the plug and looks. */
const SOON_MS = 15_000;

describe.each(DRIVER_KITS)('on engines of the %s driver', (_name, startKit) => {
  let kit: DriverKit;
  let manager: RuntimeManager;
  let gm: GameMaster;
  let gameId: string;

  beforeAll(async () => {
    kit = await startKit();
    manager = await RuntimeManager.start({ kit });
    gm = await GameMaster.start({
      env: {
        GAMEMASTER_RTM_BASE_URL: manager.baseUrl,
        GAMEMASTER_STREAM_HEALTH_EVENTS: manager.streams.healthEvents,
      },
    });
    for (const [version, image_ref] of [
      ['1.0.0', kit.images.engine],
      ['1.0.1', kit.images.patched],
    ]) {
      const create = () =>
        gm.call('POST', '/api/v1/internal/engine-versions', { body: { version, image_ref } });
      expect((await untilTold(create)).status).toBe(201);
    }
    gameId = freshGameId();
    const { engine_endpoint: endpoint = '' } = await manager.started(gameId, kit.images.engine);
    const body = gm.registration({ endpoint });
    const register = () => gm.register(gameId, body, { 'Idempotency-Key': 'register' });
    expect((await untilTold(register)).status).toBe(201);
    expect(await forcedTurn(gm, gameId)).toMatchObject({ status: 'running', current_turn: 1 });
  }, 180_000);
  afterAll(async () => {
    await gm.stop();
    await manager.stop();
    await kit.clean();
  });

  const turns = async (): Promise<number[]> => {
    const spec = await kit.create().inspect(gameId);
    return kit.turnLog({ gameId, state: spec?.spec.state ?? '' });
  };
  /** Loses the engine, and has it started again. Returns the record as it was in between. */
  const loseAndRestart = async (signal: NodeJS.Signals, engine_health: string): Promise<Json> => {
    const { current_turn } = await gm.untilRecord(gameId, { status: 'running' });
    const lostAt = Date.now();
    await kit.signal(gameId, signal);
    const lost = await gm.untilRecord(gameId, { status: 'engine_unreachable', engine_health });
    expect(Date.now() - lostAt).toBeLessThan(SOON_MS);
    expect((await manager.call('POST', `/${gameId}/restart`)).status).toBe(200);
    await gm.untilRecord(gameId, { status: 'running', engine_health: 'healthy', current_turn });
    return lost;
  };

  it('is unreachable when its engine is killed, and goes on at its turn after a restart', async () => {
    expect(await loseAndRestart('SIGKILL', 'exited')).toMatchObject({ current_turn: 1 });
    expect(await forcedTurn(gm, gameId)).toMatchObject({ status: 'running', current_turn: 2 });
    expect(await turns()).toEqual([1, 2]);
  });

  it('says that its engine ran out of memory', async () => {
    expect(await loseAndRestart('SIGUSR2', 'oom')).toMatchObject({ current_turn: 2 });
    expect(await forcedTurn(gm, gameId)).toMatchObject({ status: 'running', current_turn: 3 });
  });

  it('goes on at its turn when it is patched', async () => {
    const before = await manager.runtime(gameId);
    const patched = await untilTold(() =>
      gm.call('POST', `/api/v1/internal/runtimes/${gameId}/patch`, {
        body: { version: '1.0.1' },
        headers: { 'Idempotency-Key': 'patch' },
      }),
    );
    expect(patched.body).toMatchObject({
      current_engine_version: '1.0.1',
      current_image_ref: kit.images.patched,
    });
    const after = await manager.runtime(gameId);
    expect(after).toMatchObject({
      status: 'running',
      image_ref: kit.images.patched,
      engine_endpoint: before['engine_endpoint'],
    });
    expect(after['container_id']).not.toBe(before['container_id']);
    await gm.untilRecord(gameId, { status: 'running', current_turn: 3 });
    expect(await forcedTurn(gm, gameId)).toMatchObject({ status: 'running', current_turn: 4 });
    expect(await turns()).toEqual([1, 2, 3, 4]);
  });

  it('ends its engine when it is stopped', async () => {
    const stopped = await untilTold(() => gm.stopGame(gameId, { 'Idempotency-Key': 'stop' }));
    expect(stopped.body).toMatchObject({ status: 'stopped' });
    expect(await manager.runtime(gameId)).toMatchObject({ status: 'stopped' });
    expect(await kit.create().inspect(gameId)).toMatchObject({ isRunning: false, exitCode: 0 });
  });
});
