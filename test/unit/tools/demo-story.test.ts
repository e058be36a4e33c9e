import { EventWriter, type Snapshot } from '../../../domain/game-events';
import { tellIntent, tellLobbyEvent } from '../../../tools/demo/story';

const at = new Date('2026-03-01T12:00:00Z');
const game: Snapshot = {
  gameId: 'orion',
  registrationId: 'run-1',
  currentTurn: 3,
  status: 'running',
  engineHealth: 'healthy',
  playerTurnStats: [
    { user_id: 'ann', planets: 2, population: 120 },
    { user_id: 'bob', planets: 1, population: 99 },
  ],
};

/** The entry as the streams get it from the one event that `write` makes. */
function entry(write: (writer: EventWriter) => unknown): Record<string, string> {
  const writer = new EventWriter({ lobbyEvents: 'lobby', notificationIntents: 'intents' }, 7, at);
  write(writer);
  return writer.written[0]?.payload ?? {};
}

describe('the story of the demo', () => {
  it.each([
    [{ ...game, currentTurn: 0 }, 'registered, turn 0: ann 2 planets 120 people, bob 1 planets 99 people'],
    [game, 'turn 3: ann 2 planets 120 people, bob 1 planets 99 people'],
    [{ ...game, status: 'generation_failed' as const }, 'generation failed at turn 3'],
    [{ ...game, status: 'stopped' as const }, 'stopped at turn 3'],
  ])('tells a snapshot', (snapshot, text) => {
    const told = tellLobbyEvent(entry((writer) => writer.snapshot(snapshot)));
    expect(told).toEqual({ gameId: 'orion', at, turn: snapshot.currentTurn, text });
  });

  it('tells the end of a game', () => {
    expect(tellLobbyEvent(entry((writer) => writer.finished({ ...game, status: 'finished' })))).toEqual({
      gameId: 'orion',
      at,
      turn: 3,
      text: 'finished at turn 3: ann 2 planets 120 people, bob 1 planets 99 people',
    });
  });

  it.each([
    [
      (writer: EventWriter) => writer.turnReadyIntent(game, ['ann', 'bob']),
      'notify ann, bob: turn 3 is ready',
    ],
    [(writer: EventWriter) => writer.finishedIntent(game, ['ann']), 'notify ann: the game ended with turn 3'],
    [
      (writer: EventWriter) => writer.generationFailedIntent(game, 4, 'engine_unreachable'),
      'notify administrators: turn 4 failed (engine_unreachable)',
    ],
  ])('tells a notification', (write, text) => {
    expect(tellIntent(entry(write))).toEqual({ gameId: 'orion', at, turn: null, text });
  });
});
