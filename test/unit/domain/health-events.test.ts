import { ENGINE_HEALTH, afterTurn, canGoOn, isLost } from '../../../domain/engine-health';
import {
  concernsGame,
  isNewer,
  judge,
  MalformedHealthEvent,
  parseHealthEvent,
  type EngineWatch,
  type HealthEvent,
  type HealthEventType,
} from '../../../domain/health-events';

const NOW = 1_800_000_000_000;
const ENTRY = {
  game_id: 'orion',
  container_id: 'c1',
  event_type: 'healthy',
  occurred_at_ms: String(NOW),
  details: '{}',
};

describe('an entry', () => {
  it('is read', () => {
    expect(parseHealthEvent(ENTRY, NOW)).toEqual({
      gameId: 'orion',
      containerId: 'c1',
      type: 'healthy',
      occurredAtMs: NOW,
    });
  });

  it.each([
    ['without details', { ...ENTRY, details: undefined }],
    ['with a field that is not known', { ...ENTRY, region: 'north' }],
    ['of long ago', { ...ENTRY, occurred_at_ms: '0' }],
    ['a little ahead of the clock', { ...ENTRY, occurred_at_ms: String(NOW + 3_600_000) }],
  ])('%s is read', (_, entry) => {
    expect(parseHealthEvent(entry as Record<string, string>, NOW).gameId).toBe('orion');
  });

  it.each([
    ['no fields', {}, 'game_id'],
    ['no game', { ...ENTRY, game_id: '' }, 'game_id'],
    ['a game that cannot be', { ...ENTRY, game_id: '../etc' }, 'game_id'],
    ['no container', { ...ENTRY, container_id: '' }, 'container_id'],
    ['an endless container', { ...ENTRY, container_id: 'x'.repeat(257) }, 'container_id'],
    ['an unknown type', { ...ENTRY, event_type: 'container_bored' }, 'event_type'],
    ['the type of an object', { ...ENTRY, event_type: 'toString' }, 'event_type'],
    ['no time', { ...ENTRY, occurred_at_ms: '' }, 'occurred_at_ms'],
    ['a date', { ...ENTRY, occurred_at_ms: '2026-01-01' }, 'occurred_at_ms'],
    ['a time before time', { ...ENTRY, occurred_at_ms: '-1' }, 'occurred_at_ms'],
    ['a broken time', { ...ENTRY, occurred_at_ms: '1.5' }, 'occurred_at_ms'],
    ['microseconds', { ...ENTRY, occurred_at_ms: `${NOW}000` }, 'occurred_at_ms'],
    ['a time to come', { ...ENTRY, occurred_at_ms: String(NOW + 172_800_000) }, 'future'],
    ['details that are no JSON', { ...ENTRY, details: '{' }, 'details'],
  ])('with %s is malformed', (_, entry, reason) => {
    expect(() => parseHealthEvent(entry, NOW)).toThrow(MalformedHealthEvent);
    expect(() => parseHealthEvent(entry, NOW)).toThrow(reason);
  });
});

type Step = [type: HealthEventType, at: number, container?: string];

/** Judges the entries in the order they came, and gives the fate of each and what it said. */
function follow(steps: readonly Step[], threshold = 3): (string | null)[] {
  let watch: EngineWatch | null = null;
  return steps.map(([type, occurredAtMs, containerId = 'c1'], i) => {
    const judgement = judge(
      watch,
      { gameId: 'orion', containerId, type, occurredAtMs },
      `${i + 1}-0`,
      threshold,
    );
    if (judgement.fate !== 'news') return judgement.fate;
    watch = judgement.watch;
    return judgement.says;
  });
}

