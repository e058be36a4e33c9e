import { EngineClient } from '../clients/engine';
import { namesLoopback } from '../clients/engine-address';
import { EventStreams } from '../clients/event-streams';
import { RuntimeManagerClient } from '../clients/runtime-manager';
import type { TraceCall } from '../clients/trace-call';
import type { ActivitiesDeps } from '../activities';
import { gameLogger, type Logger } from '../config/logging';
import type { Metrics } from '../config/telemetry';
import type { WorkerConfig } from '../config/worker';
import { OperationLogStore } from '../stores/operation-log';
import { OutboxStore } from '../stores/outbox';
import { PlayerMappingStore } from '../stores/player-mappings';
import type { Database } from '../stores/postgres';
import { RuntimeRecordStore } from '../stores/runtime-records';

/** Redis may hold up a write by no more than this. */
const REDIS_COMMAND_TIMEOUT_MS = 500;

export interface Neighbours {
  deps: ActivitiesDeps;
  streams: EventStreams;
  close(): Promise<void>;
}

/** Everything the activities work with: stores on one pool, a client for each neighbour, what is counted. */
export function openNeighbours(
  config: WorkerConfig,
  database: Database,
  log: Logger,
  metrics: Metrics,
  trace?: TraceCall,
): Neighbours {
  const engine = new EngineClient({
    turnTimeoutMs: config.engine.turnTimeoutMs,
    adminTimeoutMs: config.engine.adminTimeoutMs,
    allowLoopback: namesLoopback(config.engineHosts),
    onCall: (operation, outcome, seconds) => metrics.engineCalls.observe({ operation, outcome }, seconds),
    ...(trace && { trace }),
  });
  const runtimeManager = new RuntimeManagerClient({
    baseUrl: config.rtmBaseUrl,
    timeoutMs: config.rtmTimeoutMs,
  });
  const streams = new EventStreams({
    url: config.redisUrl,
    maxLength: config.streams.maxLength,
    commandTimeoutMs: REDIS_COMMAND_TIMEOUT_MS,
    onError: (error) => log.warn({ err: error }, 'redis connection failed'),
  });
  const deps: ActivitiesDeps = {
    engine,
    runtimeManager,
    streams,
    records: new RuntimeRecordStore(database),
    mappings: new PlayerMappingStore(database),
    operations: new OperationLogStore(database),
    outbox: new OutboxStore(database),
    streamNames: config.streams,
    tickSpreadMs: config.tickSpreadMs,
    turnAttempts: config.engine.turnAttempts,
    turnDeadlineMs: config.engine.turnDeadlineMs,
    engineHonoursIfMatch: config.engine.ifMatch,
    onFlushPostponed: (gameId, error) =>
      gameLogger(log, gameId).warn({ err: error }, 'events wait in the outbox'),
    onOperation: (kind, code) => metrics.operations.inc({ kind, code }),
    onTick: ({ lateMs, missed }) => {
      metrics.tickLateness.observe(Math.max(0, lateMs) / 1000);
      metrics.ticksMissed.inc(missed);
    },
    onTurn: ({ trigger, outcome, durationMs }) => {
      metrics.turns.inc({ trigger, outcome });
      metrics.turnDuration.observe({ trigger, outcome }, durationMs / 1000);
    },
  };
  return {
    deps,
    streams,
    async close() {
      streams.close();
      await Promise.all([engine.close(), runtimeManager.close()]);
    },
  };
}
