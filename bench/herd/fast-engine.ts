/**
 * A process that is the engine of many games, each on a port of its own, and answers at once: state in memory, no
 * framework. It keeps time of every turn, which makes it the one clock that all designs are measured by.
 */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { EngineReply, EngineRequest, TurnTaken } from './engines';

interface Player {
  id: string;
  race_name: string;
  planets: number;
  population: number;
}

interface Game {
  id: string;
  turn: number;
  players: Player[];
}

const games = new Map<number, Game>();
let taken: TurnTaken[] = [];

function handle(request: IncomingMessage, response: ServerResponse): void {
  const at = Date.now();
  let body = '';
  request.setEncoding('utf8');
  request.on('data', (chunk: string) => (body += chunk));
  request.on('end', () => {
    const port = request.socket.localPort ?? 0;
    const game = games.get(port);
    switch (`${request.method ?? ''} ${request.url ?? ''}`) {
      case 'POST /api/v1/admin/init':
        if (game) refuse(response, 409, 'already_initialised');
        else answer(response, open(port, JSON.parse(body) as { races: { race_name: string }[] }));
        return;
      case 'GET /api/v1/admin/status':
        if (game) answer(response, game);
        else refuse(response, 409, 'not_initialised');
        return;
      case 'POST /api/v1/admin/turn':
        if (!game) refuse(response, 409, 'not_initialised');
        else if (request.headers['if-match'] !== `"${game.turn}"`) refuse(response, 412, 'turn_mismatch');
        else answer(response, advance(port, game, at));
        return;
      default:
        refuse(response, 404, 'not_found');
    }
  });
}

function open(port: number, { races }: { races: { race_name: string }[] }): Game {
  const players = races.map(({ race_name }) => ({
    id: randomUUID(),
    race_name,
    planets: 1,
    population: 1_000,
  }));
  const game = { id: randomUUID(), turn: 0, players };
  games.set(port, game);
  return game;
}

function advance(port: number, game: Game, at: number): Game {
  game.turn += 1;
  for (const player of game.players) player.population += 10 * player.planets;
  taken.push({ port, turn: game.turn, at });
  return game;
}

function answer(response: ServerResponse, { id, turn, players }: Game): void {
  send(response, 200, { id, turn, finished: false, player: players });
}

function refuse(response: ServerResponse, status: number, code: string): void {
  send(response, status, { error: { code, message: code } });
}

function send(response: ServerResponse, status: number, body: unknown): void {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
  });
  response.end(text);
}

async function listen(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer(handle).listen(0, '127.0.0.1'));
  await Promise.all(servers.filter((server) => !server.listening).map((server) => once(server, 'listening')));
  return servers.map((server) => (server.address() as AddressInfo).port);
}

async function reply(request: EngineRequest): Promise<EngineReply> {
  if (request.kind === 'listen') return { kind: 'listening', ports: await listen(request.count) };
  const turns = taken;
  taken = [];
  return { kind: 'taken', turns };
}

process.on('message', (request: EngineRequest) => {
  void reply(request).then((message) => process.send?.(message));
});
// Without its parent it has nothing to do.
process.on('disconnect', () => process.exit(0));
