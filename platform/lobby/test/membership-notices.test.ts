import { Counter, Registry } from 'prom-client';
import { createLogger } from '../../service/logging';
import type { Game } from '../domain/game';
import { MembershipNotices } from '../operations/membership-notices';
import type { Queries } from '../stores/postgres';
import type { Task } from '../stores/tasks';

const log = createLogger({ level: 'silent', name: 'test' });
const notice: Task = {
  taskId: 7,
  gameId: 'orion',
  kind: 'invalidate',
  subject: 'x',
  attempts: 0,
  answered: 0,
};

/** Notices on a database that has one of them, and what they do to it and to Game Master. */
function setUp({ isHeard = true, isStored = true } = {}) {
  const done: string[] = [];
  const sent = new Counter({ name: 'sent', help: 'x', labelNames: ['outcome'], registers: [new Registry()] });
  const query = (text: string, values: readonly unknown[] = []): Promise<never[]> => {
    if (text.startsWith('INSERT')) {
      done.push('noted');
      return Promise.resolve([{ ...notice, gameId: values[0] }] as never[]);
    }
    if (!isStored) return Promise.reject(new Error('postgres is away'));
    done.push(`forgotten ${String(values[0])}`);
    return Promise.resolve([]);
  };
  const database: Queries = { query };
  const notices = new MembershipNotices({
    database,
    changes: {
      inGame: async (gameId, work) => {
        const result = await work(database, { gameId } as Game);
        done.push('committed');
        return result;
      },
    },
    gameMaster: {
      invalidateMemberships: (gameId, signal) => {
        done.push(`told of ${gameId}`);
        return isHeard && !signal?.aborted ? Promise.resolve() : Promise.reject(new Error('not now'));
      },
    },
    sent,
    log,
    overdueMs: 1_000,
  });
  const counts = async () =>
    (await sent.get()).values.map(({ labels, value }) => `${labels.outcome ?? ''} ${value}`);
  return { notices, done, counts };
}

test('a change is committed with its notice, then told, then the notice is forgotten', async () => {
  const { notices, done, counts } = setUp();
  expect(await notices.inGame('vega', () => Promise.resolve('done'))).toBe('done');
  expect(done).toEqual(['noted', 'committed', 'told of vega', 'forgotten 7']);
  expect(await counts()).toEqual(['success 1']);
});

test('a change that fails is told to nobody', async () => {
  const { notices, done } = setUp();
  await expect(notices.inGame('vega', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(done).toEqual([]);
});

test('a notice that is not heard is counted, and forgotten as well', async () => {
  const { notices, done, counts } = setUp({ isHeard: false });
  await notices.settle(notice);
  expect(done).toEqual(['told of orion', 'forgotten 7']);
  expect(await counts()).toEqual(['failure 1']);
});

test('a notice that cannot be forgotten takes nothing back', async () => {
  const { notices } = setUp({ isStored: false });
  expect(await notices.inGame('vega', () => Promise.resolve('done'))).toBe('done');
});

test('a notice that is broken off stays for whoever goes on', async () => {
  const { notices, done, counts } = setUp();
  await expect(notices.settle(notice, AbortSignal.abort())).rejects.toThrow('not now');
  expect(done).toEqual(['told of orion']);
  expect(await counts()).toEqual([]);
});
