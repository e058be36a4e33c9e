import {
  gameMasterClient,
  GameMasterRefusal,
  orThrow,
  type GameMasterClient,
} from '../../../clients/gamemaster';
import { CALLERS, type Caller } from '../../../domain/operation';
import { GameMaster } from '../../support/game-master';
import { freshGameId } from '../../support/stack';
import { TestEngine } from '../../support/test-engine';

let gm: GameMaster;
let engine: TestEngine;
beforeAll(async () => {
  engine = await TestEngine.start();
  const tokens = CALLERS.map((caller) => `${caller}:token-of-${caller}`).join();
  gm = await GameMaster.start({ env: { GAMEMASTER_API_TOKENS: tokens } });
});
afterAll(async () => {
  await gm.stop();
  await engine.stop();
});

/** Repeats a call, which has a key for that, for as long as a busy machine leaves the game no time to take it. */
async function untilTaken<T>(call: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await call();
    } catch (error) {
      const wasTaken = !(error instanceof GameMasterRefusal) || error.code !== 'service_unavailable';
      if (wasTaken || attempt === 20) throw error;
    }
  }
}

function as(caller: Caller): GameMasterClient {
  return gameMasterClient({ baseUrl: gm.apis[0]?.baseUrl ?? '', token: `token-of-${caller}` });
}

test('whose token a call brings is the source of its operation, whatever a header says', async () => {
  const path = { game_id: freshGameId() };
  await orThrow(
    as('admin').POST('/api/v1/internal/engine-versions', {
      body: { version: '1.0.0', image_ref: 'engine:1' },
    }),
  );
  const registered = await untilTaken(() =>
    orThrow(
      as('lobby').POST('/api/v1/internal/games/{game_id}/register-runtime', {
        params: { path, header: { 'X-Actor': 'matchmaker', 'Idempotency-Key': 'k' } },
        body: gm.registration(engine),
      }),
    ),
  );
  expect(registered).toMatchObject({ game_id: path.game_id, status: 'running' });
  await untilTaken(() =>
    orThrow(
      as('admin').POST('/api/v1/internal/runtimes/{game_id}/force-next-turn', {
        params: {
          path,
          header: { 'X-Galaxy-Caller': 'lobby', 'X-Actor': 'Jo', 'Idempotency-Key': 'k' },
        },
      }),
    ),
  );
  const { operations } = await orThrow(
    as('operator').GET('/api/v1/internal/runtimes/{game_id}/operations', { params: { path } }),
  );
  expect(operations.map(({ kind, source, actor }) => [kind, source, actor])).toEqual([
    ['force', 'admin', 'Jo'],
    ['register', 'lobby', 'matchmaker'],
  ]);
});

test('a refusal reaches the typed client with its code', async () => {
  const params = { path: { game_id: freshGameId() } };
  const refused = (call: Promise<{ data?: unknown; error?: unknown; response: Response }>) =>
    orThrow(call).then(
      () => 'not refused',
      (error: unknown) => error instanceof GameMasterRefusal && [error.status, error.code],
    );
  const path = '/api/v1/internal/runtimes/{game_id}/force-next-turn';
  expect(await refused(as('gateway').POST(path, { params }))).toEqual([403, 'forbidden']);
  expect(await refused(as('admin').POST(path, { params }))).toEqual([404, 'runtime_not_found']);
  const nobody = gameMasterClient({ baseUrl: gm.apis[0]?.baseUrl ?? '' });
  expect(await refused(nobody.POST(path, { params }))).toEqual([401, 'unauthorized']);
  expect((await nobody.GET('/healthz')).data).toEqual({ status: 'ok' });
});
