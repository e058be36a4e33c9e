import { readFileSync } from 'node:fs';
import path from 'node:path';
import { InvalidCronExpression, NeverFires, parse, parseWithSeconds } from '.';
import type { Schedule } from '.';

/** A line of the tables that robfig/cron itself printed: testdata/generate/main.go says what each field holds. */
interface Row {
  e: string;
  from?: number;
  next?: (number | null)[];
  walk?: (number | null)[];
}

function readTable(name: string): { instants: number[]; rows: Row[] } {
  const [first = '', ...lines] = readFileSync(path.join(__dirname, 'testdata', name), 'utf8')
    .trimEnd()
    .split('\n');
  const { instants } = JSON.parse(first) as { instants: number[] };
  return { instants, rows: lines.map((line) => JSON.parse(line) as Row) };
}

const tryParse = (parser: (expression: string) => Schedule, expression: string) => {
  try {
    return parser(expression);
  } catch (error) {
    if (error instanceof InvalidCronExpression) return undefined;
    throw error;
  }
};

/** Unix seconds, or null when the schedule says that it never fires: the table's own notation. */
const nextSeconds = (schedule: Schedule, afterMillis: number) => {
  try {
    return schedule.next(new Date(afterMillis)).getTime() / 1000;
  } catch (error) {
    if (error instanceof NeverFires) return null;
    throw error;
  }
};

/** The row as it would read had our parser printed the table. */
function ourRow(
  parser: (expression: string) => Schedule,
  { e, from, next, walk }: Row,
  instants: number[],
): Row {
  const schedule = tryParse(parser, e);
  if (schedule === undefined) return { e };
  if (from === undefined || next === undefined) return { e, from: -1 };
  const times = next.map((_, k) => nextSeconds(schedule, instants[(from + k) % instants.length] ?? NaN));
  if (walk === undefined) return { e, from, next: times };
  const steps: (number | null)[] = [];
  for (let at = times[0] ?? null; at !== null && steps.length < walk.length;) {
    at = nextSeconds(schedule, at * 1000);
    steps.push(at);
  }
  return { e, from, next: times, walk: steps };
}

describe.each([
  { table: 'five-fields.jsonl', parser: parse, atLeast: 4000 },
  { table: 'with-seconds.jsonl', parser: parseWithSeconds, atLeast: 600 },
])('robfig/cron agrees on $table', ({ table, parser, atLeast }) => {
  const { instants, rows } = readTable(table);

  test('the table holds enough of everything', () => {
    const accepted = rows.filter(({ next }) => next !== undefined);
    expect(instants.length).toBeGreaterThan(40);
    expect(rows.length).toBeGreaterThan(atLeast);
    expect(accepted.length).toBeGreaterThan(rows.length / 2);
    expect(rows.length - accepted.length).toBeGreaterThan(rows.length / 10);
    expect(rows.filter(({ next }) => next?.includes(null)).length).toBeGreaterThan(5);
  });

  test('accepted or rejected, and every time', () => {
    const different = rows
      .map((row) => ({ robfig: row, ours: ourRow(parser, row, instants) }))
      .filter(({ robfig, ours }) => JSON.stringify(ours) !== JSON.stringify(robfig));
    expect(different.slice(0, 10)).toEqual([]);
  }, 60_000);
});

const next = (expression: string, after: string) => parse(expression).next(new Date(after)).toISOString();

