import { EVERY_SECOND, GameMaster, untilTold, type GameMasterProcess } from '../support/game-master';
import { RuntimeReports } from '../support/runtime-reports';
import { freePort, stackAddresses } from '../support/stack';
import { TcpProxy } from '../support/tcp-proxy';
import { TestEngine } from '../support/test-engine';
import { TestRuntimeManager } from '../support/test-runtime-manager';
import { waitFor } from '../support/wait-for';
import { namedRows } from '../unit/docs/markdown';

/** Samples of a scrape: `name{labels}` and its value. */
type Samples = Record<string, number>;

let gm: GameMaster;
let worker: GameMasterProcess;
let apiMetrics: string;
let redis: TcpProxy;
let runtimeManager: TestRuntimeManager;
const reports = new RuntimeReports();

beforeAll(async () => {
  const through = await TcpProxy.before(stackAddresses().redisUrl);
  redis = through.proxy;
  runtimeManager = await TestRuntimeManager.start();
  gm = await GameMaster.start({
    apis: 0,
    addresses: { redisUrl: through.url },
    env: { ...reports.env, GAMEMASTER_RTM_BASE_URL: runtimeManager.baseUrl },
  });
  const address = `127.0.0.1:${await freePort()}`;
  apiMetrics = `http://${address}`;
  await gm.addApi({ GAMEMASTER_METRICS_ADDR: address });
  worker = gm.workers[0] as GameMasterProcess;
});

afterAll(async () => {
  await gm.stop();
  await runtimeManager.stop();
  await redis.close();
});

async function scrape(baseUrl: string): Promise<{ text: string; samples: Samples }> {
  const text = await (await fetch(`${baseUrl}/metrics`)).text();
  const lines = text.split('\n').filter((line) => line.startsWith('gamemaster_'));
  const samples = lines.map((line): [string, number] => {
    const end = line.lastIndexOf(' ');
    return [line.slice(0, end), Number(line.slice(end + 1))];
  });
  return { text, samples: Object.fromEntries(samples) };
}

/** Waits until the process shows these values, or ones that are right. */
function untilShown(
  baseUrl: string,
  wanted: Record<string, number | ((value: number) => boolean)>,
): Promise<Samples> {
  let last: Samples = {};
  return waitFor(
    async () => {
      const { samples } = await scrape(baseUrl);
      last = samples;
      return (
        Object.entries(wanted).every(([name, value]) => {
          const shown = samples[name] ?? NaN;
          return typeof value === 'number' ? shown === value : value(shown);
        }) && samples
      );
    },
    {
      // A look at a clock, which a pause of the machine spoils, is repeated after ten seconds.
      timeout: 40_000,
      describe: () =>
        `${JSON.stringify(Object.keys(wanted).map((name) => [name, last[name]]))} to become right`,
    },
  );
}

const positive = (value: number) => value > 0;
const withinASecond = (value: number) => Math.abs(value) < 1;

