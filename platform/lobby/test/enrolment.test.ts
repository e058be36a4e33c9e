import { refusalToJoin, refusalToStart, type Candidacy } from '../domain/enrolment';
import { GAME_STATUSES } from '../domain/game-status';

const welcome: Candidacy = {
  gameStatus: 'enrollment',
  maxPlayers: 4,
  activePlayers: 3,
  member: null,
  hasApplied: false,
  isRaceTaken: false,
};

test('the last place is a place', () => expect(refusalToJoin(welcome)).toBeNull());
test('whoever was removed may come back', () =>
  expect(refusalToJoin({ ...welcome, member: 'removed' })).toBeNull());

test.each<[string, Partial<Candidacy>, string]>([
  ['all places are taken', { activePlayers: 4 }, 'game_full'],
  ['the race is taken', { isRaceTaken: true }, 'race_name_taken'],
  ['they play already', { member: 'active' }, 'conflict'],
  ['they have applied', { hasApplied: true }, 'conflict'],
  ['they were blocked', { member: 'blocked' }, 'forbidden'],
  ['they were blocked and the game is full', { member: 'blocked', activePlayers: 4 }, 'forbidden'],
  ['the game is full and the race is taken', { activePlayers: 4, isRaceTaken: true }, 'game_full'],
  ['the game has begun, and is full', { gameStatus: 'running', activePlayers: 4 }, 'conflict'],
])('nobody joins when %s', (_, changes, code) => {
  expect(refusalToJoin({ ...welcome, ...changes })?.code).toBe(code);
});

test.each(GAME_STATUSES.filter((status) => status !== 'enrollment'))('nobody joins in %s', (gameStatus) => {
  expect(refusalToJoin({ ...welcome, gameStatus })).toEqual({
    code: 'conflict',
    message: `nobody can join: the game is ${gameStatus}`,
  });
});

describe('a start', () => {
  test('takes as many players as the game needs', () => {
    expect(refusalToStart({ gameStatus: 'enrollment', minPlayers: 2, activePlayers: 2 })).toBeNull();
    expect(refusalToStart({ gameStatus: 'start_failed', minPlayers: 2, activePlayers: 3 })).toBeNull();
    expect(refusalToStart({ gameStatus: 'enrollment', minPlayers: 2, activePlayers: 1 })).toEqual({
      code: 'not_enough_players',
      message: 'the game needs 2 players and has 1',
    });
  });

  test.each(['draft', 'starting', 'running', 'paused', 'finished', 'cancelled'] as const)(
    'is not made from %s, whoever plays',
    (gameStatus) => {
      expect(refusalToStart({ gameStatus, minPlayers: 2, activePlayers: 0 })?.code).toBe('conflict');
    },
  );
});
