import { ApplicationFailure, WorkflowUpdateFailedError, type Client } from '@temporalio/client';
import { LifecycleCalls } from '../../../api/lifecycle-calls';
import { hashOfRequest } from '../../../api/request-hash';
import type { EngineVersionStore } from '../../../stores/engine-versions';
import { StoreUnavailable } from '../../../stores/errors';
import type { OperationLogStore } from '../../../stores/operation-log';
import type { RuntimeRecordStore } from '../../../stores/runtime-records';

/** Calls on a running game that takes each once `accepted` is settled, and answers as `result` does. */
function callsTo({
  accepted = Promise.resolve(),
  result = () => new Promise<unknown>(() => undefined),
} = {}) {
  const handle = { result };
  const within = (_deadline: number, work: () => unknown) => work();
  const temporal = {
    withDeadline: within,
    workflow: {
      withDeadline: within,
      getHandle: () => ({ startUpdate: () => accepted.then(() => handle) }),
    },
  } as unknown as Client;
  const records = {
    find: () => Promise.resolve({ status: 'running', currentTurn: 1 }),
  } as unknown as RuntimeRecordStore;
  const findByKey = jest.fn().mockResolvedValue(null);
  const operations = { findByKey } as unknown as OperationLogStore;
  const versions = {} as unknown as EngineVersionStore;
  const options = { temporal, taskQueue: 'test', records, versions, operations, waitMs: 60_000 };
  return { calls: new LifecycleCalls(options), findByKey };
}

const FORCE = { gameId: 'orion', body: {}, key: 'k', keyGiven: true, source: null, actor: null };

test.each(['before', 'after'])('a call that is taken %s waits are ended is let go', async (when) => {
  let accept!: () => void;
  const { calls } = callsTo({ accepted: new Promise((resolve) => (accept = resolve)) });
  const call = calls.force(FORCE);
  if (when === 'before') accept();
  await new Promise(setImmediate);
  calls.endWaits();
  accept();
  await expect(call).rejects.toMatchObject({
    code: 'service_unavailable',
    message: 'still running, repeat with the same Idempotency-Key',
  });
});

test('a store that goes away under a call is no sign that it changed nothing', async () => {
  const { calls, findByKey } = callsTo({
    result: () => Promise.resolve({ hash: hashOfRequest('force', {}) }),
  });
  findByKey.mockResolvedValueOnce(null).mockRejectedValueOnce(new StoreUnavailable('away'));
  await expect(calls.force(FORCE)).rejects.toMatchObject({
    code: 'service_unavailable',
    message: expect.stringContaining('repeat with the same Idempotency-Key') as string,
  });
});

test('a store that was away before says so, and that is all', async () => {
  const { calls, findByKey } = callsTo();
  const away = new StoreUnavailable('away');
  findByKey.mockRejectedValueOnce(away);
  await expect(calls.force(FORCE)).rejects.toBe(away);
});

test('a turn that is on record, and that the game has not heard of for long, is no conflict', async () => {
  const turn = ApplicationFailure.create({ type: 'conflict', details: [{ turn: 1 }] });
  const refused = new WorkflowUpdateFailedError('refused', turn);
  const { calls } = callsTo({ result: () => Promise.reject(refused) });
  await expect(calls.force(FORCE)).rejects.toMatchObject({ code: 'service_unavailable' });
});
