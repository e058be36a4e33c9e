/** When a set of cron fields fires next, in UTC: robfig/cron's rules, calculated by cron-parser. */
import {
  CronDayOfMonth,
  CronDayOfWeek,
  CronExpression,
  CronFieldCollection,
  CronHour,
  CronMinute,
  CronMonth,
  CronSecond,
} from 'cron-parser';
import type { DayOfMonthRange, DayOfWeekRange, HourRange, MonthRange, SixtyRange } from 'cron-parser';
import { DAY_OF_MONTH, DAY_OF_WEEK, parseField } from './fields';
import type { FieldValues } from './fields';

/** Thrown by `Schedule.next`: the expression is valid but no time within five years matches it. */
export class NeverFires extends Error {
  override readonly name = 'NeverFires';
}

/** An immutable schedule in UTC. It reads no clock, so it may be used where code is replayed. */
export interface Schedule {
  /**
   * The first time strictly after `after` that matches, always at a whole second (a whole minute for five fields).
   *
   * @throws NeverFires when none comes by the end of the fifth calendar year after the second following `after`
   * @throws RangeError when `after` is an invalid date, or that year is past what a Date can hold
   */
  next(after: Date): Date;
}

/** The six fields of a schedule, each checked against its bounds. */
export interface ScheduleFields {
  readonly second: FieldValues;
  readonly minute: FieldValues;
  readonly hour: FieldValues;
  readonly dayOfMonth: FieldValues;
  readonly month: FieldValues;
  readonly dayOfWeek: FieldValues;
}

/** How many calendar years are searched: robfig's limit, which a 29 February round 2100 does exceed. */
const YEARS_SEARCHED = 5;

/** Makes a schedule of parsed fields. */
export function scheduleOf(fields: ScheduleFields): Schedule {
  const collection = toCollection(fields);
  return {
    next(after) {
      const lastWholeSecond = new Date(Math.floor(after.getTime() / 1000) * 1000);
      const end = endOfSearch(lastWholeSecond);
      if (Number.isNaN(end.getTime())) throw new RangeError('no schedule can be calculated from this date');
      if (collection === undefined) throw neverFires(after);
      const search = CronExpression.fieldsToExpression(collection, {
        currentDate: lastWholeSecond,
        endDate: end,
        tz: 'UTC',
      });
      // take() answers an empty list where next() would throw for want of a match.
      const [found] = search.take(1);
      if (found === undefined) throw neverFires(after);
      return found.toDate();
    },
  };
}

const neverFires = (after: Date) =>
  new NeverFires(`the schedule does not fire within ${YEARS_SEARCHED} years after ${after.toISOString()}`);

/** The last millisecond of the last year searched. */
function endOfSearch(lastWholeSecond: Date): Date {
  const end = new Date(lastWholeSecond.getTime() + 1000);
  end.setUTCFullYear(end.getUTCFullYear() + YEARS_SEARCHED, 11, 31);
  end.setUTCHours(23, 59, 59, 999);
  return end;
}

/**
 * The same fields for cron-parser, or undefined when no date at all can match: cron-parser takes neither a field
 * without values nor a day that none of the months has.
 *
 * A star in either day field means that both must match, else one is enough; telling cron-parser which fields
 * are wildcards gives just that, because a field with a star holds every value.
 */
function toCollection(fields: ScheduleFields): CronFieldCollection | undefined {
  const { second, minute, hour, month } = fields;
  const days = toDays(fields);
  if (days === undefined || [second, minute, hour, month].some(({ values }) => values.length === 0))
    return undefined;
  const months = month.values as MonthRange[];
  const longestMonth = Math.max(...months.map((value) => CronMonth.daysInMonth[value - 1] ?? 0));
  const [firstDay = 0] = days.dayOfMonth.values;
  if (days.dayOfWeek.star && firstDay > longestMonth) return undefined;

  // The parser has checked every value against the bounds that these literal types spell out.
  return new CronFieldCollection({
    second: new CronSecond(second.values as SixtyRange[]),
    minute: new CronMinute(minute.values as SixtyRange[]),
    hour: new CronHour(hour.values as HourRange[]),
    dayOfMonth: new CronDayOfMonth(days.dayOfMonth.values as DayOfMonthRange[], {
      wildcard: days.dayOfMonth.star,
    }),
    month: new CronMonth(months),
    dayOfWeek: new CronDayOfWeek(days.dayOfWeek.values as DayOfWeekRange[], {
      wildcard: days.dayOfWeek.star,
    }),
  });
}

const EVERY_DAY_OF_MONTH = parseField('*', DAY_OF_MONTH);
const EVERY_DAY_OF_WEEK = parseField('*', DAY_OF_WEEK);

type Days = Pick<ScheduleFields, 'dayOfMonth' | 'dayOfWeek'>;

/**
 * Rewrites a day field without values: beside a restricted one, of which either may match, it adds nothing and is
 * as good as a star; beside a star, with which both must match, no day matches (undefined).
 */
function toDays({ dayOfMonth, dayOfWeek }: Days): Days | undefined {
  const eitherMatches = !dayOfMonth.star && !dayOfWeek.star;
  const noDayOfMonth = dayOfMonth.values.length === 0;
  const noDayOfWeek = dayOfWeek.values.length === 0;
  if (!noDayOfMonth && !noDayOfWeek) return { dayOfMonth, dayOfWeek };
  if (!eitherMatches || (noDayOfMonth && noDayOfWeek)) return undefined;
  return noDayOfMonth
    ? { dayOfMonth: EVERY_DAY_OF_MONTH, dayOfWeek }
    : { dayOfMonth, dayOfWeek: EVERY_DAY_OF_WEEK };
}
