import { gameIdOf, REASONS } from '../domain/game';
import {
  isBanished,
  judgeConflict,
  judgeRegistration,
  judgeResume,
  judgeStop,
  judgeStopConflict,
  type Answer,
} from '../domain/game-master-answers';
import { GAME_STATUSES, isOver, mayBecome } from '../domain/game-status';
import { isCapable, withStanding, type PlayerStats, type Standing } from '../domain/player-stats';
import { retryDelayMs } from '../domain/retry-delay';
import { leftOver, statusAfter } from '../domain/runtime-events';
import { RUNTIME_STATUSES } from '../domain/runtime-view';
import { problemOfSchedule } from '../domain/turn-schedule';

const answer = (status: number | null, code: string | null = null): Answer => ({ status, code, message: '' });

describe('what an answer to a registration means', () => {
  test.each<[Answer, string]>([
    [answer(201), 'registered'],
    [answer(400, 'invalid_request'), 'refused'],
    [answer(401, 'unauthorized'), 'away'],
    [answer(403, 'forbidden'), 'away'],
    [answer(404, 'engine_version_not_found'), 'refused'],
    [answer(409, 'engine_version_deprecated'), 'refused'],
    [answer(422, 'engine_validation_error'), 'refused'],
    [answer(409, 'conflict'), 'look'],
    [answer(502, 'engine_unreachable'), 'engine_away'],
    [answer(429, 'too_many_requests'), 'away'],
    [answer(500, 'internal_error'), 'away'],
    [answer(503, 'service_unavailable'), 'away'],
    [answer(500, 'something_new'), 'away'],
    ...[302, 400, 403, 404, 408, 429, 502].map((status): [Answer, string] => [answer(status), 'away']),
    [answer(null), 'away'],
  ])('%j: %s', (given, verdict) => expect(judgeRegistration(given)).toBe(verdict));

  test.each([
    ['unregistered', 'away'],
    ['starting', 'away'],
    ['running', 'registered'],
    ['generation_in_progress', 'registered'],
    ['finished', 'registered'],
  ])('a conflict over a game that is %s there: %s', (status, verdict) =>
    expect(judgeConflict(status)).toBe(verdict),
  );
});

test.each([
  ['running', 'runs'],
  ['generation_in_progress', 'runs'],
  ['unregistered', 'register'],
  ['starting', 'register'],
  ['generation_failed', 'conflict'],
  ['engine_unreachable', 'conflict'],
  ['stopped', 'conflict'],
  ['finished', 'conflict'],
  ['something new', 'conflict'],
])('resuming a game that is %s at Game Master: %s', (status, verdict) =>
  expect(judgeResume(status)).toBe(verdict),
);

test.each([
  [answer(204), true],
  [answer(404, 'race_not_found'), true],
  [answer(404, 'runtime_not_found'), true],
  [answer(404), false],
  [answer(409, 'conflict'), false],
  [answer(422, 'engine_validation_error'), false],
  [answer(429, 'too_many_requests'), false],
  [answer(500, 'internal_error'), false],
  [answer(502, 'engine_unreachable'), false],
  [answer(503, 'service_unavailable'), false],
  [answer(null), false],
])('a banishment that is answered %j is done: %s', (given, done) => expect(isBanished(given)).toBe(done));

test.each([
  [answer(200), 'stopped'],
  [answer(404, 'runtime_not_found'), 'engine_left'],
  [answer(404), 'again'],
  [answer(409, 'conflict'), 'look'],
  [answer(503, 'service_unavailable'), 'again'],
  [answer(null), 'again'],
])('a stop that is answered %j: %s', (given, verdict) => expect(judgeStop(given)).toBe(verdict));

test.each([
  ['stopped', 'stopped'],
  ['finished', 'engine_left'],
  ['unregistered', 'engine_left'],
  ['running', 'again'],
  ['generation_in_progress', 'again'],
])('a stop of a game that is %s there: %s', (status, verdict) =>
  expect(judgeStopConflict(status)).toBe(verdict),
);

