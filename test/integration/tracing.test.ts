import { endEngines, startEngine } from '../../platform/engine/test/running-engine';
import { EVERY_SECOND, GameMaster, untilTold } from '../support/game-master';
import { TestEngine } from '../support/test-engine';
import { TestLobby } from '../support/test-lobby';
import { TraceCollector, type Span } from '../support/trace-collector';
import { waitFor } from '../support/wait-for';

let collector: TraceCollector;
let engine: TestEngine;
let lobby: TestLobby;
let gm: GameMaster;

beforeAll(async () => {
  collector = await TraceCollector.start();
  engine = await TestEngine.start();
  lobby = await TestLobby.start();
  gm = await GameMaster.start({
    env: {
      ...collector.env,
      GAMEMASTER_LOBBY_BASE_URL: lobby.baseUrl,
      // What is asked once is answered, also where this process, with Lobby and engine in it, comes late.
      GAMEMASTER_LOBBY_TIMEOUT: '20s',
      GAMEMASTER_ENGINE_HOT_TIMEOUT: '20s',
      GAMEMASTER_POSTGRES_CONNECT_TIMEOUT: '20s',
      GAMEMASTER_POSTGRES_QUERY_TIMEOUT: '20s',
    },
  });
});

afterAll(async () => {
  await gm.stop();
  await Promise.all([engine.stop(), lobby.stop(), endEngines()]);
  await collector.stop();
});

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';
const CALLER = 'b7ad6b7169203331';
const FORCE = 'POST /api/v1/internal/runtimes/:game_id/force-next-turn';

/** The span of this name in a trace, once it has come. */
function untilSpan(name: string, inTrace: (span: Span) => boolean): Promise<Span> {
  return waitFor(() => collector.spans.find((span) => span.name === name && inTrace(span)), {
    describe: () => `a span ${name} among ${collector.spans.map((span) => span.name).join(', ')}`,
  });
}

/** The way to a span, once all of it has come. */
function untilPath(span: Span, caller?: string): Promise<string[]> {
  return waitFor(() => collector.pathTo(span, caller), {
    describe: () => `the way to ${span.name} among ${collector.spans.map(({ name }) => name).join(', ')}`,
  });
}

test('one trace leads from the caller through api, workflow and activity to the engine', async () => {
  const gameId = await gm.running(engine);
  const reply = await gm.force(gameId, { traceparent: `00-${TRACE_ID}-${CALLER}-01` });
  expect(reply.status).toBe(200);

  const ofCall = ({ traceId }: Span) => traceId === TRACE_ID;
  const served = await untilSpan(FORCE, ofCall);
  expect(served.parentSpanId).toBe(CALLER);
  const asked = await untilSpan('engine turn', ofCall);
  expect(await untilPath(asked, CALLER)).toEqual([
    `gamemaster-api ${FORCE}`,
    'gamemaster-api StartWorkflowUpdate:force-next-turn',
    'gamemaster-worker HandleUpdate:force-next-turn',
    'gamemaster-worker StartActivity:generateTurn',
    'gamemaster-worker RunActivity:generateTurn',
    'gamemaster-worker engine turn',
  ]);
  expect(engine.traceparents.at(engine.calls.indexOf('turn'))).toBe(`00-${TRACE_ID}-${asked.spanId}-01`);
});

test('a registration is one trace too, and every tick begins one of its own', async () => {
  const ticked = await TestEngine.start();
  const gameId = await gm.running(ticked, { turn_schedule: EVERY_SECOND });
  await waitFor(() => ticked.turnLog.length >= 2);
  await gm.stopGame(gameId);

  const traceOf = (call: number) => ticked.traceparents[call]?.split('-')[1];
  const initialised = await untilSpan('engine init', ({ traceId }) => traceId === traceOf(1));
  expect((await untilPath(initialised))[0]).toMatch(/^gamemaster-api POST .*register-runtime$/);

  const turnTraces = ticked.calls.flatMap((call, index) => (call === 'turn' ? [traceOf(index)] : []));
  expect(new Set([initialised.traceId, ...turnTraces]).size).toBe(1 + turnTraces.length);
  const turn = await untilSpan('engine turn', ({ traceId }) => traceId === turnTraces[0]);
  expect(await untilPath(turn)).toEqual([
    'gamemaster-worker StartActivity:generateTurn',
    'gamemaster-worker RunActivity:generateTurn',
    'gamemaster-worker engine turn',
  ]);
  await ticked.stop();
});

test("a player's call is a trace of two spans, with the engine below the api", async () => {
  const gameId = await gm.running({ endpoint: (await startEngine()).url });
  lobby.setMember(gameId, 'ann', 'active');
  const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
  const headers = { 'x-user-id': 'ann', traceparent: `00-${traceId}-${CALLER}-01` };
  const path = `/api/v1/internal/games/${gameId}`;
  expect((await gm.call('GET', `${path}/reports/0`, { headers })).status).toBe(200);
  expect((await gm.call('GET', `${path}/reports/9`, { headers })).status).toBe(422);

  const ofCalls = (span: Span) => span.traceId === traceId;
  const name = 'GET /api/v1/internal/games/:game_id/reports/:turn';
  await waitFor(() => collector.spans.filter(ofCalls).length === 4);
  const [served, ...more] = collector.spans.filter((span) => ofCalls(span) && span.name === name);
  expect([served?.parentSpanId, more.length]).toEqual([CALLER, 1]);
  const asked = collector.spans.filter((span) => ofCalls(span) && span.name === 'engine report');
  expect(asked.map(({ service }) => service)).toEqual(['gamemaster-api', 'gamemaster-api']);
  expect(new Set(asked.map(({ parentSpanId }) => parentSpanId))).toEqual(
    new Set([served, ...more].map((span) => span?.spanId)),
  );
});

test('a game goes on when tracing is switched off and on again', async () => {
  const replayed = await TestEngine.start();
  const gameId = await gm.running(replayed);
  for (const [turn, env] of [
    [1, {}],
    [2, { OTEL_SDK_DISABLED: 'true' }],
    [3, {}],
  ] as const) {
    await gm.workers.at(-1)?.stop();
    await gm.addWorker(env);
    // Another worker has no game in memory: it replays what the one before it did.
    const reply = await untilTold(() => gm.force(gameId, { 'Idempotency-Key': `turn-${turn}` }));
    expect(reply.body).toMatchObject({ current_turn: turn });
    expect(replayed.traceparents.at(-1) === undefined).toBe('OTEL_SDK_DISABLED' in env);
  }
  await replayed.stop();
});
