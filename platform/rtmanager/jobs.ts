/** Start and stop jobs from their streams: asyncapi.yaml. */
import { z } from 'zod';
import type { Logger } from '../service/logging';
import type { ServiceMetrics } from '../service/metrics';
import { MalformedEntry, type StreamEntry } from '../service/stream';
import { StreamConsumer } from '../service/stream-consumer';
import type { Memory } from './memory';
import type { Job, Runtimes } from './runtimes';

const job = {
  game_id: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'must be a game id'),
  requested_at_ms: z
    .string()
    .regex(/^\d{1,15}$/, 'must be a number of milliseconds')
    .transform(Number),
};
// What is wrong with an image is told as a result: whoever sent the job waits for one.
const startJob = z.strictObject({ ...job, image_ref: z.string() });
const stopJob = z.strictObject({
  ...job,
  requested_at_ms: job.requested_at_ms.optional(),
  reason: z.string().max(500).default('stop_job'),
});

/** Most of them may wait for images; how many engines come up at a time is `engine-starter.ts`'s to limit. */
const STARTS_IN_HAND = 512;
const STOPS_IN_HAND = 32;

interface JobFields {
  game_id: string;
  requested_at_ms?: number | undefined;
}

export interface JobConsumersOptions {
  runtimes: Runtimes;
  memory: Memory;
  redisUrl: string;
  group: string;
  streams: { startJobs: string; stopJobs: string };
  claimAfterMs: number;
  maxLength: number;
  log: Logger;
  metrics: Pick<ServiceMetrics, 'streamEntries'>;
}

/** Does jobs until `stopping` is aborted, those in hand to their end. Never rejects. */
export async function runJobConsumers(options: JobConsumersOptions, stopping: AbortSignal): Promise<void> {
  const { runtimes, memory, streams, ...rest } = options;
  const stop = async (entry: StreamEntry): Promise<void> => {
    const { reason, ...fields } = read(stopJob, entry);
    await runtimes.stopByJob(toJob(fields, streams.stopJobs, entry), reason);
  };
  /** The two streams are read side by side: what was asked for before a start may not have been done by then. */
  const stopBefore = async ({ gameId, requestedAtMs }: Job): Promise<void> => {
    for (const entry of await memory.unsettledJobs(streams.stopJobs, gameId)) {
      const { success, data } = stopJob.safeParse(entry.fields);
      if (success && toJob(data, streams.stopJobs, entry).requestedAtMs < requestedAtMs) await stop(entry);
    }
  };
  const consumer = (
    stream: string,
    handle: (entry: StreamEntry) => Promise<void>,
    concurrency: number,
  ): Promise<void> =>
    new StreamConsumer({ ...rest, stream, inOrderOf: 'game_id', handle, concurrency }).run(stopping);
  await Promise.all([
    consumer(
      streams.startJobs,
      async (entry) => {
        const { image_ref, ...fields } = read(startJob, entry);
        const job = toJob(fields, streams.startJobs, entry);
        await stopBefore(job);
        await runtimes.start(job, image_ref);
      },
      STARTS_IN_HAND,
    ),
    consumer(streams.stopJobs, stop, STOPS_IN_HAND),
  ]);
}

function read<T>(schema: z.ZodType<T>, { fields }: StreamEntry): T {
  const { success, data, error } = schema.safeParse(fields);
  if (success) return data;
  throw new MalformedEntry(
    error.issues
      .map(({ path, message }) => `${path.join('.')}: ${message}`)
      .join('; ')
      .slice(0, 500),
  );
}

/** A job that does not say when it was asked for was so when it was added: its id begins with that time. */
function toJob({ game_id, requested_at_ms }: JobFields, stream: string, { id }: StreamEntry): Job {
  return { gameId: game_id, requestedAtMs: requested_at_ms ?? Number.parseInt(id, 10), stream, entryId: id };
}
