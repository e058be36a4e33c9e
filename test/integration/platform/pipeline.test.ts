/**
 * The whole pipeline, everything real: Lobby, Game Master, Runtime Manager with each driver, Notification, engines. From
 * enrolment to the last turn and the clean-up, and what becomes of a start that fails on the way.
 */
import { DRIVER_KITS, type DriverKit } from '../../support/engine-drivers';
import { forcedTurn } from '../../support/forced-turn';
import { NEVER_SOON, untilTold } from '../../support/game-master';
import { as } from '../../support/lobby';
import { Platform } from '../../support/platform';
import { waitFor } from '../../support/stack';
import { intentsOf, lobbyEventsOf, operationsOf } from '../../support/story';

const FINISH_TURN = 2;
/** Until what is there of a stopped engine has been looked at. */
const RETENTION = '6s';
/** The second one is the last: time for whatever has to be seen of a game before. */
const EVERY_TEN_SECONDS = '*/10 * * * * *';
/** An image that Runtime Manager may not run. */
const FOREIGN_IMAGE = 'elsewhere/engine:1.0.0';

jest.setTimeout(150_000);

describe.each(DRIVER_KITS)('with engines of the %s driver', (_name, startKit) => {
  let platform: Platform;
  let kit: DriverKit;

  beforeAll(async () => {
    kit = await startKit();
    platform = await Platform.start({
      kit,
      env: {
        lobby: { LOBBY_REGISTER_ATTEMPTS: '2' },
        runtimeManager: { RTMANAGER_RETENTION: RETENTION, RTMANAGER_IMAGES: '*galaxy/*' },
      },
      engine: { ENGINE_FINISH_TURN: FINISH_TURN.toString() },
    });
    const { engine, missing, broken } = kit.images;
    for (const [version, image] of [
      ['1.0.0', engine],
      ['1.0.1', FOREIGN_IMAGE],
      ['1.0.2', missing],
      ['1.0.3', broken],
      ['1.0.4', engine],
    ] as const) {
      await platform.addVersion(version, image);
    }
  }, 180_000);
  afterAll(async () => {
    await platform.stop();
  });

  /** Starts a game, has something happen between the job and its start, and returns when the engine is up. */
  async function startWhile(gameId: string, meanwhile: () => Promise<unknown>): Promise<void> {
    platform.manager.process.kill('SIGSTOP');
    await platform.lobby.post(gameId, 'start');
    await platform.lobby.untilEntries('startJobs', gameId);
    await meanwhile();
    platform.manager.process.kill('SIGCONT');
    expect(await platform.manager.untilResults(gameId, 1)).toMatchObject([{ outcome: 'success' }]);
  }

  /** Waits until Runtime Manager has removed the game's container and forgotten the game. */
  async function untilCleanedUp(gameId: string): Promise<void> {
    await waitFor(async () => (await platform.manager.call('GET', `/${gameId}`)).status === 404, {
      timeout: 40_000,
      describe: () => `${gameId} to be forgotten:\n${platform.manager.process.lines.slice(-10).join('\n')}`,
    });
    expect(await kit.create().inspect(gameId)).toBeNull();
  }

  test('a game goes from enrolment to its end, and is cleaned up', async () => {
    const { lobby, gm, manager, notification } = platform;
    const gameId = await lobby.openGame({ turn_schedule: EVERY_TEN_SECONDS, min_players: 2 });
    await lobby.enrol(gameId, 'ann', 'Aelinari');
    const invite = await lobby.post(gameId, 'invites', { user_id: 'bob' });
    const redeem = `invites/${String(invite['invite_id'])}/redeem`;
    await lobby.post(gameId, redeem, { race_name: 'Borg' }, as('bob'));
    await lobby.post(gameId, 'start');

    await lobby.untilStatus(gameId, 'running');
    const [result] = await manager.results(gameId);
    expect(result).toMatchObject({ job: 'start', outcome: 'success', error_code: '' });
    const container = await kit.create().inspect(gameId);
    expect(container).toMatchObject({
      id: result?.['container_id'],
      endpoint: result?.['engine_endpoint'],
      isRunning: true,
    });
    expect((await kit.engines()).filter((game) => game === gameId)).toHaveLength(1);
    expect(await gm.untilRecord(gameId, { status: 'running' })).toMatchObject({
      engine_endpoint: container?.endpoint,
      current_image_ref: kit.images.engine,
    });

    await waitFor(async () => (await platform.command(gameId, 'ann')).status === 200);
    expect((await platform.command(gameId, 'eve')).status).not.toBe(200);
    await lobby.untilShown(gameId, { current_turn: 1, runtime_status: 'running' });

    const game = await lobby.untilStatus(gameId, 'finished', 40_000);
    expect(game).toMatchObject({ runtime: { current_turn: FINISH_TURN, runtime_status: 'finished' } });
    expect(await platform.turnLog(gameId)).toEqual([1, 2]);
    expect(await manager.untilResults(gameId, 2)).toMatchObject([
      { job: 'start' },
      { job: 'stop', outcome: 'success' },
    ]);
    expect(await lobby.members(gameId)).toMatchObject([
      { user_id: 'ann', race_name: 'Aelinari', stats: { planets: expect.any(Number) as number } },
      { user_id: 'bob', race_name: 'Borg', stats: { planets: expect.any(Number) as number } },
    ]);

    expect(await operationsOf(gm, gameId)).toEqual([
      'register starting > running ok',
      'turn generation_in_progress > running ok',
      'turn generation_in_progress > finished ok',
      'finish generation_in_progress > finished ok',
    ]);
    expect(await lobbyEventsOf(gm, gameId)).toEqual([
      'runtime_snapshot_update 0 running',
      'runtime_snapshot_update 1 running',
      'game_finished 2 finished',
    ]);
    expect(await intentsOf(gm, gameId)).toEqual([
      'game.turn.ready 1 to ann,bob',
      'game.finished 2 to ann,bob',
    ]);
    await waitFor(async () => (await notification.pushes(gameId)).length === 4);
    expect((await notification.pushes(gameId)).sort()).toEqual([
      'ann: game.finished 2',
      'ann: game.turn.ready 1',
      'bob: game.finished 2',
      'bob: game.turn.ready 1',
    ]);

    await untilCleanedUp(gameId);
    // What became of the engine is no news about a game that is over.
    expect(await lobby.game(gameId)).toMatchObject({
      status: 'finished',
      runtime: { runtime_status: 'finished', current_turn: FINISH_TURN },
    });
    await gm.untilRecord(gameId, { status: 'finished', current_turn: FINISH_TURN });
    expect(notification.mails(gameId)).toEqual([]);
  });

  test.each([
    ['1.0.1', 'start_config_invalid'],
    ['1.0.2', 'image_pull_failed'],
    ['1.0.3', 'container_start_failed'],
  ])('a game of engine version %s fails to start: %s, and nothing is registered', async (version, code) => {
    const { lobby, gm, manager } = platform;
    const gameId = await lobby.enrolledGame(['ann'], {
      target_engine_version: version,
      turn_schedule: NEVER_SOON,
    });
    await lobby.post(gameId, 'start');
    expect(await lobby.untilStatus(gameId, 'start_failed', 60_000)).toMatchObject({
      status_reason: code,
      runtime: null,
    });
    expect(await manager.results(gameId)).toMatchObject([{ outcome: 'failure', error_code: code }]);
    expect(await kit.create().inspect(gameId)).toBeNull();
    expect(await operationsOf(gm, gameId)).toEqual([]);
  });

  test('a registration that Game Master refuses fails the start, and its container is taken down', async () => {
    const { lobby, gm, manager } = platform;
    const gameId = await lobby.enrolledGame(['ann'], {
      target_engine_version: '1.0.4',
      turn_schedule: NEVER_SOON,
    });
    const deprecate = () => gm.call('POST', '/api/v1/internal/engine-versions/1.0.4/deprecate');
    await startWhile(gameId, async () => {
      expect((await untilTold(deprecate)).status).toBeLessThan(300);
    });
    expect(await lobby.untilStatus(gameId, 'start_failed')).toMatchObject({
      status_reason: 'engine_version_deprecated',
    });
    expect(await lobby.untilEntries('stopJobs', gameId)).toMatchObject([{ reason: 'orphan_cleanup' }]);
    await manager.untilRuntime(gameId, { status: 'stopped' });
    expect(await kit.create().inspect(gameId)).toMatchObject({ isRunning: false });
    await untilCleanedUp(gameId);
    const look = () => gm.call('GET', `/api/v1/internal/runtimes/${gameId}`);
    expect((await untilTold(look)).status).toBe(404);
  });

  test('Runtime Manager does not answer in time: the start fails, and no engine is left when it is back', async () => {
    const { lobby, gm, manager } = platform;
    const gameId = await lobby.enrolledGame(['ann'], { turn_schedule: NEVER_SOON });
    manager.process.kill('SIGSTOP');
    await lobby.post(gameId, 'start');
    await lobby.passDeadline(gameId);
    expect(await lobby.untilStatus(gameId, 'start_failed')).toMatchObject({
      status_reason: 'start_timed_out',
    });
    await lobby.untilEntries('stopJobs', gameId);
    manager.process.kill('SIGCONT');
    // Whichever it does first: an engine that comes up all the same is taken down.
    await manager.untilResults(gameId, 2);
    await untilCleanedUp(gameId);
    expect(await kit.engines()).not.toContain(gameId);
    expect(await operationsOf(gm, gameId)).toEqual([]);
    expect(await lobby.game(gameId)).toMatchObject({ status: 'start_failed' });
  });

  test('Game Master is down once the container is up: the game is paused, and runs when it is resumed', async () => {
    const { lobby, gm, manager, notification } = platform;
    const [api] = gm.apis;
    const [worker] = gm.workers;
    const gameId = await lobby.enrolledGame(['ann', 'bob'], { turn_schedule: NEVER_SOON });
    await startWhile(gameId, () => Promise.all([api?.crash(), worker?.crash()]));

    expect(await lobby.untilStatus(gameId, 'paused')).toMatchObject({
      status_reason: 'game_master_unavailable',
    });
    const intents = await lobby.untilEntries('intents', gameId);
    expect(intents).toMatchObject([
      { notification_type: 'lobby.runtime_paused_after_start', audience: 'admin_email' },
    ]);
    await waitFor(() => notification.mails(gameId).length > 0);
    expect(notification.mails(gameId)).toEqual([`${gameId} is paused after its start`]);
    expect(await manager.runtime(gameId)).toMatchObject({ status: 'running' });
    expect((await lobby.call('POST', `/api/v1/lobby/games/${gameId}/resume`)).status).toBe(503);

    await Promise.all([api?.startAgain(), worker?.startAgain()]);
    await lobby.post(gameId, 'resume');
    await lobby.untilStatus(gameId, 'running');
    expect(await operationsOf(gm, gameId)).toEqual(['register starting > running ok']);
    // Lobby may know of it by the event, a moment before the game itself has done with its registration.
    expect(await forcedTurn(gm, gameId)).toMatchObject({ status: 'running', current_turn: 1 });
    await lobby.untilShown(gameId, { current_turn: 1, runtime_status: 'running' });
    expect(await platform.turnLog(gameId)).toEqual([1]);
    expect(await lobby.entries('startJobs', gameId)).toHaveLength(1);
    await waitFor(async () => (await notification.pushes(gameId)).length === 2);
  });

  test('nobody was told what they could not understand', async () => {
    expect(await platform.deadLetters()).toEqual({});
  });
});
