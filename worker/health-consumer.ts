import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import type { Redis } from 'ioredis';
import { HealthStream, type HealthEntry } from '../clients/health-stream';
import { createRedis, renewIfSilent } from '../clients/redis';
import { gameLogger, type Logger } from '../config/logging';
import type { Metrics } from '../config/telemetry';
import { isLost } from '../domain/engine-health';
import {
  concernsGame,
  judge,
  MalformedHealthEvent,
  parseHealthEvent,
  type HealthEvent,
} from '../domain/health-events';
import { isTerminal } from '../domain/runtime-status';
import { HealthStateStore } from '../stores/health-state';
import type { RuntimeRecordStore } from '../stores/runtime-records';
import { gameWorkflowId, healthSignal, type HealthReport } from '../workflows/messages';

export interface HealthConsumerOptions {
  redisUrl: string;
  stream: string;
  /** The dead-letter stream keeps about this many entries. */
  maxLength: number;
  /** How many probes in a row have to fail. */
  probeThreshold: number;
  records: Pick<RuntimeRecordStore, 'find'>;
  temporal: Client;
  metrics: Pick<Metrics, 'healthEntries'>;
  log: Logger;
}

/**
 * What became of an entry:
 * - `signalled`: the game was told; `unchanged`: it says nothing new;
 * - `stale`: older than what was taken in, or of a container that was replaced; `duplicate`;
 * - `unknown_game`, `game_over`: nobody to tell;
 * - `malformed`: put aside on the dead-letter stream;
 * - `postponed`: Postgres, Temporal or Redis is away; it stays with the group and is taken up again.
 */
type Fate =
  | 'signalled'
  | 'unchanged'
  | 'stale'
  | 'duplicate'
  | 'unknown_game'
  | 'game_over'
  | 'malformed'
  | 'postponed';

/** Reading blocks the connection for a second; this much longer and Redis does not answer any more. */
const COMMAND_TIMEOUT_MS = 3_000;
const SIGNAL_TIMEOUT_MS = 2_000;
/** After a failure: entries wait meanwhile, and a neighbour that is away is not hammered. */
const PAUSE_MS = 500;
/** How long an entry waits here for an earlier one that another consumer has in hand, and how often it looks. */
const IN_HAND_MS = 1_000;
const LOOK_AGAIN_MS = 25;

/**
 * Reads what Runtime Manager reports of engines, and tells each game what has changed about its own. Any number of
 * consumers share the work; those of one game are settled in stream order, whoever has them. An entry is acknowledged
 * when its effect is durable: the game is signalled, then what is remembered is saved, then it is acknowledged. Where a
 * consumer dies in between another does it again, and the game ignores what it has heard.
 */
export class HealthConsumer {
  private readonly redis: Redis;
  private readonly entries: HealthStream;
  private readonly states: HealthStateStore;
  /** Whether the consumer group is known to be there. */
  private isOpen = false;

  constructor(private readonly options: HealthConsumerOptions) {
    const { redisUrl, stream, maxLength, log } = options;
    this.redis = createRedis({
      url: redisUrl,
      commandTimeoutMs: COMMAND_TIMEOUT_MS,
      onError: (error) => log.warn({ err: error }, 'redis connection of the health consumer failed'),
    });
    const consumer = `${hostname()}:${process.pid}:${randomUUID()}`;
    this.entries = new HealthStream({ redis: this.redis, stream, consumer, maxLength });
    this.states = new HealthStateStore(this.redis, stream);
  }

  /** Runs until `stopping` is aborted; what is being settled then is settled first. Never rejects. */
  async run(stopping: AbortSignal): Promise<void> {
    const { log } = this.options;
    // Where this fails it goes on trying by itself; what fails meanwhile is repeated below.
    await this.redis.connect().catch(() => undefined);
    let away = false;
    while (!stopping.aborted) {
      try {
        if (!this.isOpen) await this.entries.open();
        this.isOpen = true;
        const left = await this.settleAll(await this.entries.claim(), stopping);
        const fresh = await this.settleAll(await this.entries.read(), stopping);
        away = false;
        if (left && fresh) continue;
      } catch (error) {
        if (HealthStream.isGroupGone(error)) this.isOpen = false;
        renewIfSilent(this.redis, error);
        if (!away) log.warn({ err: error }, 'the health stream cannot be read, trying until it can');
        away = true;
      }
      await delay(PAUSE_MS, undefined, { signal: stopping }).catch(() => undefined);
    }
    await this.entries
      .leave()
      .catch((error: unknown) => log.warn({ err: error }, 'the health consumer could not leave its group'));
    this.redis.disconnect();
  }

