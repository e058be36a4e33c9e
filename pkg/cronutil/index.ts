/**
 * Cron schedules in UTC. Accepts, rejects and calculates as github.com/robfig/cron v3.0.1 does with
 * `cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow)`, with one difference: a `TZ=` or
 * `CRON_TZ=` prefix is refused, because every schedule is UTC.
 */
import {
  DAY_OF_MONTH,
  DAY_OF_WEEK,
  HOUR,
  InvalidCronExpression,
  MINUTE,
  MONTH,
  SECOND,
  parseField,
  splitFields,
} from './fields';
import { scheduleOf } from './schedule';
import type { Schedule } from './schedule';

export { InvalidCronExpression } from './fields';
export { NeverFires } from './schedule';
export type { Schedule } from './schedule';

/**
 * Parses `minute hour day-of-month month day-of-week`.
 *
 * @throws InvalidCronExpression
 */
export function parse(expression: string): Schedule {
  const fields = splitFields(withoutZone(expression));
  if (fields.length !== 5) throw wrongCount('5 fields', fields);
  return fromFields(['0', ...fields]);
}

/**
 * Parses six fields, seconds first, or five as `parse` does (robfig's `cron.SecondOptional`).
 *
 * @throws InvalidCronExpression
 */
export function parseWithSeconds(expression: string): Schedule {
  const fields = splitFields(withoutZone(expression));
  if (fields.length !== 5 && fields.length !== 6) throw wrongCount('5 or 6 fields', fields);
  return fromFields(fields.length === 5 ? ['0', ...fields] : fields);
}

function withoutZone(expression: string): string {
  if (/^(CRON_)?TZ=/.test(expression))
    throw new InvalidCronExpression('schedules are UTC: a time zone cannot be given');
  return expression;
}

const wrongCount = (expected: string, fields: string[]) =>
  new InvalidCronExpression(`expected ${expected}, found ${fields.length}`);

function fromFields([
  second = '',
  minute = '',
  hour = '',
  dayOfMonth = '',
  month = '',
  dayOfWeek = '',
]: string[]) {
  return scheduleOf({
    second: parseField(second, SECOND),
    minute: parseField(minute, MINUTE),
    hour: parseField(hour, HOUR),
    dayOfMonth: parseField(dayOfMonth, DAY_OF_MONTH),
    month: parseField(month, MONTH),
    dayOfWeek: parseField(dayOfWeek, DAY_OF_WEEK),
  });
}
