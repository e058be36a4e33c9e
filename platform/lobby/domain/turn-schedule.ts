import { InvalidCronExpression, NeverFires, parse, parseWithSeconds } from '../../../pkg/cronutil';

/** What is wrong with a turn schedule, for whoever wrote it; null when it is a good one. */
export function problemOfSchedule(
  expression: string,
  { allowSeconds, now }: { allowSeconds: boolean; now: Date },
): string | null {
  try {
    (allowSeconds ? parseWithSeconds : parse)(expression).next(now);
    return null;
  } catch (error) {
    if (error instanceof InvalidCronExpression || error instanceof NeverFires) return error.message;
    throw error;
  }
}
