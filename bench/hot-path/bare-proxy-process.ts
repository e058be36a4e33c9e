/** The proxy that Game Master is compared with: Fastify and `@fastify/http-proxy`, and nothing else. */
import proxy from '@fastify/http-proxy';
import Fastify from 'fastify';

const [port, upstream = ''] = process.argv.slice(2);

const app = Fastify();
void app.register(proxy, { upstream });
void app.listen({ host: '127.0.0.1', port: Number(port) });
