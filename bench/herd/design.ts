import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import type { Engines } from './engines';
import type { Ground } from './ground';

/** One way to make the turns of a herd, ready to be measured. */
export interface Design {
  readonly name: string;
  /** The process that makes the turns. */
  readonly pid: number;
  readonly engines: Engines;
  /** Every turn adds one entry to each of these. */
  readonly streams: readonly string[];
  /** Sees to it that every game waits for `due` (epoch milliseconds), and proves it. Throws when one does not. */
  arm(due: number): Promise<void>;
  stop(): Promise<void>;
}

/** When the games of a design are due: at the multiples of the period, and so much later. Milliseconds. */
export interface Slot {
  periodMs: number;
  offsetMs: number;
}

const DIST = path.join(__dirname, '..', '..');

/** Starts a process of the build with the settings of a worker on this ground. */
export function startProcess(
  ground: Ground,
  design: string,
  script: string,
  options: { args?: string[]; cachedWorkflows?: number; profileFolder?: string | null } = {},
): ChildProcess {
  const { args = [], cachedWorkflows = 1_000, profileFolder = null } = options;
  const child = fork(path.join(DIST, script), args, {
    execArgv: profileFolder === null ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileFolder}`],
    env: {
      PATH: process.env['PATH'],
      GAMEMASTER_POSTGRES_DSN: ground.dsn,
      GAMEMASTER_REDIS_URL: ground.redisUrl,
      GAMEMASTER_TEMPORAL_ADDRESS: ground.temporalAddress,
      GAMEMASTER_TEMPORAL_TASK_QUEUE: taskQueueOf(ground, design),
      // No turn asks these two.
      GAMEMASTER_LOBBY_BASE_URL: 'http://127.0.0.1:1',
      GAMEMASTER_RTM_BASE_URL: 'http://127.0.0.1:1',
      GAMEMASTER_ENGINE_HOSTS: '127.0.0.1',
      GAMEMASTER_STREAM_LOBBY_EVENTS: `${ground.name}:${design}:events`,
      GAMEMASTER_STREAM_NOTIFICATION_INTENTS: `${ground.name}:${design}:intents`,
      GAMEMASTER_STREAM_HEALTH_EVENTS: `${ground.name}:${design}:health`,
      GAMEMASTER_STREAM_MAX_LENGTH: '1000000',
      GAMEMASTER_LOG_LEVEL: 'warn',
      GAMEMASTER_WORKER_CACHED_WORKFLOWS: cachedWorkflows.toString(),
    },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  child.once('exit', (code, signal) => {
    if (code !== 0) console.error(`the ${design} process ended with ${String(code ?? signal)}`);
  });
  return child;
}

export function taskQueueOf(ground: Ground, design: string): string {
  return `${ground.name}-${design}`;
}

export async function stopProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  await ended;
}

export function pidOf(child: ChildProcess): number {
  if (child.pid === undefined) throw new Error('the process did not start');
  return child.pid;
}

/** Does `work` for every item, a few at a time. */
export async function forEach<Item>(
  items: readonly Item[],
  atATime: number,
  work: (item: Item, index: number) => Promise<void>,
): Promise<void> {
  const waiting = items.entries();
  const next = async (): Promise<void> => {
    for (const [index, item] of waiting) await work(item, index);
  };
  await Promise.all(Array.from({ length: atATime }, next));
}
