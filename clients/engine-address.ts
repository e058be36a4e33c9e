/**
 * Which addresses may be dialled for an engine. Registration checks the name that was given (api/engine-endpoint.ts);
 * this checks what the name has become, at each new connection: the address that is checked is the one that is dialled.
 */
import { lookup } from 'node:dns';
import { BlockList, isIP } from 'node:net';
import { buildConnector } from 'undici';

/** Where cloud platforms keep their metadata services, in the notations that reach them. */
const LINK_LOCAL = new BlockList();
LINK_LOCAL.addSubnet('169.254.0.0', 16, 'ipv4');
LINK_LOCAL.addSubnet('fe80::', 10, 'ipv6');
LINK_LOCAL.addSubnet('64:ff9b::a9fe:0', 112, 'ipv6');

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');
LOOPBACK.addAddress('0.0.0.0', 'ipv4');
LOOPBACK.addAddress('::', 'ipv6');

export interface GuardOptions {
  /** Milliseconds until a connection must be there. */
  timeoutMs: number;
  /** Whether engines may be on this very host: loopback addresses are refused otherwise. */
  allowLoopback: boolean;
}

/** Connects as undici does, but to no address that an engine cannot have: such a connection fails with `ERR_ADDRESS_NOT_ALLOWED`. */
export function guardedConnector({ timeoutMs, allowLoopback }: GuardOptions): buildConnector.connector {
  const connect = buildConnector({ timeout: timeoutMs, lookup: guardedLookup(allowLoopback) });
  return (options, callback) => {
    // No name is looked up where the address itself was given.
    const literal = options.hostname.replace(/^\[(.*)\]$/, '$1');
    if (isIP(literal) !== 0 && !mayDial(literal, allowLoopback)) {
      callback(new AddressNotAllowed(literal), null);
    } else {
      connect(options, callback);
    }
  };
}

/** Whether one of these host patterns (`*` stands for any characters) names this very host. */
export function namesLoopback(hostPatterns: readonly string[]): boolean {
  return hostPatterns.some((pattern) => {
    const literal = pattern.replace(/^\[(.*)\]$/, '$1');
    if (isIP(literal) !== 0) return isLoopback(literal);
    const matches = new RegExp(`^${literal.replaceAll('.', '\\.').replaceAll('*', '.*')}$`);
    return ['localhost', '127.0.0.1', '::1'].some((host) => matches.test(host));
  });
}

function guardedLookup(allowLoopback: boolean): typeof lookup {
  const guarded = (
    hostname: string,
    options: object,
    callback: (error: Error | null, addresses: { address: string; family: number }[]) => void,
  ): void => {
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
      if (error) {
        callback(error, []);
        return;
      }
      const allowed = addresses.filter(({ address }) => mayDial(address, allowLoopback));
      if (allowed.length === 0) callback(new AddressNotAllowed(hostname), []);
      else callback(null, allowed);
    });
  };
  return guarded as unknown as typeof lookup;
}

class AddressNotAllowed extends Error {
  readonly code = 'ERR_ADDRESS_NOT_ALLOWED';

  constructor(host: string) {
    super(`the address of ${host} is not one that an engine may have`);
  }
}

function mayDial(address: string, allowLoopback: boolean): boolean {
  if (isLinkLocal(address)) return false;
  return allowLoopback || !isLoopback(address);
}

/** Of an address, not of a name. */
export function isLinkLocal(address: string): boolean {
  return LINK_LOCAL.check(address, familyOf(address));
}

function isLoopback(address: string): boolean {
  return LOOPBACK.check(address, familyOf(address));
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 6 ? 'ipv6' : 'ipv4';
}
