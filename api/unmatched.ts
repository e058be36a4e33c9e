/** Tells a wrong path (`not_found`) from a wrong method (`method_not_allowed`), which the router alone does not. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { GameMasterError } from '../domain/errors';

interface KnownPath {
  pattern: RegExp;
  methods: Set<string>;
}

/** Must be called before the routes are added. */
export function refuseUnmatched(app: FastifyInstance): void {
  const known = new Map<string, KnownPath>();

  app.addHook('onRoute', ({ url, method }) => {
    const path = known.get(url) ?? { pattern: toPattern(url), methods: new Set<string>() };
    for (const name of [method].flat()) path.methods.add(name);
    known.set(url, path);
  });

  const refuse = (request: FastifyRequest, reply: FastifyReply): never => {
    const [path = ''] = request.url.split('?', 1);
    const matching = [...known.values()].filter(({ pattern }) => pattern.test(path));
    if (matching.length === 0) throw new GameMasterError('not_found', 'there is nothing at this address');
    const allowed = [...new Set(matching.flatMap(({ methods }) => [...methods]))].sort();
    reply.header('allow', allowed.join(', '));
    throw new GameMasterError('method_not_allowed', `only ${allowed.join(', ')} here`);
  };

  app.setNotFoundHandler(refuse);
  // Before the body is read: what is wrong with a body does not matter here.
  app.addHook('onRequest', (request, reply, done) => {
    if (request.is404) refuse(request, reply);
    done();
  });
}

function toPattern(url: string): RegExp {
  const segments = url.split('/').map((segment) => (segment.startsWith(':') ? '[^/]+' : escape(segment)));
  return new RegExp(`^${segments.join('/')}$`);
}

function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
