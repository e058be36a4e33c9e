import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { WithStartWorkflowOperation } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import type { Worker } from '@temporalio/worker';
import { Redis } from 'ioredis';
import { Pool } from 'pg';
import { createActivities } from '../../activities';
import { createLogger } from '../../config/logging';
import { createMetrics, type Metrics } from '../../config/telemetry';
import { loadWorkerConfig, type WorkerConfig } from '../../config/worker';
import { EngineVersionStore } from '../../stores/engine-versions';
import { migrate } from '../../stores/migrate';
import { openDatabase, type Database } from '../../stores/postgres';
import { openNeighbours, type Neighbours } from '../../worker/activity-deps';
import { createGameWorker } from '../../worker/game-worker';
import { addSearchAttributes } from '../../worker/search-attributes';
import {
  forceSignal,
  GAME_WORKFLOW_TYPE,
  gameWorkflowId,
  registerUpdate,
  stateQuery,
  type Call,
  type GameInput,
  type RegisterBody,
} from '../../workflows/messages';
import type { GameState } from '../../workflows/state';
import { freshDatabase, freshGameId, freshKeyPrefix, freshTaskQueue, stackAddresses } from './stack';
import { timeSkippingEnvironment } from './temporal';
import type { TestEngine } from './test-engine';
import { waitFor } from './wait-for';

/** What `npm run build` has bundled. */
export const BUILT_WORKFLOWS = { codePath: path.join(__dirname, '../../dist/worker/workflow-bundle.js') };
export const BUILT_TRACED_WORKFLOWS = {
  codePath: path.join(__dirname, '../../dist/worker/workflow-bundle-traced.js'),
};

export const DAILY = '0 0 * * *';
export const DAY_MS = 86_400_000;

interface LoggedOperation {
  kind: string;
  outcome: string;
  started_at: Date;
}

/**
 * Game Master under a clock that skips: the built workflows and the real activities in this process, on a database
 * and streams of its own. Only Temporal is the time-skipping test server. Its clock begins now, and jumps only while
 * `environment.sleep` or a workflow's result is awaited; otherwise it runs as every clock does.
 */
export class SkippingGameMaster {
  private worker: { running: Promise<void>; worker: Worker } | null = null;

  private constructor(
    readonly environment: TestWorkflowEnvironment,
    readonly metrics: Metrics,
    readonly config: WorkerConfig,
    private readonly database: Database,
    private readonly neighbours: Neighbours,
    private readonly pool: Pool,
    private readonly redis: Redis,
    private readonly dropDatabase: () => Promise<void>,
  ) {}

  static async start(env: Record<string, string> = {}): Promise<SkippingGameMaster> {
    const environment = await timeSkippingEnvironment();
    try {
      return await SkippingGameMaster.startUnder(environment, env);
    } catch (error) {
      // Nobody else knows of the server.
      await environment.teardown();
      throw error;
    }
  }

  private static async startUnder(
    environment: TestWorkflowEnvironment,
    env: Record<string, string>,
  ): Promise<SkippingGameMaster> {
    const { redisUrl } = stackAddresses();
    const fresh = await freshDatabase();
    await migrate(fresh.dsn, { info: ignore, warn: ignore, error: ignore });
    // The test server cannot list attributes, so the worker's own way of registering them does not work on it.
    await addSearchAttributes(environment.connection, 'default');
    const prefix = freshKeyPrefix();
    const config = loadWorkerConfig({
      GAMEMASTER_POSTGRES_DSN: fresh.dsn,
      GAMEMASTER_REDIS_URL: redisUrl,
      GAMEMASTER_TEMPORAL_ADDRESS: environment.address,
      GAMEMASTER_TEMPORAL_TASK_QUEUE: freshTaskQueue(),
      GAMEMASTER_LOBBY_BASE_URL: 'http://127.0.0.1:1',
      GAMEMASTER_RTM_BASE_URL: 'http://127.0.0.1:1',
      GAMEMASTER_ENGINE_HOSTS: '127.0.0.1',
      GAMEMASTER_STREAM_LOBBY_EVENTS: `${prefix}lobby_events`,
      GAMEMASTER_STREAM_NOTIFICATION_INTENTS: `${prefix}intents`,
      GAMEMASTER_STREAM_HEALTH_EVENTS: `${prefix}health_events`,
      ...env,
    });
    const log = createLogger({ level: 'fatal', name: 'test' });
    const metrics = createMetrics('worker');
    const database = openDatabase({ ...config.postgres, applicationName: 'test', onPoolError: ignore });
    const neighbours = openNeighbours(config, database, log, metrics);
    neighbours.streams.connect();
    await new EngineVersionStore(database).create({ version: '1.0.0', imageRef: 'galaxy/game:1.0.0' });
    const gameMaster = new SkippingGameMaster(
      environment,
      metrics,
      config,
      database,
      neighbours,
      new Pool({ connectionString: fresh.dsn, max: 2 }),
      new Redis(redisUrl),
      fresh.drop,
    );
    await gameMaster.startWorker();
    return gameMaster;
  }

