import { performance } from 'node:perf_hooks';
import { waitFor } from '../../support/wait-for';
import { lonelyApp } from './lonely-app';

const BUSY_MS = 1_100;

/** Leaves nothing but a moment between two long pieces of work, until it is called off. */
function keepBusy(): () => void {
  const timer = setInterval(() => {
    const end = performance.now() + BUSY_MS;
    while (performance.now() < end);
  }, 1);
  return () => clearInterval(timer);
}

test('a process that is too busy says so, still answers its probes, and recovers', async () => {
  const lonely = await lonelyApp();
  const read = () => lonely.send({ url: '/api/v1/internal/runtimes/orion' });
  await waitFor(async () => (await read()).status === 503, { describe: 'the process to be at ease' });

  const stop = keepBusy();
  const [refused, probe] = await waitFor(
    async () => {
      const answers = await Promise.all([read(), lonely.send({ url: '/healthz' })]);
      return answers[0].status === 429 && answers;
    },
    { timeout: 40_000, describe: 'a refusal' },
  );
  stop();
  expect(JSON.parse(refused.body)).toEqual({
    error: { code: 'too_many_requests', message: 'this process is overloaded' },
  });
  expect(refused.headers['retry-after']).toBe('1');
  expect([probe.status, JSON.parse(probe.body)]).toEqual([200, { status: 'ok' }]);

  await waitFor(async () => (await read()).status === 503, { describe: 'the process to recover' });
  await lonely.close();
});
