/**
 * Which addresses a registration may name as its engine. The worker will call whatever is registered, so this is the
 * gate against being made to talk to other hosts; the dialling side checks the resolved address once more.
 */
import { isIP } from 'node:net';
import { isLinkLocal } from '../clients/engine-address';

const LONGEST_ENDPOINT = 512;

/**
 * Says what is wrong with `endpoint`, or nothing when it may be an engine: an http(s) origin, no credentials, no path
 * but `/`, and a host that one of `hostPatterns` allows (no port, `*` stands for any characters).
 */
export function refuseEndpoint(endpoint: string, hostPatterns: readonly string[]): string | undefined {
  if (endpoint.length > LONGEST_ENDPOINT) return `must have at most ${LONGEST_ENDPOINT} characters`;
  // Before parsing: a URL parser forgives spaces and backslashes, and forgets an empty query.
  if (!/^https?:\/\/[^\s/?#@\\]+\/?$/i.test(endpoint)) {
    return 'must be http://host[:port] or https://host[:port], without credentials, path or query';
  }
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  if (url === undefined || url.port === '0') return 'must have a valid host and port';
  // From here on addresses are in their normal form, however they were written (0x7f.1, 2130706433, [::ffff:1.2.3.4]).
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '');
  if (isIP(host) !== 0 && isLinkLocal(host)) return 'must not be a link-local address';
  if (!hostPatterns.some((pattern) => matches(host, pattern)))
    return `host ${host} is not one that engines may have`;
  return undefined;
}

function matches(host: string, pattern: string): boolean {
  const literal = pattern.toLowerCase().replace(/^\[(.*)\]$/, '$1');
  const parts = literal.split('*').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`, 's').test(host);
}