test('every metric of the catalogue is shown by its process, and moves when its thing happens', async () => {
  const before = await untilShown(worker.baseUrl, {
    'gamemaster_dependency_up{dependency="redis"}': 1,
    'gamemaster_clock_difference_seconds{clock="postgres"}': withinASecond,
    gamemaster_outbox_events: 0,
    gamemaster_ticks_missed_total: 0,
    gamemaster_tick_lateness_seconds_count: 0,
  });
  expect(Object.keys(before).filter((sample) => sample.startsWith('gamemaster_turns_total'))).toEqual([]);

  // Registered, with ticks; one turn takes longer than the time to the next tick.
  const ticked = await TestEngine.start();
  const tickedGame = await gm.running(ticked, { turn_schedule: EVERY_SECOND });
  await waitFor(() => ticked.turnLog.length >= 1);
  ticked.options.turnDurationMs = 2_500;
  await untilShown(worker.baseUrl, {
    'gamemaster_turns_total{trigger="scheduler",outcome="running"}': positive,
    'gamemaster_turn_duration_seconds_count{trigger="scheduler",outcome="running"}': positive,
    'gamemaster_operations_total{kind="turn",code="ok"}': positive,
    gamemaster_tick_lateness_seconds_count: positive,
    gamemaster_ticks_missed_total: positive,
    'gamemaster_clock_difference_seconds{clock="temporal"}': withinASecond,
  });
  await untilTold(() => gm.stopGame(tickedGame, { 'Idempotency-Key': 'stop' }));

  // Forced, once well; once with an engine that will not and with Redis away.
  const engine = await TestEngine.start();
  const gameId = await gm.running(engine);
  expect((await untilTold(() => gm.force(gameId, { 'Idempotency-Key': 'well' }))).status).toBe(200);
  // There is no Lobby to ask who may play.
  const report = await gm.ask('GET', `/api/v1/internal/games/${gameId}/reports/0`, {
    headers: { 'X-User-ID': 'ann' },
  });
  expect(report.status).toBe(503);
  await reports.report(gm, 'nobody', 'healthy');
  await untilShown(worker.baseUrl, { 'gamemaster_health_entries_total{fate="unknown_game"}': 1 });
  await redis.setMode('refuse');
  engine.failNext('turn', ...Array.from({ length: 3 }, () => ({ kind: 'answer', status: 500 }) as const));
  expect((await untilTold(() => gm.force(gameId, { 'Idempotency-Key': 'ill' }))).status).toBe(502);
  await untilShown(worker.baseUrl, {
    'gamemaster_turns_total{trigger="force",outcome="running"}': 1,
    'gamemaster_turns_total{trigger="force",outcome="generation_failed"}': 1,
    'gamemaster_operations_total{kind="register",code="ok"}': 2,
    'gamemaster_operations_total{kind="force",code="ok"}': 1,
    'gamemaster_operations_total{kind="force",code="engine_unreachable"}': 1,
    'gamemaster_engine_call_duration_seconds_count{operation="init",outcome="ok"}': 2,
    'gamemaster_engine_call_duration_seconds_count{operation="turn",outcome="bad_answer"}': 3,
    'gamemaster_problems_total{level="warn"}': positive,
    'gamemaster_dependency_up{dependency="redis"}': 0,
    'gamemaster_dependency_up{dependency="postgres"}': 1,
    'gamemaster_dependency_up{dependency="temporal"}': 1,
    gamemaster_outbox_events: positive,
    gamemaster_outbox_oldest_age_seconds: positive,
  });
  await redis.setMode('pass');
  await untilTold(() => gm.stopGame(gameId, { 'Idempotency-Key': 'stop' }));
  const after = await untilShown(worker.baseUrl, {
    'gamemaster_operations_total{kind="stop",code="ok"}': 2,
    'gamemaster_dependency_up{dependency="redis"}': 1,
    gamemaster_outbox_events: 0,
    gamemaster_outbox_oldest_age_seconds: 0,
  });

  const inApi = await untilShown(apiMetrics, {
    'gamemaster_http_request_duration_seconds_count{operation="internalForceNextTurn",status="200"}': 1,
    'gamemaster_http_request_duration_seconds_count{operation="internalForceNextTurn",status="502"}': 1,
    'gamemaster_membership_lookups_total{result="miss"}': 1,
    'gamemaster_problems_total{level="error"}': positive,
    'gamemaster_dependency_up{dependency="postgres"}': 1,
    'gamemaster_dependency_up{dependency="temporal"}': 1,
    'gamemaster_clock_difference_seconds{clock="postgres"}': withinASecond,
  });

  // What the catalogue says of each process is true, and nothing names a game.
  const shown = { api: (await scrape(apiMetrics)).text, worker: (await scrape(worker.baseUrl)).text };
  for (const { name, cells } of namedRows('docs/metrics.md')) {
    const [type = '', , from = ''] = cells;
    for (const process of ['api', 'worker'] as const) {
      const line = `# TYPE ${name} ${type}\n`;
      expect([name, process, shown[process].includes(line)]).toEqual([
        name,
        process,
        from === 'both' || from === process,
      ]);
    }
  }
  for (const id of [gameId, tickedGame]) expect(JSON.stringify([after, inApi])).not.toContain(id);
  await Promise.all([ticked.stop(), engine.stop()]);
}, 180_000);
