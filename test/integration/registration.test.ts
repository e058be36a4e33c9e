import { GameMaster } from '../support/game-master';
import { TestEngine } from '../support/test-engine';
import { freshGameId } from '../support/stack';

let gm: GameMaster;
let engine: TestEngine;

beforeAll(async () => {
  gm = await GameMaster.start();
  await gm.createVersion();
}, 60_000);

afterAll(async () => {
  await gm.stop();
});

beforeEach(async () => {
  engine = await TestEngine.start();
});

afterEach(async () => {
  await engine.stop();
});

test('a registered game runs at turn 0, and the world is told', async () => {
  const gameId = freshGameId();
  const reply = await gm.register(gameId, gm.registration(engine), { 'X-Galaxy-Caller': 'lobby' });
  expect(reply.body).toMatchObject({ game_id: gameId, status: 'running', current_turn: 0 });
  expect(reply.status).toBe(201);
  expect(engine.callsOf('init')).toBe(1);
  await gm.untilOutboxEmpty(gameId);
  expect(await gm.events('lobbyEvents', gameId)).toHaveLength(1);
  const forced = await gm.force(gameId);
  expect(forced.body).toMatchObject({ current_turn: 1 });
});