describe('next', () => {
  test('is strictly after the instant given', () => {
    expect(next('0 18 * * *', '2026-05-01T17:59:59.999Z')).toBe('2026-05-01T18:00:00.000Z');
    expect(next('0 18 * * *', '2026-05-01T18:00:00.000Z')).toBe('2026-05-02T18:00:00.000Z');
    expect(next('0 18 * * *', '2026-05-01T18:00:00.001Z')).toBe('2026-05-02T18:00:00.000Z');
  });

  test('is at a whole minute', () => {
    expect(next('* * * * *', '2026-05-01T00:00:30.250Z')).toBe('2026-05-01T00:01:00.000Z');
  });

  test('counts in UTC through the hours that clocks elsewhere skip or repeat', () => {
    expect(next('30 2 * * *', '2026-03-29T00:00:00Z')).toBe('2026-03-29T02:30:00.000Z');
    expect(next('0 * * * *', '2026-10-25T01:00:00Z')).toBe('2026-10-25T02:00:00.000Z');
  });

  test('either day field is enough when both are restricted', () => {
    expect(next('0 0 13 * 5', '2026-05-01T00:00:00Z')).toBe('2026-05-08T00:00:00.000Z');
    expect(next('0 0 13 * 5', '2026-05-08T00:00:00Z')).toBe('2026-05-13T00:00:00.000Z');
  });

  test('both day fields must match when one has a star, but a star with a step is a restriction', () => {
    expect(next('0 0 * * 1', '2026-05-01T00:00:00Z')).toBe('2026-05-04T00:00:00.000Z');
    expect(next('0 0 1,* * 1', '2026-05-01T00:00:00Z')).toBe('2026-05-04T00:00:00.000Z');
    expect(next('0 0 */2 * 1', '2026-05-01T00:00:00Z')).toBe('2026-05-03T00:00:00.000Z');
  });

  test('finds 29 February within five years and gives up beyond', () => {
    expect(next('0 0 29 2 *', '2024-02-29T00:00:00Z')).toBe('2028-02-29T00:00:00.000Z');
    expect(() => next('0 0 29 2 *', '2096-02-29T00:00:00Z')).toThrow(NeverFires);
    expect(() => next('0 0 29 2 *', '2098-12-31T23:59:58.999Z')).toThrow(NeverFires);
    expect(next('0 0 29 2 *', '2098-12-31T23:59:59Z')).toBe('2104-02-29T00:00:00.000Z');
  });

  test.each(['0 0 31 2 *', '0 0 30 feb ?', '0 0 31 4,6,9,11 *', ', * * * *', '0 0 , * *', '0 0 , * ,'])(
    'never comes for "%s"',
    (expression) => {
      expect(() => next(expression, '2026-01-01T00:00:00Z')).toThrow(NeverFires);
    },
  );

  test('may be asked in any order and leaves its argument alone', () => {
    const schedule = parse('0 0 1 * *');
    const after = new Date('2026-05-10T00:00:00.500Z');
    const later = schedule.next(new Date('2027-01-01T00:00:00Z'));
    expect(schedule.next(after).toISOString()).toBe('2026-06-01T00:00:00.000Z');
    expect(later.toISOString()).toBe('2027-02-01T00:00:00.000Z');
    expect(after.toISOString()).toBe('2026-05-10T00:00:00.500Z');
  });

  test('refuses a date that is none, or too late to calculate from', () => {
    expect(() => parse('* * * * *').next(new Date(NaN))).toThrow(RangeError);
    expect(() => parse('* * * * *').next(new Date(8.64e15))).toThrow(RangeError);
  });
});

describe('parse', () => {
  test.each([
    ['', 'expected 5 fields, found 0'],
    ['0 0 1 1', 'expected 5 fields, found 4'],
    ['0 0 0 1 1 *', 'expected 5 fields, found 6'],
    ['@daily', 'expected 5 fields, found 1'],
    ['0 0 * * 7', 'day of week "7": outside 0-6'],
    ['0 22-2 * * *', 'hour "22-2": the range runs backwards'],
    ['*/0 * * * *', 'minute "*/0": the step must be a whole number above 0'],
    ['0 0 L * *', 'day of month "L": not a number or a known name'],
    ['1/2/3 * * * *', 'minute "1/2/3": more than one "/"'],
    ['1-2-3 * * * *', 'minute "1-2-3": more than one "-"'],
    ['TZ=Europe/Berlin 0 18 * * *', 'schedules are UTC: a time zone cannot be given'],
    ['CRON_TZ=UTC 0 18 * * *', 'schedules are UTC: a time zone cannot be given'],
    ['TZ=UTC', 'schedules are UTC: a time zone cannot be given'],
  ])('refuses "%s" and says why', (expression, message) => {
    expect(() => parse(expression)).toThrow(new InvalidCronExpression(message));
    expect(() => parse(expression)).toThrow(InvalidCronExpression);
  });
});

describe('parseWithSeconds', () => {
  test('takes six fields, and five as parse does', () => {
    const after = new Date('2026-05-01T18:00:00.100Z');
    expect(parseWithSeconds('*/2 * * * * *').next(after).toISOString()).toBe('2026-05-01T18:00:02.000Z');
    expect(parseWithSeconds('*/2 * * * *').next(after).toISOString()).toBe('2026-05-01T18:02:00.000Z');
  });

  test.each(['* * * *', '* * * * * * *', '60 * * * * *', 'TZ=UTC * * * * * *'])(
    'refuses "%s"',
    (expression) => {
      expect(() => parseWithSeconds(expression)).toThrow(InvalidCronExpression);
    },
  );
});
