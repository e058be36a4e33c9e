import { EventWriter, type Snapshot } from '../../../domain/game-events';

const streams = { lobbyEvents: 'lobby', notificationIntents: 'intents' };
const now = new Date('2026-03-01T10:00:00.250Z');
const game: Snapshot = {
  gameId: 'g1',
  registrationId: 'run-1',
  currentTurn: 7,
  status: 'running',
  engineHealth: 'healthy',
  playerTurnStats: [{ user_id: 'ann', planets: 2, population: 30 }],
};

const turnMade = (revision: number, at = now) =>
  new EventWriter(streams, revision, at).snapshot(game).turnReadyIntent(game, ['ann', 'bob']).written;

function payloadOf(event: { payload: Record<string, string> } | undefined): unknown {
  return JSON.parse(event?.payload['payload'] ?? 'null');
}

describe('the events of one write', () => {
  it('are the very same when the write is repeated', () => {
    expect(turnMade(5)).toEqual(turnMade(5));
    expect(turnMade(5)).toHaveLength(2);
  });

  it('are numbered in order, above those of every earlier write', () => {
    const seqs = [1, 2, 3, 40].flatMap((revision) => turnMade(revision).map(({ seq }) => seq));
    expect(seqs).toEqual([...new Set(seqs)].sort((a, b) => a - b));
  });

  it('have ids that name game, registration and number, whatever the clock says', () => {
    const ids = turnMade(5).map(({ eventId, seq }) => [eventId, seq]);
    expect(ids).toEqual([
      ['g1:run-1:50', 50],
      ['g1:run-1:51', 51],
    ]);
    const later = turnMade(5, new Date(now.getTime() + 60_000));
    expect(later.map(({ eventId, seq }) => [eventId, seq])).toEqual(ids);
    expect(turnMade(5)[0]?.payload['event_id']).toBe('g1:run-1:50');
  });

  it('go to the stream of their kind, as flat text', () => {
    const events = turnMade(5);
    expect(events.map(({ stream }) => stream)).toEqual(['lobby', 'intents']);
    for (const { payload } of events) {
      for (const value of Object.values(payload)) expect(typeof value).toBe('string');
    }
  });
});

describe('what is told', () => {
  it('of a turn: how the game stands, and to every player that it is there', () => {
    const [snapshot, intent] = turnMade(5);
    expect(snapshot?.payload['event_type']).toBe('runtime_snapshot_update');
    expect(payloadOf(snapshot)).toEqual({
      game_id: 'g1',
      current_turn: 7,
      runtime_status: 'running',
      engine_health_summary: 'healthy',
      player_turn_stats: [{ user_id: 'ann', planets: 2, population: 30 }],
      occurred_at_ms: now.getTime(),
    });
    expect(intent?.payload).toMatchObject({ notification_type: 'game.turn.ready', audience: 'users' });
    expect(JSON.parse(intent?.payload['recipient_user_ids'] ?? '')).toEqual(['ann', 'bob']);
    expect(payloadOf(intent)).toEqual({ game_id: 'g1', turn_number: 7 });
  });

  it('of the last turn: that the game is over', () => {
    const over: Snapshot = { ...game, status: 'finished' };
    const [finished, intent] = new EventWriter(streams, 9, now)
      .finished(over)
      .finishedIntent(over, ['ann']).written;
    expect(finished?.payload['event_type']).toBe('game_finished');
    expect(payloadOf(finished)).toEqual({
      game_id: 'g1',
      final_turn_number: 7,
      runtime_status: 'finished',
      player_turn_stats: [{ user_id: 'ann', planets: 2, population: 30 }],
      finished_at_ms: now.getTime(),
    });
    expect(intent?.payload['notification_type']).toBe('game.finished');
    expect(payloadOf(intent)).toEqual({ game_id: 'g1', final_turn_number: 7 });
  });

  it('of a failed turn: to the administrators, anew for every failure', () => {
    const failed: Snapshot = { ...game, status: 'generation_failed' };
    const intents = [5, 6, 6].map(
      (revision) =>
        new EventWriter(streams, revision, now).generationFailedIntent(failed, 8, 'turn_mismatch').written[0],
    );
    expect(intents[0]?.payload).toMatchObject({
      notification_type: 'game.generation_failed',
      audience: 'admin_email',
    });
    expect(payloadOf(intents[0])).toEqual({ game_id: 'g1', turn_number: 8, failure_reason: 'turn_mismatch' });
    const keys = intents.map((intent) => intent?.payload['idempotency_key']);
    expect(new Set(keys).size).toBe(2);
    expect(keys[1]).toBe(keys[2]);
  });

  it('has one key for a turn and for the end, in every attempt', () => {
    const keys = [turnMade(5), turnMade(6)].map((events) => events[1]?.payload['idempotency_key']);
    expect(keys[0]).toBe(keys[1]);
    expect(keys[0]).toBeTruthy();
  });
});
