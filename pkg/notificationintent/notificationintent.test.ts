import {
  gameFinished,
  gameGenerationFailed,
  gameTurnReady,
  lobbyRuntimePausedAfterStart,
  toStreamFields,
} from '.';
import type { NotificationIntent } from '.';
import { InvalidNotificationIntent, fromStreamFields, notificationIntentSchema } from './schemas';

const game = { gameId: 'game-7', registrationId: 'run-1', occurredAtMs: 1_777_000_000_123 };
const recipientUserIds = ['user-a', 'user-b'];

const turnReady = gameTurnReady({ ...game, turnNumber: 4, recipientUserIds });
const finished = gameFinished({ ...game, finalTurnNumber: 9, recipientUserIds });
const failed = gameGenerationFailed({
  ...game,
  occurrenceId: 'op-11',
  turnNumber: 5,
  failureReason: 'engine_unreachable',
});
const paused = lobbyRuntimePausedAfterStart({
  gameId: 'game-7',
  gameName: 'Orion',
  occurredAtMs: 1_777_000_000_123,
});
const intents: NotificationIntent[] = [turnReady, finished, failed, paused];

// Notification reads these entries: a name or field changed here is a change of the contract.
describe('the entries as they stand on the stream', () => {
  test('game.turn.ready', () => {
    expect(toStreamFields(turnReady)).toEqual({
      notification_type: 'game.turn.ready',
      producer: 'game_master',
      audience: 'users',
      recipient_user_ids: '["user-a","user-b"]',
      idempotency_key: 'game.turn.ready:game-7:run-1:4',
      occurred_at_ms: '1777000000123',
      payload: '{"game_id":"game-7","turn_number":4}',
    });
  });

  test('game.finished', () => {
    expect(toStreamFields(finished)).toEqual({
      notification_type: 'game.finished',
      producer: 'game_master',
      audience: 'users',
      recipient_user_ids: '["user-a","user-b"]',
      idempotency_key: 'game.finished:game-7:run-1',
      occurred_at_ms: '1777000000123',
      payload: '{"game_id":"game-7","final_turn_number":9}',
    });
  });

  test('game.generation_failed goes to the administrators and names no users', () => {
    expect(toStreamFields(failed)).toEqual({
      notification_type: 'game.generation_failed',
      producer: 'game_master',
      audience: 'admin_email',
      idempotency_key: 'game.generation_failed:game-7:run-1:5:op-11',
      occurred_at_ms: '1777000000123',
      payload: '{"game_id":"game-7","turn_number":5,"failure_reason":"engine_unreachable"}',
    });
  });

  test("lobby.runtime_paused_after_start is Lobby's, for the administrators", () => {
    expect(toStreamFields(paused)).toEqual({
      notification_type: 'lobby.runtime_paused_after_start',
      producer: 'lobby',
      audience: 'admin_email',
      idempotency_key: 'lobby.runtime_paused_after_start:game-7:1777000000123',
      occurred_at_ms: '1777000000123',
      payload: '{"game_id":"game-7","game_name":"Orion"}',
    });
  });
});

describe('idempotency keys', () => {
  const failure = { ...game, occurrenceId: 'op-11', turnNumber: 5, failureReason: 'engine_unreachable' };

  test('are the same for the same occurrence told again', () => {
    const again = gameTurnReady({ ...game, turnNumber: 4, recipientUserIds: [], occurredAtMs: 0 });
    expect(again.idempotency_key).toBe(turnReady.idempotency_key);
  });

  test('differ between turns, registrations, games, types and repeated failures of one turn', () => {
    const keys = [
      ...intents,
      gameTurnReady({ ...game, turnNumber: 5, recipientUserIds }),
      gameTurnReady({ ...game, registrationId: 'run-2', turnNumber: 4, recipientUserIds }),
      gameTurnReady({ ...game, gameId: 'game-8', turnNumber: 4, recipientUserIds }),
      gameFinished({ ...game, registrationId: 'run-2', finalTurnNumber: 9, recipientUserIds }),
      gameGenerationFailed({ ...failure, occurrenceId: 'op-12' }),
      gameGenerationFailed({ ...failure, turnNumber: 6 }),
      lobbyRuntimePausedAfterStart({ gameId: 'game-7', gameName: 'Orion', occurredAtMs: 0 }),
    ].map((intent) => intent.idempotency_key);
    expect(new Set(keys).size).toBe(11);
  });
});

test.each(intents)('$notification_type survives constructor, fields and schema', (intent) => {
  expect(notificationIntentSchema.parse(intent)).toEqual(intent);
  expect(fromStreamFields(toStreamFields(intent))).toEqual(intent);
});

test('the recipients are copied', () => {
  const users = ['user-a'];
  const intent = gameTurnReady({ ...game, turnNumber: 1, recipientUserIds: users });
  users.push('user-b');
  expect(intent.recipient_user_ids).toEqual(['user-a']);
});

describe('fromStreamFields refuses', () => {
  const good = toStreamFields(turnReady);
  const without = (name: string) => Object.fromEntries(Object.entries(good).filter(([key]) => key !== name));

  test.each(Object.keys(good))('an entry without %s', (name) => {
    expect(() => fromStreamFields(without(name))).toThrow(InvalidNotificationIntent);
  });

  test.each<[string, Record<string, string>]>([
    ['an unknown field', { ...good, colour: 'red' }],
    ['an unknown type', { ...good, notification_type: 'game.paused' }],
    ['another producer', { ...good, producer: 'lobby' }],
    ["Lobby's type by another", { ...toStreamFields(paused), producer: 'game_master' }],
    [
      'a payload with an unknown field',
      { ...good, payload: '{"game_id":"game-7","turn_number":4,"more":1}' },
    ],
    ["another type's payload", { ...good, payload: '{"game_id":"game-7","final_turn_number":4}' }],
    ['a payload that is no JSON', { ...good, payload: '{"game_id":' }],
    ['a turn below zero', { ...good, payload: '{"game_id":"game-7","turn_number":-1}' }],
    ['users without recipients', { ...good, recipient_user_ids: '[]' }],
    ['a recipient that is no user id', { ...good, recipient_user_ids: '["a b"]' }],
    ['a time that is no integer', { ...good, occurred_at_ms: '1.5' }],
    ['a time left empty', { ...good, occurred_at_ms: '' }],
    ['an empty key', { ...good, idempotency_key: '' }],
    ['recipients of an admin email', { ...toStreamFields(failed), recipient_user_ids: '["user-a"]' }],
    ['a turn for the administrators', { ...without('recipient_user_ids'), audience: 'admin_email' }],
  ])('%s', (_, fields) => {
    expect(() => fromStreamFields(fields)).toThrow(InvalidNotificationIntent);
  });

  test('and names the field', () => {
    expect(() => fromStreamFields({ ...good, occurred_at_ms: 'soon' })).toThrow(/occurred_at_ms/);
  });
});