describe('what entries say', () => {
  it.each<[HealthEventType, string]>([
    ['healthy', 'healthy'],
    ['container_started', 'healthy'],
    ['probe_recovered', 'healthy'],
    ['inspect_unhealthy', 'inspect_unhealthy'],
    ['container_exited', 'exited'],
    ['container_oom', 'oom'],
    ['container_disappeared', 'disappeared'],
  ])('%s says %s', (type, says) => {
    expect(follow([[type, 1]])).toEqual([says]);
  });

  it.each<[string, Step[], (string | null)[]]>([
    [
      'a probe that fails says nothing before the third time in a row, and goes on saying so',
      [1, 2, 3, 4].map((at) => ['probe_failed', at]),
      [null, null, 'probe_failed', 'probe_failed'],
    ],
    [
      'anything else ends the row',
      [
        ['probe_failed', 1],
        ['probe_failed', 2],
        ['healthy', 3],
        ['probe_failed', 4],
        ['probe_failed', 5],
        ['probe_failed', 6],
      ],
      [null, null, 'healthy', null, null, 'probe_failed'],
    ],
    [
      'what happened earlier is stale however late it comes',
      [
        ['healthy', 5],
        ['container_oom', 4],
        ['probe_failed', 3],
      ],
      ['healthy', 'stale', 'stale'],
    ],
    [
      'of one time the later on the stream counts',
      [
        ['container_exited', 5],
        ['container_started', 5],
      ],
      ['exited', 'healthy'],
    ],
    [
      'a repetition is known, also after another of the same time',
      [
        ['container_exited', 5],
        ['container_exited', 5],
        ['container_started', 5],
        ['container_exited', 5],
        ['container_started', 5],
      ],
      ['exited', 'duplicate', 'healthy', 'duplicate', 'duplicate'],
    ],
    [
      'a repetition counts as one failed probe',
      [
        ['probe_failed', 1],
        ['probe_failed', 1],
        ['probe_failed', 1],
        ['probe_failed', 2],
        ['probe_failed', 3],
      ],
      [null, 'duplicate', 'duplicate', null, 'probe_failed'],
    ],
    [
      'any container is heard before one has started, and only that one afterwards',
      [
        ['healthy', 1, 'c1'],
        ['healthy', 2, 'c2'],
        ['container_started', 3, 'c2'],
        ['container_exited', 4, 'c1'],
        ['probe_failed', 5, 'c1'],
        ['container_oom', 6, 'c2'],
        ['container_started', 7, 'c3'],
        ['healthy', 8, 'c2'],
        ['healthy', 9, 'c3'],
      ],
      ['healthy', 'healthy', 'healthy', 'stale', 'stale', 'oom', 'healthy', 'stale', 'healthy'],
    ],
    [
      'a start that is older than the last news starts nothing',
      [
        ['container_started', 5, 'c2'],
        ['container_started', 4, 'c1'],
        ['healthy', 6, 'c2'],
      ],
      ['healthy', 'stale', 'healthy'],
    ],
  ])('%s', (_, steps, fates) => {
    expect(follow(steps)).toEqual(fates);
  });

  it('a threshold of one needs no row', () => {
    expect(follow([['probe_failed', 1]], 1)).toEqual(['probe_failed']);
  });

  it('an entry that is handed out again is a duplicate', () => {
    const event: HealthEvent = { gameId: 'orion', containerId: 'c1', type: 'container_oom', occurredAtMs: 7 };
    const first = judge(null, event, '5-0', 3);
    if (first.fate !== 'news') throw new Error('the first is news');
    expect(judge(first.watch, event, '5-0', 3)).toEqual({ fate: 'duplicate' });
  });

  it('what is remembered of one time is bounded', () => {
    let watch: EngineWatch | null = null;
    for (let i = 1; i <= 500; i += 1) {
      const event: HealthEvent = { gameId: 'orion', containerId: `c${i}`, type: 'healthy', occurredAtMs: 7 };
      const judgement = judge(watch, event, `${i}-0`, 3);
      if (judgement.fate !== 'news') throw new Error('each is news');
      ({ watch } = judgement);
    }
    expect(watch?.seen).toHaveLength(32);
  });
});

describe('the order of entries', () => {
  it.each([
    [2, '1-0', 1, '9-0', true],
    [1, '9-0', 2, '1-0', false],
    [1, '10-0', 1, '9-0', true],
    [1, '9-0', 1, '10-0', false],
    [1, '9-10', 1, '9-9', true],
    [1, '9-9', 1, '9-9', false],
    [1, '9-18446744073709551615', 1, '9-18446744073709551614', true],
  ])('%d/%s is newer than %d/%s: %p', (aAt, a, bAt, b, newer) => {
    expect(isNewer({ occurredAtMs: aAt, entryId: a }, { occurredAtMs: bAt, entryId: b })).toBe(newer);
  });
});

describe('a game hears of', () => {
  const event = (type: HealthEventType): HealthEvent => ({
    gameId: 'orion',
    containerId: 'c1',
    type,
    occurredAtMs: 1,
  });

  it.each([
    ['a change', 'probe_failed', 'probe_failed', null, 'healthy', true],
    ['nothing when nothing changed', 'healthy', 'healthy', null, 'healthy', false],
    ['nothing when nothing was said', 'probe_failed', null, 'healthy', 'oom', false],
    [
      'a change of what it was told, though the record is behind',
      'healthy',
      'healthy',
      'oom',
      'healthy',
      true,
    ],
    ['what its record does not have', 'healthy', 'healthy', 'healthy', 'turn_mismatch', true],
    ['each start', 'container_started', 'healthy', 'healthy', 'healthy', true],
    ['each exit', 'container_exited', 'exited', 'exited', 'exited', true],
    ['each end for want of memory', 'container_oom', 'oom', 'oom', 'oom', true],
    ['each disappearance', 'container_disappeared', 'disappeared', 'disappeared', 'disappeared', true],
  ] as const)('%s', (_, type, says, told, recorded, concerned) => {
    expect(concernsGame(event(type), says, { told, recorded })).toBe(concerned);
  });
});

describe('the health of an engine', () => {
  it('tells whether its container is gone', () => {
    expect(ENGINE_HEALTH.filter(isLost)).toEqual(['exited', 'oom', 'disappeared']);
  });

  it('is known from a turn that it made, but for what probes say', () => {
    expect(ENGINE_HEALTH.map(afterTurn)).toEqual([
      'healthy',
      'probe_failed',
      'inspect_unhealthy',
      'healthy',
      'healthy',
      'healthy',
      'healthy',
    ]);
  });

  it.each([
    [5, true],
    [6, true],
    [4, false],
    [7, false],
    [null, false],
  ])('at turn %p it goes with turn 5 on record: %p', (found, matches) => {
    expect(canGoOn(found, 5)).toBe(matches);
  });
});
