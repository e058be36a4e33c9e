import type { Container } from '../driver';
import { ended, noticeContainer, noticeProbe, started, type Notice } from '../health';
import { newRuntime, toView, type Runtime } from '../runtime';

const NOW = 1_773_424_802_117;
const spec = { gameId: 'orion', imageRef: 'galaxy/engine:1.0.0', state: '1', port: null };
const up: Container = {
  id: 'c1',
  run: 'c1/1',
  spec,
  endpoint: 'http://galaxy-game-orion:8080',
  isRunning: true,
  exitCode: null,
  outOfMemory: false,
  unhealthy: false,
};
const down: Container = { ...up, isRunning: false, exitCode: 137 };
const running = started(newRuntime('orion', NOW), up, NOW).runtime;
const exited = ended(running, down, NOW + 1).runtime;

const types = ({ events }: Notice) => events.map(({ type }) => type);
const healthOf = (runtime: Runtime) => toView(runtime).health;

test('what is as it was says nothing, and changes nothing', () => {
  expect(noticeContainer(running, up, NOW + 5)).toEqual({ runtime: running, events: [] });
  expect(noticeContainer(exited, down, NOW + 5)).toEqual({ runtime: exited, events: [] });
  const gone = noticeContainer(exited, null, NOW + 5).runtime;
  expect(noticeContainer(gone, null, NOW + 6)).toEqual({ runtime: gone, events: [] });
});

test.each<[string, Runtime, Container | null, string, string | null]>([
  ['an engine that ended', running, down, 'container_exited', 'exited'],
  ['one that was killed for its memory', running, { ...down, outOfMemory: true }, 'container_oom', 'oom'],
  ['one whose container is gone', running, null, 'container_disappeared', 'disappeared'],
  [
    'one that ended before, and whose container is gone',
    exited,
    null,
    'container_disappeared',
    'disappeared',
  ],
  ['one that somebody started again', exited, { ...up, run: 'c1/2' }, 'container_started', 'healthy'],
  [
    'one that ended and was started between two looks',
    running,
    { ...up, run: 'c1/2' },
    'container_started',
    'healthy',
  ],
  ['one of another container', running, { ...up, id: 'c2', run: 'c2/1' }, 'container_started', 'healthy'],
  [
    'one whose own check fails',
    running,
    { ...up, unhealthy: true },
    'inspect_unhealthy',
    'inspect_unhealthy',
  ],
])('tells of %s', (_what, before, found, type, health) => {
  const notice = noticeContainer(before, found, NOW + 5);
  expect(types(notice)).toEqual([type]);
  expect(notice.events[0]).toMatchObject({ containerId: found?.id ?? 'c1', occurredAtMs: NOW + 5 });
  expect(healthOf(notice.runtime)).toBe(health);
  // Once.
  expect(types(noticeContainer(notice.runtime, found, NOW + 6))).toEqual([]);
});

test('an engine whose own check passes again is healthy', () => {
  const ill = noticeContainer(running, { ...up, unhealthy: true }, NOW).runtime;
  const notice = noticeContainer(ill, up, NOW);
  expect(types(notice)).toEqual(['healthy']);
  expect(healthOf(notice.runtime)).toBe('healthy');
});

test.each(['stopped', 'start_failed'] as const)('what is %s is of no interest', (status) => {
  expect(types(noticeContainer({ ...running, status }, null, NOW))).toEqual([]);
  expect(types(noticeProbe({ ...running, status }, 'no answer', NOW))).toEqual([]);
});

test('failed probes are told one by one, and the first that succeeds', () => {
  const first = noticeProbe(running, 'no answer', NOW);
  const second = noticeProbe(first.runtime, 'no answer', NOW);
  expect([...first.events, ...second.events].map(({ details }) => details.in_a_row)).toEqual([1, 2]);
  expect(healthOf(second.runtime)).toBe('probe_failed');
  const third = noticeProbe(second.runtime, null, NOW);
  expect(types(third)).toEqual(['probe_recovered']);
  expect(types(noticeProbe(third.runtime, null, NOW))).toEqual([]);
});

test('times rise from event to event, though the clock stands or steps back', () => {
  let runtime = running;
  const times: number[] = [];
  for (const now of [NOW, NOW, NOW - 60_000, NOW + 10]) {
    const notice = noticeProbe(runtime, 'no answer', now);
    runtime = notice.runtime;
    times.push(...notice.events.map(({ occurredAtMs }) => occurredAtMs));
  }
  expect(times).toEqual([NOW + 1, NOW + 2, NOW + 3, NOW + 10]);
});