  async startWorker(): Promise<void> {
    const worker = await createGameWorker({
      connection: this.environment.nativeConnection,
      namespace: 'default',
      taskQueue: this.config.temporal.taskQueue,
      activities: createActivities(this.neighbours.deps),
      maxActivities: 10,
      maxCachedWorkflows: 100,
      shutdownGraceMs: 1_000,
      shutdownForceMs: 2_000,
      buildId: null,
      workflowBundle: BUILT_WORKFLOWS,
    });
    this.worker = { worker, running: worker.run() };
  }

  async stopWorker(): Promise<void> {
    if (this.worker === null) return;
    this.worker.worker.shutdown();
    await this.worker.running;
    this.worker = null;
  }

  /** A registered game on this engine; returns its id. */
  async running(
    engine: Pick<TestEngine, 'endpoint'>,
    changes: Partial<RegisterBody> = {},
    gameId = freshGameId(),
  ): Promise<string> {
    const body: RegisterBody = {
      engine_endpoint: engine.endpoint,
      members: [
        { user_id: 'ann', race_name: 'Aelinari' },
        { user_id: 'bob', race_name: 'Borg' },
      ],
      target_engine_version: '1.0.0',
      turn_schedule: DAILY,
      ...changes,
    };
    const call: Call<RegisterBody> = {
      body,
      key: randomUUID(),
      hash: 'test',
      source: 'lobby',
      actor: null,
      accept_before: new Date((await this.now()) + 60_000).toISOString(),
    };
    const start = new WithStartWorkflowOperation<(input: GameInput) => Promise<string>>(GAME_WORKFLOW_TYPE, {
      workflowId: gameWorkflowId(gameId),
      taskQueue: this.config.temporal.taskQueue,
      workflowIdConflictPolicy: 'USE_EXISTING',
      args: [{ gameId }],
    });
    await this.environment.client.workflow.executeUpdateWithStart(registerUpdate, {
      startWorkflowOperation: start,
      args: [call],
    });
    return gameId;
  }

  now(): Promise<number> {
    return this.environment.currentTimeMs();
  }

  /** Jumps to this instant; all that is due on the way happens. */
  async skipTo(instant: number): Promise<void> {
    await this.environment.sleep(instant - (await this.now()));
  }

  workflow(gameId: string, runId?: string) {
    return this.environment.client.workflow.getHandle(gameWorkflowId(gameId), runId);
  }

  async state(gameId: string): Promise<GameState> {
    const state = await this.workflow(gameId).query(stateQuery);
    if (state === null) throw new Error(`${gameId} is not registered`);
    return state;
  }

  /** Forces a turn and waits until it is over. */
  async force(gameId: string): Promise<LoggedOperation> {
    const before = (await this.operations(gameId, 'force')).length;
    await this.workflow(gameId).signal(forceSignal, {});
    return waitFor(
      async () => {
        const forced = (await this.operations(gameId, 'force'))[before];
        // The log has the turn a moment before the workflow knows of it.
        return forced && (await this.state(gameId)).status !== 'generation_in_progress' && forced;
      },
      { describe: `a forced turn of ${gameId} to be over` },
    );
  }

  /** Rows of the game's operation log of one kind, oldest first. */
  async operations(gameId: string, kind: string): Promise<LoggedOperation[]> {
    const { rows } = await this.pool.query<LoggedOperation>(
      `SELECT kind, outcome, started_at FROM gamemaster.operation_log
       WHERE game_id = $1 AND kind = $2 ORDER BY position`,
      [gameId, kind],
    );
    return rows;
  }

  async count(table: 'runtime_records' | 'operation_log' | 'outbox', gameId: string): Promise<number> {
    const { rowCount } = await this.pool.query(`SELECT 1 FROM gamemaster.${table} WHERE game_id = $1`, [
      gameId,
    ]);
    return rowCount ?? 0;
  }

  /** What was published about games, oldest first. */
  async events(stream: 'lobbyEvents' | 'notificationIntents'): Promise<Record<string, unknown>[]> {
    const entries = await this.redis.xrange(this.config.streams[stream], '-', '+');
    return entries.map(([, fields]) => {
      const payload = fields[fields.indexOf('payload') + 1] ?? '';
      return JSON.parse(payload) as Record<string, unknown>;
    });
  }

  async stop(): Promise<void> {
    await this.stopWorker();
    await this.environment.teardown();
    await this.neighbours.close();
    await this.database.close();
    await this.pool.end();
    this.redis.disconnect();
    await this.dropDatabase();
  }
}

function ignore(): void {
  // Nothing that the tests look at.
}
