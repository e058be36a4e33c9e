import { createHash } from 'node:crypto';
import type { CallKind } from '../workflows/messages';

/** What an idempotency key stands for: the SHA-256, in hex, of the operation and its body, however it was written. */
export function hashOfRequest(kind: CallKind, body: unknown): string {
  return createHash('sha256')
    .update(`${kind} ${canonicalJson(body)}`)
    .digest('hex');
}

function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
