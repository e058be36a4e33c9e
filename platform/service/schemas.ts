import { z } from 'zod';

/** For operations that take neither: what nobody reads is refused. */
export const noQuery = z.strictObject({});
export const noBody = z.strictObject({}).nullish();
