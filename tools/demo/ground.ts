import { Client, Connection } from '@temporalio/client';
import { Redis } from 'ioredis';
import path from 'node:path';
import { gameWorkflowId } from '../../workflows/messages';
import { createDatabase, dropDatabase, startStack, type Stack } from '../stack';
import { claimPort } from '../stack/ports';
import { Reaper } from '../stack/reaper';
import type { ServerProcess } from '../stack/server';
import { OWN_NAMES, sharedNames, type Names } from './names';
import { programProcess, type AtEnd } from './program-process';

/** How long the processes may take to end: Ctrl-C is to take a few seconds. */
export const SHUTDOWN_TIMEOUT = '4s';

/** A service of the demo, and what is set for it beside its address. */
export interface ServiceProgram {
  /** As a sentence begins with it. */
  name: string;
  /** Below the demo's own, for its log. */
  folder: string;
  /** Below `dist/`. */
  script: string;
  /** The variable that tells it where to listen. */
  addressVariable: string;
  port: number;
  env: Record<string, string>;
}

/** What both ways of playing stand on: servers, and processes that end with the demo. */
export class Ground {
  /** Games that are played: on servers that go on after the demo they are ended. */
  readonly gameIds: string[] = [];
  readonly reaper = new Reaper();
  readonly #processes: ServerProcess[] = [];

  private constructor(
    readonly stack: Stack,
    readonly names: Names,
    readonly postgresDsn: string,
    readonly say: (line: string) => void,
    readonly atEnd: AtEnd,
  ) {
    atEnd(() => this.reaper.close());
  }

  /** @throws Error saying what failed; `atEnd` has been told of everything that was started till then */
  static async prepare(say: (line: string) => void, atEnd: AtEnd): Promise<Ground> {
    say('Starting Temporal, Postgres and Redis');
    const stack = await startStack({ log: (line) => say(`  ${line}`) });
    atEnd(() => stack.stop());
    const ownServers = [stack.temporal, stack.postgres, stack.redis].every(
      ({ server }) => server !== undefined,
    );
    const names = ownServers ? OWN_NAMES : sharedNames();
    const { dsn } = stack.postgres;
    const { database } = names;
    const postgresDsn = database === null ? dsn : await createDatabase(dsn, database);
    if (database !== null) atEnd(() => dropDatabase(dsn, database));
    const ground = new Ground(stack, names, postgresDsn, say, atEnd);
    if (names.mark !== null) atEnd(() => ground.#leaveServersAsFound(`*${names.mark}*`));
    return ground;
  }

  /** Folder with the log of each process. */
  get dataDir(): string {
    return this.stack.dataDir;
  }

  /** Page of the Temporal UI that lists the games; undefined where the server did not say where its UI is. */
  get gamesPage(): string | undefined {
    const { uiUrl } = this.stack.temporal;
    const query = `WorkflowType="game" AND TaskQueue="${this.names.taskQueue}"`;
    return uiUrl && `${uiUrl}/namespaces/default/workflows?query=${encodeURIComponent(query)}`;
  }

  /** A free port, the usual one where that is free. */
  async port(usual?: number): Promise<number> {
    const port = await claimPort(usual);
    this.atEnd(() => port.release());
    return port.number;
  }

  /** Starts programs side by side, and resolves when all are ready. They are ended side by side as well. */
  async start(...programs: ServiceProgram[]): Promise<void> {
    const processes = programs.map(({ name, folder, script, addressVariable, port, env }) =>
      programProcess(
        {
          name,
          script,
          env: { ...env, [addressVariable]: `127.0.0.1:${port}` },
          folder: path.join(this.dataDir, folder),
          readyUrl: `http://127.0.0.1:${port}/readyz`,
        },
        this.reaper,
      ),
    );
    this.#processes.push(...processes);
    this.atEnd(async () => {
      await Promise.all(processes.map((process) => process.stop()));
    });
    await Promise.all(processes.map((process) => process.start()));
  }

  /** A line for each process that has ended and should not have. */
  troubles(): string[] {
    return this.#processes
      .filter(({ pid }) => pid === undefined)
      .map(({ name }) => `${name} has ended: see its server.log below ${this.dataDir}`);
  }

  /** Ends the games, and removes what was put into Redis. */
  async #leaveServersAsFound(keys: string): Promise<void> {
    const connection = await Connection.connect({
      address: this.stack.temporal.address,
      connectTimeout: 2_000,
    });
    const { workflow } = new Client({ connection });
    await Promise.all(
      this.gameIds.map((gameId) =>
        // One that has finished cannot be terminated.
        workflow
          .getHandle(gameWorkflowId(gameId))
          .terminate('the demo is over')
          .catch(() => undefined),
      ),
    );
    await connection.close();
    const redis = new Redis(this.stack.redis.url);
    try {
      for await (const found of redis.scanStream({ match: keys, count: 1_000 })) {
        if ((found as string[]).length > 0) await redis.del(found as string[]);
      }
    } finally {
      redis.disconnect();
    }
  }
}
