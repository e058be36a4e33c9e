import {
  canBecome,
  expectsTicks,
  isTerminal,
  RUNTIME_STATUSES,
  sourcesOf,
  TRANSITIONS,
} from '../../../domain/runtime-status';

/** Every edge there may be, written down a second time on purpose. */
const EDGES = [
  'starting > running',
  'running > generation_in_progress',
  'running > engine_unreachable',
  'running > stopped',
  'generation_in_progress > running',
  'generation_in_progress > finished',
  'generation_in_progress > generation_failed',
  'generation_in_progress > engine_unreachable',
  'generation_in_progress > stopped',
  'generation_failed > generation_in_progress',
  'generation_failed > stopped',
  'engine_unreachable > running',
  'engine_unreachable > generation_in_progress',
  'engine_unreachable > stopped',
];

test('exactly the known transitions are allowed', () => {
  const allowed = RUNTIME_STATUSES.flatMap((from) =>
    RUNTIME_STATUSES.filter((to) => canBecome(from, to)).map((to) => `${from} > ${to}`),
  );
  expect(allowed.sort()).toEqual([...EDGES].sort());
});

test('sources are the transitions read backwards', () => {
  for (const to of RUNTIME_STATUSES) {
    expect(sourcesOf(to)).toEqual(RUNTIME_STATUSES.filter((from) => TRANSITIONS[from].includes(to)));
  }
  expect(sourcesOf('starting')).toEqual([]);
  expect(sourcesOf('finished')).toEqual(['generation_in_progress']);
});

test('no status follows itself', () => {
  expect(RUNTIME_STATUSES.filter((status) => canBecome(status, status))).toEqual([]);
});

test('stopped and finished are the ends', () => {
  expect(RUNTIME_STATUSES.filter(isTerminal)).toEqual(['stopped', 'finished']);
});

test('only a running game and one that makes a turn expect a tick', () => {
  expect(RUNTIME_STATUSES.filter(expectsTicks)).toEqual(['running', 'generation_in_progress']);
});