describe("Game Master's word", () => {
  test('moves a game only as the table of statuses allows, and never one that is over', () => {
    for (const status of GAME_STATUSES)
      for (const runtimeStatus of RUNTIME_STATUSES) {
        const after = statusAfter({ status, statusReason: null }, runtimeStatus);
        expect([status, runtimeStatus, after === status || mayBecome(status, after)]).toEqual([
          status,
          runtimeStatus,
          true,
        ]);
      }
    expect(GAME_STATUSES.filter((status) => isOver(status)).length).toBeGreaterThan(0);
  });

  test.each([
    ['starting', 'running', 'running'],
    ['starting', 'engine_unreachable', 'running'],
    ['starting', 'finished', 'finished'],
    ['running', 'generation_failed', 'running'],
    ['running', 'finished', 'finished'],
    ['running', 'stopped', 'cancelled'],
    ['paused', 'finished', 'finished'],
    ['paused', 'stopped', 'cancelled'],
    ['start_failed', 'stopped', 'start_failed'],
    ['cancelled', 'finished', 'cancelled'],
  ] as const)('of a game %s here that is %s there makes it %s', (status, told, after) =>
    expect(statusAfter({ status, statusReason: null }, told)).toBe(after),
  );

  test('ends a pause for want of Game Master, and no other', () => {
    const paused = (statusReason: string) => statusAfter({ status: 'paused', statusReason }, 'running');
    expect(paused(REASONS.gameMasterUnavailable)).toBe('running');
    expect(paused(REASONS.onRequest)).toBe('paused');
  });

  test.each([
    ['cancelled', 'running', 'runtime'],
    ['start_failed', 'engine_unreachable', 'runtime'],
    ['cancelled', 'finished', 'engine'],
    ['start_failed', 'finished', 'engine'],
    ['enrollment', 'running', 'runtime'],
    ['cancelled', 'stopped', 'nothing'],
    ['running', 'running', 'nothing'],
    ['finished', 'finished', 'nothing'],
  ] as const)('of a game %s here that is %s there leaves to be taken down: %s', (status, told, left) =>
    expect(leftOver(status, told)).toBe(left),
  );
});

describe('statistics', () => {
  const played = (...turns: Standing[]): PlayerStats | null =>
    turns.reduce<PlayerStats | null>((stats, standing) => withStanding(stats, standing), null);
  const at = (planets: number, population: number): Standing => ({ planets, population });

  test('keep what a player began with, the most there was and what there is', () => {
    expect(played(at(3, 100), at(5, 90), at(2, 140), at(4, 120))).toEqual({
      planets: 4,
      population: 120,
      initialPlanets: 3,
      initialPopulation: 100,
      maxPlanets: 5,
      maxPopulation: 140,
    });
  });

  test('are the same when a turn is told again', () => {
    const once = played(at(3, 100), at(5, 90));
    expect(withStanding(once, at(5, 90))).toEqual(once);
  });

  test.each<[string, Standing[], boolean]>([
    ['never seen', [], false],
    ['seen once', [at(3, 100)], false],
    ['more of both', [at(3, 100), at(4, 101)], true],
    ['more of both, at different turns', [at(3, 100), at(4, 90), at(2, 101)], true],
    ['more of both, and all lost in the end', [at(3, 100), at(4, 101), at(0, 0)], true],
    ['more planets only', [at(3, 100), at(9, 100)], false],
    ['more people only', [at(3, 100), at(3, 900)], false],
    ['from nothing', [at(0, 0), at(1, 1)], true],
  ])('of somebody %s', (_, turns, capable) => expect(isCapable(played(...turns))).toBe(capable));
});

test('a game id says which game it is', () => {
  expect(gameIdOf('Orion', '5f0c9a1e')).toBe('orion-5f0c9a1e');
  expect(gameIdOf('  Ñandú & Co. #2 ', 'x')).toBe('nandu-co-2-x');
  expect(gameIdOf('Ω', 'x')).toBe('game-x');
  expect(gameIdOf('x'.repeat(64), '5f0c9a1e')).toMatch(/^[A-Za-z0-9_-]{1,64}$/);
});

describe('a turn schedule', () => {
  const problem = (expression: string, allowSeconds = false) =>
    problemOfSchedule(expression, { allowSeconds, now: new Date('2026-01-01T00:00:00Z') });

  test.each(['0 18 * * *', '*/15 * * * *', '0 0 29 2 *'])('may be %s', (expression) =>
    expect(problem(expression)).toBeNull(),
  );
  test.each(['0 18 * *', '61 * * * *', '@daily', '0 0 31 2 *', 'TZ=Europe/Paris 0 18 * * *', '* * * * * *'])(
    'may not be %s',
    (expression) => expect(problem(expression)).toEqual(expect.stringMatching(/.+/)),
  );
  test('may have seconds where they are allowed', () => expect(problem('* * * * * *', true)).toBeNull());
});

test('waits grow, and not for ever', () => {
  expect([1, 2, 3, 4].map(retryDelayMs)).toEqual([500, 1000, 2000, 4000]);
  expect(retryDelayMs(1000)).toBe(30_000);
});
