import {
  GAME_STATUSES,
  hasBegun,
  isOver,
  mayBecome,
  allows,
  type GameOperation,
} from '../domain/game-status';
import { leftBehind, isRegisteredWith } from '../domain/cancelling';
import type { Registration } from '../domain/game';

const registration: Registration = {
  engine_endpoint: 'http://127.0.0.1:1',
  members: [{ user_id: 'ann', race_name: 'Zerg' }],
  target_engine_version: '1.0.0',
  turn_schedule: '0 18 * * *',
};

test('every game can be brought to an end', () => {
  const canEnd = (status: (typeof GAME_STATUSES)[number]): boolean =>
    isOver(status) || mayBecome(status, 'cancelled');
  expect(GAME_STATUSES.filter((status) => !canEnd(status))).toEqual([]);
  expect(GAME_STATUSES.filter(isOver)).toEqual(['finished', 'cancelled']);
});

test('only what is over cannot be cancelled', () => {
  expect(GAME_STATUSES.filter((status) => !allows(status, 'cancel'))).toEqual(['finished', 'cancelled']);
});

test('applications can be approved where one can join, and rejected as long as a game is not over', () => {
  const of = (operation: GameOperation) => GAME_STATUSES.filter((status) => allows(status, operation));
  expect(of('approve applications')).toEqual(of('join'));
  expect(of('reject applications')).toEqual(
    expect.arrayContaining(['enrollment', 'running', 'start_failed']),
  );
});

test.each([
  ['open enrollment', 'enrollment'],
  ['start', 'starting'],
  ['pause', 'paused'],
  ['resume', 'running'],
  ['cancel', 'cancelled'],
] as const)('wherever one may %s the game may become %s', (operation, to) => {
  const from = GAME_STATUSES.filter((status) => allows(status, operation));
  expect(from).not.toEqual([]);
  expect(from.filter((status) => !mayBecome(status, to))).toEqual([]);
});

describe('giving a game up', () => {
  test.each(GAME_STATUSES.filter((status) => !hasBegun(status)))('in %s leaves nothing behind', (status) => {
    expect(leftBehind({ status, registration: null })).toBe('nothing');
  });

  test.each(GAME_STATUSES.filter(hasBegun))('in %s leaves an engine, or what Game Master has', (status) => {
    expect(leftBehind({ status, registration: null })).toBe('engine');
    expect(leftBehind({ status, registration })).toBe('runtime');
  });
});

test.each(GAME_STATUSES)(
  'a race is banished from a game in %s only if it is registered with it',
  (status) => {
    expect(isRegisteredWith({ status, registration }, 'ann')).toBe(hasBegun(status));
    expect(isRegisteredWith({ status, registration }, 'bob')).toBe(false);
    expect(isRegisteredWith({ status, registration: null }, 'ann')).toBe(false);
  },
);