  /** Settles the entries of each game in order, and games independently. Returns whether none has to wait. */
  private async settleAll(entries: readonly HealthEntry[], stopping: AbortSignal): Promise<boolean> {
    const games = new Map<string, HealthEntry[]>();
    for (const entry of entries) {
      const gameId = entry.fields['game_id'] ?? '';
      games.set(gameId, [...(games.get(gameId) ?? []), entry]);
    }
    const settled = await Promise.all(
      [...games.values()].map((ofGame) => this.settleInOrder(ofGame, stopping)),
    );
    return !settled.includes(false);
  }

  /** What comes after an entry that has to wait would make it stale, so that it waits too. */
  private async settleInOrder(entries: readonly HealthEntry[], stopping: AbortSignal): Promise<boolean> {
    const { metrics, log } = this.options;
    for (const entry of entries) {
      if (stopping.aborted) return true;
      try {
        metrics.healthEntries.inc({ fate: await this.settle(entry) });
      } catch (error) {
        metrics.healthEntries.inc({ fate: 'postponed' satisfies Fate });
        renewIfSilent(this.redis, error);
        gameLogger(log, entry.fields['game_id'] ?? '').warn(
          { err: error, entry_id: entry.id },
          'health entry has to wait',
        );
        return false;
      }
    }
    return true;
  }

  private async settle(entry: HealthEntry): Promise<Fate> {
    let event: HealthEvent;
    try {
      event = parseHealthEvent(entry.fields, Date.now());
    } catch (error) {
      if (!(error instanceof MalformedHealthEvent)) throw error;
      await this.entries.bury(entry, error.message);
      return 'malformed';
    }
    const fate = await this.takeIn(event, entry);
    await this.entries.acknowledge(entry);
    return fate;
  }

  private async takeIn(event: HealthEvent, entry: HealthEntry): Promise<Fate> {
    const { records, probeThreshold } = this.options;
    const { gameId } = event;
    const entryId = entry.id;
    const record = await records.find(gameId);
    if (record === null) return 'unknown_game';
    if (isTerminal(record.status)) return 'game_over';
    await this.untilFirst(entry, gameId);
    const { registrationId, engineHealth: recorded } = record;
    for (;;) {
      const found = await this.states.find(gameId);
      // Another registration is another game, with an engine of its own.
      const known = found?.registrationId === registrationId ? found : null;
      const judgement = judge(known, event, entryId, probeThreshold);
      if (judgement.fate !== 'news') return judgement.fate;
      const { says, watch } = judgement;
      const concerns = concernsGame(event, says, { told: known?.summary ?? null, recorded });
      if (concerns && !(await this.signal(event, { summary: says, entryId }))) return 'unknown_game';
      // Where another consumer took in an entry of the game meanwhile, this one is judged again by what it left.
      if (await this.states.save(gameId, found, { ...watch, registrationId })) {
        return concerns ? 'signalled' : 'unchanged';
      }
    }
  }

  /**
   * Waits while another consumer settles an earlier entry of the game: taken in before it, this one would make it
   * stale, and an engine's end could be lost behind a mere probe. Throws when that takes long: later both come to
   * whoever claims them, in order.
   */
  private async untilFirst(entry: HealthEntry, gameId: string): Promise<void> {
    for (let waited = 0; await this.entries.hasEarlier(entry, gameId); waited += LOOK_AGAIN_MS) {
      if (waited >= IN_HAND_MS) throw new Error('an earlier entry of the game is not settled');
      await delay(LOOK_AGAIN_MS);
    }
  }

  /** Tells the game. Returns whether there is a workflow of it. */
  private async signal(
    { gameId, occurredAtMs }: HealthEvent,
    { summary, entryId }: { summary: HealthReport['summary']; entryId: string },
  ): Promise<boolean> {
    const { temporal, log } = this.options;
    const report: HealthReport = {
      summary,
      lost: isLost(summary),
      occurred_at_ms: occurredAtMs,
      entry_id: entryId,
    };
    try {
      await temporal.withDeadline(Date.now() + SIGNAL_TIMEOUT_MS, () =>
        temporal.workflow.getHandle(gameWorkflowId(gameId)).signal(healthSignal, report),
      );
      return true;
    } catch (error) {
      if (!(error instanceof WorkflowNotFoundError)) throw error;
      gameLogger(log, gameId).error('the game has a record and no workflow');
      return false;
    }
  }
}
