/** Jobs, calls, health and what is made good after a crash: a Runtime Manager that runs, with each driver. */
import { setTimeout as delay } from 'node:timers/promises';
import { START_ERRORS } from '../../../../platform/rtmanager/driver';
import { DRIVER_KITS, type DriverKit } from '../../../support/engine-drivers';
import { RuntimeManager } from '../../../support/runtime-manager';
import { freshGameId, waitFor } from '../../../support/stack';

const RACES = { races: [{ race_name: 'Aelinari' }, { race_name: 'Borg' }] };

jest.setTimeout(150_000);

describe.each(DRIVER_KITS)('with the %s driver', (name, startKit) => {
  let kit: DriverKit;
  let manager: RuntimeManager;

  beforeAll(async () => {
    kit = await startKit();
    const env = { RTMANAGER_IMAGES: '*galaxy/*' };
    manager = await RuntimeManager.start({ kit, env });
  }, 240_000);
  afterAll(async () => {
    await manager.stop();
    await kit.clean();
  });

  const containers = async (gameId: string) =>
    (await kit.create().list()).filter((candidate) => candidate === gameId);
  const turn = async (gameId: string) =>
    (await manager.engine(gameId, 'GET', '/api/v1/admin/status'))['turn'];
  const play = async (gameId: string) => {
    await manager.engine(gameId, 'POST', '/api/v1/admin/init', RACES);
    await manager.engine(gameId, 'POST', '/api/v1/admin/turn');
  };

  it('starts and stops an engine by jobs, once however often they are added', async () => {
    const gameId = freshGameId();
    const startedAt = await manager.addJob('start', gameId, kit.images.engine);
    const [started] = await manager.untilResults(gameId, 1);
    expect(started).toMatchObject({
      job: 'start',
      requested_at_ms: startedAt.toString(),
      outcome: 'success',
      error_code: '',
      error_message: '',
    });
    expect((await fetch(`${started?.['engine_endpoint'] ?? ''}/healthz`)).status).toBe(200);
    expect(await manager.runtime(gameId)).toMatchObject({
      game_id: gameId,
      status: 'running',
      health: 'healthy',
      image_ref: kit.images.engine,
      container_id: started?.['container_id'],
      engine_endpoint: started?.['engine_endpoint'],
      ended_at: null,
    });

    await manager.addJob('start', gameId, kit.images.engine, startedAt);
    // Another wish for what is there already.
    await manager.addJob('start', gameId, kit.images.engine);
    const [, repeated, later] = await manager.untilResults(gameId, 3);
    expect(repeated).toEqual(started);
    expect(later).toMatchObject({ outcome: 'success', container_id: started?.['container_id'] });
    expect(await containers(gameId)).toEqual([gameId]);

    const stoppedAt = await manager.addJob('stop', gameId, 'finished');
    await manager.addJob('stop', gameId, 'finished', stoppedAt);
    const [, , , stopped, again] = await manager.untilResults(gameId, 5);
    expect(stopped).toMatchObject({
      job: 'stop',
      outcome: 'success',
      container_id: started?.['container_id'],
    });
    expect(again).toEqual(stopped);
    expect(await manager.runtime(gameId)).toMatchObject({ status: 'stopped' });
    expect(await kit.create().inspect(gameId)).toMatchObject({ isRunning: false });
    expect(await manager.eventTypes(gameId)).toEqual(['container_started', 'container_exited']);

    // It was asked for before the stop, and comes late.
    await manager.addJob('start', gameId, kit.images.engine, stoppedAt - 1);
    expect((await manager.untilResults(gameId, 6))[5]).toMatchObject({
      outcome: 'failure',
      error_code: 'container_start_failed',
    });
    expect(await manager.runtime(gameId)).toMatchObject({ status: 'stopped' });
  });

  it('starts a game anew after a stop, with an empty state', async () => {
    const gameId = freshGameId();
    await manager.started(gameId, kit.images.engine);
    await play(gameId);
    await manager.addJob('stop', gameId, 'the members changed');
    await manager.addJob('start', gameId, kit.images.engine);
    await manager.untilResults(gameId, 3);
    expect(await manager.engine(gameId, 'GET', '/api/v1/admin/status')).toMatchObject({
      error: { code: 'not_initialised' },
    });
  });

  it('does a stop before the start that was asked for after it, whichever is read first', async () => {
    const games = [freshGameId(), freshGameId(), freshGameId()];
    for (const gameId of games) {
      await manager.started(gameId, kit.images.engine);
      await play(gameId);
    }
    await manager.process.crash();
    for (const gameId of games) {
      await manager.addJob('stop', gameId, 'the members changed');
      await manager.addJob('start', gameId, kit.images.engine);
    }
    await manager.again();
    for (const gameId of games) {
      const results = await manager.untilResults(gameId, 3);
      expect(results.map(({ job, outcome }) => `${job ?? ''} ${outcome ?? ''}`).sort()).toEqual([
        'start success',
        'start success',
        'stop success',
      ]);
      expect(await manager.engine(gameId, 'GET', '/api/v1/admin/status')).toMatchObject({
        error: { code: 'not_initialised' },
      });
      expect(await manager.runtime(gameId)).toMatchObject({ status: 'running' });
    }
  });

  it('takes a start for a success when the engine answers, also one that it finds running', async () => {
    const [gameId, other] = [freshGameId(), freshGameId()];
    const spec = await kit.spec(gameId);
    // As after a crash between the start of the engine and the memory of it.
    await kit.create().start(spec);
    await manager.untilRuntime(gameId, { status: 'running' });
    await kit.signal(gameId, 'SIGSTOP');
    await manager.addJob('start', gameId, kit.images.engine, Number(spec.state));
    await manager.started(other, kit.images.engine);
    expect(await manager.results(gameId)).toEqual([]);
    await kit.signal(gameId, 'SIGCONT');
    expect(await manager.untilResults(gameId, 1)).toMatchObject([{ outcome: 'success' }]);

    const failing = freshGameId();
    const broken = await kit.spec(failing, kit.images.broken);
    await kit.create().start(broken);
    await manager.untilRuntime(failing, { status: 'exited' });
    await manager.addJob('start', failing, kit.images.broken, Number(broken.state));
    expect(await manager.untilResults(failing, 1)).toMatchObject([{ error_code: 'container_start_failed' }]);
    expect(await containers(failing)).toEqual([]);
    expect(await manager.runtime(failing)).toMatchObject({ status: 'start_failed' });
  });

  it('says why an engine was not started, and leaves nothing behind', async () => {
    const failures: [imageRef: string, code: string, message: RegExp][] = [
      [kit.images.broken, 'container_start_failed', /exit code 3/],
      [kit.images.missing, 'image_pull_failed', /missing/],
      ['elsewhere/engine:1.0.0', 'start_config_invalid', /may be run/],
      ['galaxy/engine', 'start_config_invalid', /tag or a digest/],
    ];
    for (const [imageRef, code, message] of failures) {
      const gameId = freshGameId();
      await manager.addJob('start', gameId, imageRef);
      const [result] = await manager.untilResults(gameId, 1);
      expect(result).toMatchObject({
        outcome: 'failure',
        error_code: code,
        container_id: '',
        engine_endpoint: '',
      });
      expect(result?.['error_message']).toMatch(message);
      expect(await containers(gameId)).toEqual([]);
      expect(await manager.runtime(gameId)).toMatchObject({ status: 'start_failed', health: null });
      expect(await manager.events(gameId)).toEqual([]);
    }
    await waitFor(() => manager.process.lines.some((line) => line.includes('this engine is broken')));
  });

  it('tells what happens to an engine, and brings it back when asked to', async () => {
    const gameId = freshGameId();
    const { container_id, engine_endpoint } = await manager.started(gameId, kit.images.engine);
    await play(gameId);

    await kit.signal(gameId, 'SIGKILL');
    const exited = await manager.untilEvent(gameId, 'container_exited');
    expect(exited).toMatchObject({ container_id, details: JSON.stringify({ exit_code: 137 }) });
    expect(await manager.runtime(gameId)).toMatchObject({ status: 'exited', health: 'exited' });
    expect((await manager.call('POST', `/${gameId}/restart`)).body).toMatchObject({
      status: 'running',
      health: 'healthy',
      engine_endpoint,
    });
    expect(await turn(gameId)).toBe(1);

    await kit.signal(gameId, 'SIGSTOP');
    await manager.untilEvent(gameId, 'probe_failed');
    await kit.signal(gameId, 'SIGCONT');
    await manager.untilEvent(gameId, 'probe_recovered');

    await kit.signal(gameId, 'SIGUSR2');
    await manager.untilEvent(gameId, 'container_oom');
    expect(await manager.runtime(gameId)).toMatchObject({ status: 'exited', health: 'oom' });
    await manager.call('POST', `/${gameId}/restart`);

    await kit.removeByHand(gameId);
    await manager.untilEvent(gameId, 'container_disappeared');
    expect(await manager.runtime(gameId)).toMatchObject({ status: 'disappeared', health: 'disappeared' });
    expect((await manager.call('POST', `/${gameId}/restart`)).body).toMatchObject({ engine_endpoint });
    expect(await turn(gameId)).toBe(1);

    const events = await manager.events(gameId);
    const types = events.map(({ event_type }) => event_type).filter((type) => !/^probe_/.test(type ?? ''));
    // An engine that is removed may first be seen to have ended.
    expect(types.join(' ')).toMatch(
      /^container_started container_exited container_started container_oom container_started (container_exited )?container_disappeared container_started$/,
    );
    const times = events.map(({ occurred_at_ms }) => Number(occurred_at_ms));
    expect(times).toEqual([...new Set(times)].sort((a, b) => a - b));
  });

  it('patches an engine on its turn and endpoint, and brings the old one back where the new one fails', async () => {
    const gameId = freshGameId();
    const { container_id, engine_endpoint } = await manager.started(gameId, kit.images.engine);
    await play(gameId);
    const before = await kit.create().inspect(gameId);

    // Without the image nothing changes.
    const missing = await manager.call('POST', `/${gameId}/patch`, { image_ref: kit.images.missing });
    expect(missing).toMatchObject({ status: 422, body: { error: { code: 'image_pull_failed' } } });
    expect(await kit.create().inspect(gameId)).toEqual(before);

    const patched = await manager.call('POST', `/${gameId}/patch`, { image_ref: kit.images.patched });
    expect(patched).toMatchObject({
      status: 200,
      body: { status: 'running', image_ref: kit.images.patched, engine_endpoint },
    });
    expect(patched.body['container_id']).not.toBe(container_id);
    expect(await turn(gameId)).toBe(1);
    expect(await manager.call('POST', `/${gameId}/patch`, { image_ref: kit.images.patched })).toEqual(
      patched,
    );

    const broken = await manager.call('POST', `/${gameId}/patch`, { image_ref: kit.images.broken });
    expect(broken).toMatchObject({ status: 422, body: { error: { code: 'container_start_failed' } } });
    expect(JSON.stringify(broken.body)).toContain(`${kit.images.patched} runs again`);
    expect(await manager.runtime(gameId)).toMatchObject({ status: 'running', image_ref: kit.images.patched });
    expect(await turn(gameId)).toBe(1);
    // No event says that the engine was lost, which was only replaced.
    expect(new Set(await manager.eventTypes(gameId))).toEqual(new Set(['container_started']));
  });

  it('finds out at its start what happened while it was away', async () => {
    const [killed, removed, forgotten, well] = [freshGameId(), freshGameId(), freshGameId(), freshGameId()];
    for (const gameId of [killed, removed, forgotten, well]) await manager.started(gameId, kit.images.engine);
    await manager.process.crash();
    await kit.signal(killed, 'SIGKILL');
    await kit.removeByHand(removed);
    await manager.redis.hdel(manager.memoryKey, forgotten);
    // That engines go on is the point of having them apart.
    const before = await kit.create().inspect(well);
    await manager.again();
    await manager.untilRuntime(killed, { status: 'exited' });
    await manager.untilRuntime(removed, { status: 'disappeared' });
    await manager.untilRuntime(forgotten, { status: 'running', image_ref: kit.images.engine });
    await manager.untilRuntime(well, { status: 'running' });
    expect(await kit.create().inspect(well)).toEqual(before);
    expect(await manager.eventTypes(killed)).toEqual(['container_started', 'container_exited']);
    expect(await manager.eventTypes(removed)).toEqual(['container_started', 'container_disappeared']);
    expect(await manager.eventTypes(well)).toEqual(['container_started']);
    // And it hears of those again that it did not start itself.
    await kit.signal(well, 'SIGKILL');
    await manager.untilEvent(well, 'container_exited');
  });

  it('ends a start, a patch and a stop that it was killed in, and nothing happens twice', async () => {
    const seeds = name === 'docker' ? [1] : [1, 2];
    for (const seed of seeds) {
      const gameId = freshGameId();
      await killedWithin(seed, 1, () => manager.addJob('start', gameId, kit.images.engine));
      const [started] = await manager.untilResults(gameId, 1);
      expect(started).toMatchObject({ outcome: 'success' });
      await play(gameId);

      await killedWithin(seed, 2, () =>
        manager.call('POST', `/${gameId}/patch`, { image_ref: kit.images.patched }).catch(() => undefined),
      );
      // What Game Master does when a connection breaks.
      const patched = await manager.call('POST', `/${gameId}/patch`, { image_ref: kit.images.patched });
      expect(patched).toMatchObject({
        status: 200,
        body: { status: 'running', image_ref: kit.images.patched },
      });
      expect(patched.body['engine_endpoint']).toBe(started?.['engine_endpoint']);
      expect(await turn(gameId)).toBe(1);

      await killedWithin(seed, 3, () => manager.addJob('stop', gameId, 'over'));
      const results = await manager.untilResults(gameId, 2);
      expect(results.map(({ job, outcome }) => `${job ?? ''} ${outcome ?? ''}`)).toEqual([
        'start success',
        'stop success',
      ]);
      expect(await containers(gameId)).toEqual([gameId]);
      expect(await kit.create().inspect(gameId)).toMatchObject({ isRunning: false });
      expect((await manager.eventTypes(gameId)).filter((type) => type === 'container_exited')).toHaveLength(
        1,
      );
    }
  }, 240_000);

  it('leaves a replacement alone that another Runtime Manager is at, and completes it when that is gone', async () => {
    const [gameId, other] = [freshGameId(), freshGameId()];
    await manager.started(gameId, kit.images.engine);
    const before = await kit.create().inspect(gameId);
    const held = `${manager.memoryKey}:held:${gameId}`;
    await manager.redis.set(held, 'another');
    const memory = JSON.parse((await manager.redis.hget(manager.memoryKey, gameId)) ?? '') as object;
    const begun = JSON.stringify({ ...memory, replacement: kit.images.patched });
    await manager.redis.hset(manager.memoryKey, gameId, begun);
    expect(await manager.call('POST', `/${gameId}/restart`)).toMatchObject({
      status: 503,
      body: { error: { code: 'service_unavailable' } },
    });
    // Other games go on.
    await manager.started(other, kit.images.engine);
    expect(await kit.create().inspect(gameId)).toEqual(before);
    await manager.redis.del(held);
    await manager.untilRuntime(gameId, { status: 'running', image_ref: kit.images.patched });
    await waitFor(async () => (await manager.redis.exists(held)) === 0);
  });

  /** Begins something, kills the process somewhere in it, and starts it again. */
  async function killedWithin(seed: number, step: number, begin: () => Promise<unknown>): Promise<void> {
    const begun = begin();
    // Anywhere in the time that the operation takes, not for something to happen.
    await delay(((seed * 7919 + step * 104_729) % 97) * (name === 'docker' ? 10 : 3));
    await manager.process.crash();
    await begun;
    await manager.again();
  }

  it('removes what has been stopped for long', async () => {
    const gameId = freshGameId();
    await manager.started(gameId, kit.images.engine);
    const running = freshGameId();
    await manager.started(running, kit.images.engine);
    await manager.call('POST', `/${gameId}/stop`, { reason: 'over' });
    await manager.process.stop();
    await manager.again({ RTMANAGER_RETENTION: '1ms', RTMANAGER_REMOVE_STATE: 'true' });
    await waitFor(async () => (await manager.call('GET', `/${gameId}`)).status === 404, {
      timeout: 60_000,
      describe: 'the runtime to be forgotten',
    });
    expect(await containers(gameId)).toEqual([]);
    expect(await containers(running)).toEqual([running]);
    expect(await manager.runtime(running)).toMatchObject({ status: 'running' });
  });

  it('has told all of it as its document says', async () => {
    const { results, events } = await manager.told();
    expect(new Set(results.map(({ error_code }) => error_code))).toEqual(new Set(['', ...START_ERRORS]));
    expect(new Set(events.map(({ event_type }) => event_type)).size).toBeGreaterThan(5);
  });
});
