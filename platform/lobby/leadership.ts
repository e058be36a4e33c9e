import { Socket } from 'node:net';
import { Client } from 'pg';
import type { Logger } from '../service/logging';
import { pause } from '../service/pause';

/** Names the lock in Postgres; any number that nothing else takes. */
const LOCK = 7_233_094;
const TRY_AGAIN_MS = 500;
const CHECK_MS = 1_000;
const TIMEOUT_MS = 2_000;
/** After this much silence Postgres ends the session of the lock: more than a leader ever lets pass between two checks. */
const SILENCE_MS = 4_000;

export interface LeadershipOptions {
  dsn: string;
  log: Logger;
  /** What only one process may do at a time. Ends soon after its signal is aborted. Never rejects. */
  work: (leading: AbortSignal) => Promise<void>;
}

/**
 * Does the work while this process is the one that holds the lock: streams are read and written, and tasks done, by one
 * process, so that they keep their order. The lock belongs to a connection: when its process dies Postgres gives it to
 * the next one at once, and soon when the process hangs or its machine is gone. A process that wakes up after that may do
 * one more thing before it finds out: what it reads has a position, and what it sends or asks is a repetition, or older
 * than what was sent since, as its receivers can tell. Runs until `stopping` is aborted. Never rejects.
 */
export async function lead({ dsn, log, work }: LeadershipOptions, stopping: AbortSignal): Promise<void> {
  let wasTold = false;
  while (!stopping.aborted) {
    const lost = new AbortController();
    const socket = new Socket();
    const client = new Client({
      connectionString: dsn,
      application_name: 'lobby-leadership',
      connectionTimeoutMillis: TIMEOUT_MS,
      query_timeout: TIMEOUT_MS,
      keepAlive: true,
      stream: () => socket,
    });
    client.on('error', () => lost.abort());
    client.on('end', () => lost.abort());
    try {
      await client.connect();
      await client.query(`SET idle_session_timeout = ${SILENCE_MS}`);
      if (await untilLocked(client, stopping)) {
        log.info('leading');
        const leading = AbortSignal.any([stopping, lost.signal]);
        const working = work(leading);
        await untilLost(client, leading).catch(() => lost.abort());
        await working;
        wasTold = false;
      }
    } catch (error) {
      if (!wasTold) log.warn({ err: error }, 'no lock can be had from postgres, trying until it can');
      wasTold = true;
      await pause(TRY_AGAIN_MS, stopping);
    } finally {
      await Promise.race([client.end().catch(() => undefined), pause(TRY_AGAIN_MS, lost.signal)]);
      // A server that has gone silent does not say goodbye.
      socket.destroy();
    }
  }
}

/** Returns whether the lock is held: false when the wait was ended. */
async function untilLocked(client: Client, stopping: AbortSignal): Promise<boolean> {
  while (!stopping.aborted) {
    const { rows } = await client.query<{ held: boolean }>('SELECT pg_try_advisory_lock($1) AS held', [LOCK]);
    if (rows[0]?.held === true) return true;
    await pause(TRY_AGAIN_MS, stopping);
  }
  return false;
}

/** Resolves when `leading` is aborted. @throws when the connection is gone, and the lock with it */
async function untilLost(client: Client, leading: AbortSignal): Promise<void> {
  while (!leading.aborted) {
    await client.query('SELECT 1');
    await pause(CHECK_MS, leading);
  }
}
