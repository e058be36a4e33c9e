/**
 * How much Game Master's hot path costs: `node dist/bench/hot-path/main.js`. The same commands go to the engine
 * directly, through a bare Fastify proxy, through nginx where it is installed, and through Game Master with everything
 * on. docs/performance-hot-path.md says what came out and how to read it.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { migrate } from '../../stores/migrate';
import { openDatabase } from '../../stores/postgres';
import { createDatabase, dropDatabase, startStack } from '../../tools/stack';
import { Reaper } from '../../tools/stack/reaper';
import type { Load, Work } from './load-process';
import { readOptions, USAGE, type HotPathOptions } from './options';
import { insertGames, makePlayers, requestToEngine, requestToGameMaster, type Player } from './players';
import { BASELINE, roundLine, table, type Round } from './report';
import { startBareProxy, startEngine, startGameMaster, startNginx, type Running } from './servers';

interface Candidate {
  name: string;
  server: Running;
  requests: string[];
}

/** Answers before anything counts: once, until the code of each server is compiled as far as it will be, and each time. */
const FIRST_WARM_UP = 30_000;
const WARM_UP = 500;

async function run(options: HotPathOptions): Promise<void> {
  const cleanUps: (() => Promise<unknown>)[] = [];
  try {
    const candidates = await prepare(options, (cleanUp) => cleanUps.push(cleanUp));
    const load = fork(path.join(__dirname, 'load-process.js'));
    cleanUps.push(() => endOf(load));

    console.log('warming up');
    for (const candidate of candidates) await measure(load, candidate, 1, FIRST_WARM_UP);
    const rounds: Round[] = [];
    for (let number = 1; number <= options.rounds; number += 1) {
      console.log(`round ${number} of ${options.rounds}`);
      const round = new Map<string, Load & { cpuMicros: number }>();
      for (let place = 0; place < candidates.length; place += 1) {
        // Nobody is always the first, or always after the same one.
        const candidate = candidates[(place + number) % candidates.length];
        if (candidate === undefined) continue;
        const measured = await measure(load, candidate, options.seconds);
        console.log(roundLine(candidate.name, measured));
        round.set(candidate.name, measured);
      }
      rounds.push(new Map(candidates.flatMap(({ name }) => [[name, round.get(name) as never]])));
    }
    console.log(
      `\n${options.connections} connections, ${options.bodyBytes} bytes, medians of ${rounds.length} rounds\n`,
    );
    console.log(table(rounds));
  } finally {
    for (const cleanUp of cleanUps.reverse()) await cleanUp();
  }
}

async function prepare(
  options: HotPathOptions,
  atEnd: (cleanUp: () => Promise<unknown>) => void,
): Promise<Candidate[]> {
  const players = makePlayers(options.connections);
  const stack = await startStack({ components: ['postgres'], log: console.log });
  atEnd(() => stack.stop());
  const name = `hot_path_${process.pid}`;
  const dsn = await createDatabase(stack.postgres.dsn, name);
  atEnd(() => dropDatabase(stack.postgres.dsn, name));
  await migrate(dsn, { info: ignore, warn: console.warn, error: console.error });

  const reaper = new Reaper();
  atEnd(() => reaper.close());
  const place = { folder: stack.dataDir, reaper };
  const keep = (server: Running): Running => {
    atEnd(() => server.process.stop());
    return server;
  };
  const engine = keep(
    await startEngine(
      place,
      players.map(({ raceName }) => raceName),
    ),
  );
  await fill(dsn, players, `http://127.0.0.1:${engine.port}`);
  const bare = keep(await startBareProxy(place, engine.port));
  const nginx = await startNginx(place, engine.port);
  if (nginx === null) console.log('nginx is not installed: it is left out');
  else keep(nginx);
  const lobby = await startLobby(players);
  atEnd(() => lobby.close());
  const gameMaster = keep(
    await startGameMaster(
      place,
      {
        GAMEMASTER_POSTGRES_DSN: dsn,
        // The hot path does not need it.
        GAMEMASTER_TEMPORAL_ADDRESS: '127.0.0.1:1',
        GAMEMASTER_LOBBY_BASE_URL: lobby.baseUrl,
        GAMEMASTER_RTM_BASE_URL: lobby.baseUrl,
        GAMEMASTER_ENGINE_HOSTS: '127.0.0.1',
      },
      options.profileFolder,
    ),
  );

  const toEngine = players.map((player) => requestToEngine(player, options.bodyBytes));
  const toGameMaster = players.map((player) => requestToGameMaster(player, options.bodyBytes));
  return [
    { name: 'direct', server: engine, requests: toEngine },
    { name: BASELINE, server: bare, requests: toEngine },
    ...(nginx === null ? [] : [{ name: 'nginx', server: nginx, requests: toEngine }]),
    { name: 'Game Master', server: gameMaster, requests: toGameMaster },
  ];
}

async function fill(dsn: string, players: readonly Player[], endpoint: string): Promise<void> {
  const database = openDatabase({
    dsn,
    poolSize: 1,
    queryTimeoutMs: 30_000,
    connectTimeoutMs: 5_000,
    applicationName: 'bench',
    onPoolError: ignore,
  });
  await insertGames(database, players, endpoint);
  await database.close();
}

/** Lobby, for which every player is an active member. */
async function startLobby(
  players: readonly Player[],
): Promise<{ baseUrl: string; close: () => Promise<void> }> {
  const memberships = players.map(({ userId, raceName }) => ({
    user_id: userId,
    race_name: raceName,
    status: 'active',
  }));
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ memberships }));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** @throws Error when anything but a 2xx came back: it would be fast for the wrong reason */
async function measure(
  load: ChildProcess,
  { name, server, requests }: Candidate,
  seconds: number,
  warmUp = WARM_UP,
): Promise<Load & { cpuMicros: number }> {
  const work: Work = { port: server.port, requests, warmUp, measureMs: seconds * 1_000 };
  const cpuBefore = await cpuMs(server);
  load.send(work);
  const [result] = (await once(load, 'message')) as [Load];
  if (result.failures > 0) throw new Error(`${name} failed ${result.failures} times: ${result.firstFailure}`);
  const answers = warmUp + result.requestsPerSecond * seconds;
  return { ...result, cpuMicros: (((await cpuMs(server)) - cpuBefore) * 1_000) / answers };
}

/** CPU time that a process has used, from proc(5), in which a tick is 10 ms; NaN on systems that do not tell. */
async function cpuMs({ process: { pid } }: Running): Promise<number> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  const [user, system] = text
    .slice(text.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13);
  return (Number(user) + Number(system)) * 10;
}

async function endOf(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit');
  child.kill();
  await ended;
}

function ignore(): void {
  // Migrations that went well are nothing to tell.
}

async function main(): Promise<void> {
  let options: HotPathOptions;
  try {
    options = readOptions(process.argv.slice(2));
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
    process.exit(2);
  }
  await run(options);
}

void main();
