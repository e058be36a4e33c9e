import type { z } from 'zod';
import { ServiceError } from '../../service/errors';
import type { Actor } from '../operations/actor';
import type { actorHeaders } from './schemas';

/** Who asks. Whoever is neither a person nor the administration is refused: @throws ServiceError invalid_request */
export function actorOf(headers: z.output<typeof actorHeaders>): Actor {
  const { 'x-user-id': userId, 'x-galaxy-caller': caller } = headers;
  // A person who comes with the administration's header is a person all the same.
  if (userId !== undefined) return { userId };
  if (caller === 'admin') return null;
  throw new ServiceError(400, 'invalid_request', 'X-User-ID: must say who asks');
}
