/** Game Master asks Lobby who plays: its client, against the answers of Lobby's document. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { LobbyClient } from '../../../clients/lobby';
import { entries, OpenApiDocument } from './openapi-document';

const document = new OpenApiDocument('platform/lobby/openapi.yaml');
const { path, method } = document.operation('internalGetMemberships');

/** What the client makes of an example of the operation's answers. */
async function told(status: string): Promise<ReadonlySet<string>> {
  const response = new Map(document.responsesOf('internalGetMemberships')).get(status);
  const [[, example] = ['', {} as never]] = entries(
    response?.['content']?.['application/json']?.['examples'],
  );
  let asked = '';
  const server = createServer((request, reply) => {
    asked = `${request.method ?? ''} ${request.url ?? ''}`;
    reply.writeHead(Number(status), { 'content-type': 'application/json' });
    reply.end(JSON.stringify(document.resolve(example)['value']));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const client = new LobbyClient({
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    timeoutMs: 2_000,
  });
  try {
    return await client.activeMembers('orion');
  } finally {
    expect(asked).toBe(`${method} ${path.replace('{game_id}', 'orion')}`);
    await client.close();
    server.close();
  }
}

test('active members may play', async () => expect([...(await told('200'))]).toEqual(['user-1']));
test('of an unknown game nobody may', async () => expect([...(await told('404'))]).toEqual([]));
test('an answer that says nothing of members is a Lobby that is away', async () => {
  await expect(told('503')).rejects.toThrow('Lobby answered 503');
});
