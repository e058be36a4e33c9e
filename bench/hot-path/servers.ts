import { execFileSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { freePort } from '../../tools/stack';
import type { Reaper } from '../../tools/stack/reaper';
import { ServerProcess } from '../../tools/stack/server';

const DIST = path.resolve(__dirname, '..', '..');

export interface Running {
  port: number;
  process: ServerProcess;
}

interface Place {
  /** For data and logs. */
  folder: string;
  reaper: Reaper;
}

/** The reference engine with these races, as a process of its own. */
export async function startEngine(place: Place, raceNames: readonly string[]): Promise<Running> {
  const port = await freePort();
  const engine = await start(place, 'engine', port, '/healthz', ['platform/engine/main.js'], {
    ENGINE_DATA_DIR: path.join(place.folder, 'engine-data'),
    ENGINE_HTTP_ADDR: `127.0.0.1:${port}`,
    ENGINE_FSYNC: 'false',
  });
  const { status } = await fetch(`http://127.0.0.1:${port}/api/v1/admin/init`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ races: raceNames.map((race_name) => ({ race_name })) }),
  });
  if (status !== 200) throw new Error(`the engine answered its initialisation with ${status}`);
  return engine;
}

export async function startBareProxy(place: Place, upstream: number): Promise<Running> {
  const port = await freePort();
  const args = ['bench/hot-path/bare-proxy-process.js', `${port}`, `http://127.0.0.1:${upstream}`];
  return start(place, 'bare-proxy', port, '/healthz', args, { NODE_ENV: 'production' });
}

/** The api process with all that it does by default, its log in a file, its metrics served. */
export async function startGameMaster(
  place: Place,
  env: Record<string, string>,
  profileFolder: string | null,
): Promise<Running> {
  const port = await freePort();
  const profile =
    profileFolder === null ? [] : ['--cpu-prof', `--cpu-prof-dir=${path.resolve(profileFolder)}`];
  return start(place, 'game-master', port, '/readyz', [...profile, 'api/main.js'], {
    NODE_ENV: 'production',
    GAMEMASTER_HTTP_ADDR: `127.0.0.1:${port}`,
    GAMEMASTER_METRICS_ADDR: `127.0.0.1:${await freePort()}`,
    ...env,
  });
}

/** nginx with one worker, as a plain proxy over kept-alive connections; null where it is not installed. */
export async function startNginx(place: Place, upstream: number): Promise<Running | null> {
  try {
    execFileSync('nginx', ['-v'], { stdio: 'ignore' });
  } catch {
    return null;
  }
  const port = await freePort();
  const folder = path.join(place.folder, 'nginx');
  await mkdir(folder, { recursive: true });
  const config = path.join(folder, 'nginx.conf');
  await writeFile(config, nginxConfig(folder, port, upstream));
  const launch = { command: 'nginx', args: ['-p', folder, '-c', config] };
  return launched(place, 'nginx', port, '/healthz', launch, {});
}

function nginxConfig(folder: string, port: number, upstream: number): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((kind) => `${kind}_temp_path ${folder}/${kind};`)
    .join(' ');
  return `
    daemon off; master_process off; worker_processes 1; pid ${folder}/pid; error_log ${folder}/error.log;
    events { worker_connections 1024; }
    http {
      access_log off; ${temporary}
      upstream engine { server 127.0.0.1:${upstream}; keepalive 64; }
      server {
        listen 127.0.0.1:${port}; keepalive_requests 1000000000;
        location / { proxy_pass http://engine; proxy_http_version 1.1; proxy_set_header Connection ""; }
      }
    }`;
}

function start(
  place: Place,
  name: string,
  port: number,
  readyPath: string,
  args: string[],
  env: Record<string, string>,
): Promise<Running> {
  const script = args.map((arg) => (arg.endsWith('.js') ? path.join(DIST, arg) : arg));
  return launched(place, name, port, readyPath, { command: process.execPath, args: script }, env);
}

async function launched(
  { folder, reaper }: Place,
  name: string,
  port: number,
  readyPath: string,
  { command, args }: { command: string; args: string[] },
  env: Record<string, string>,
): Promise<Running> {
  const server = new ServerProcess(
    {
      name,
      command,
      args,
      cwd: folder,
      env,
      logFile: path.join(folder, name, 'server.log'),
      stopSignal: 'SIGTERM',
      check: async () => {
        const { ok, status } = await fetch(`http://127.0.0.1:${port}${readyPath}`, {
          signal: AbortSignal.timeout(2_000),
        });
        if (!ok) throw new Error(`it answers ${status}`);
      },
    },
    reaper,
  );
  await server.start();
  return { port, process: server };
}
