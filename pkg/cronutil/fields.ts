/**
 * The grammar of one cron field as github.com/robfig/cron v3 reads it. The oddities below (a lone comma,
 * `*-anything`, `+5`) are that library's own: the fixture in testdata/ was printed by it and holds us to them.
 */

/** Thrown by `parse` and `parseWithSeconds`; the message names the part that is wrong. */
export class InvalidCronExpression extends Error {
  override readonly name = 'InvalidCronExpression';
}

/** What a field may hold, both ends included. */
export interface Bounds {
  readonly field: string;
  readonly min: number;
  readonly max: number;
  readonly names?: ReadonlyMap<string, number>;
}

/** The values a field allows, ascending, without duplicates and possibly none. */
export interface FieldValues {
  readonly values: readonly number[];
  /** The field holds a `*` or `?` without a step above 1, and so restricts nothing. */
  readonly star: boolean;
}

const numbered = (first: number, names: string): ReadonlyMap<string, number> =>
  new Map(names.split(' ').map((name, index) => [name, first + index]));

export const SECOND: Bounds = { field: 'second', min: 0, max: 59 };
export const MINUTE: Bounds = { field: 'minute', min: 0, max: 59 };
export const HOUR: Bounds = { field: 'hour', min: 0, max: 23 };
export const DAY_OF_MONTH: Bounds = { field: 'day of month', min: 1, max: 31 };
export const MONTH: Bounds = {
  field: 'month',
  min: 1,
  max: 12,
  names: numbered(1, 'jan feb mar apr may jun jul aug sep oct nov dec'),
};
export const DAY_OF_WEEK: Bounds = {
  field: 'day of week',
  min: 0,
  max: 6,
  names: numbered(0, 'sun mon tue wed thu fri sat'),
};

/** Steps are read as 64-bit integers; a greater one is refused, although any step past the field's end is alike. */
const MAX_INT64 = 2n ** 63n - 1n;

/** Unicode's White_Space, which is what separates fields. It is not JavaScript's `\s`: that lacks U+0085 and adds U+FEFF. */
const WHITE_SPACE = /[\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/u;

/** Splits an expression at white space, ignoring it at both ends. */
export function splitFields(expression: string): string[] {
  return expression.split(WHITE_SPACE).filter((field) => field !== '');
}

/**
 * Reads a comma-separated list of ranges. Empty parts count for nothing, so `,` is a valid field that allows no value.
 *
 * @throws InvalidCronExpression
 */
export function parseField(text: string, bounds: Bounds): FieldValues {
  const allowed = new Set<number>();
  let star = false;
  for (const part of text.split(',')) {
    if (part === '') continue;
    const range = parseRange(part, bounds);
    star ||= range.star;
    for (let value = range.start; value <= range.end; value += range.step) allowed.add(value);
  }
  return { values: [...allowed].sort((a, b) => a - b), star };
}

interface Range {
  start: number;
  end: number;
  step: number;
  star: boolean;
}

/** Reads `number | number-number | *`, each with an optional `/step`; `N/step` runs to the field's end. */
function parseRange(text: string, bounds: Bounds): Range {
  const fail = (problem: string) => new InvalidCronExpression(`${bounds.field} "${text}": ${problem}`);
  const [ends = '', stepText, ...moreSteps] = text.split('/');
  const [low = '', high, ...moreEnds] = ends.split('-');
  if (moreSteps.length > 0) throw fail('more than one "/"');

  const step = stepText === undefined ? 1 : parseNumber(stepText);
  if (step === undefined || step === 0) throw fail('the step must be a whole number above 0');

  // What follows a star's hyphen is never looked at: "*-x" is "*".
  if (low === '*' || low === '?') return { start: bounds.min, end: bounds.max, step, star: step === 1 };

  if (moreEnds.length > 0) throw fail('more than one "-"');
  const start = parseNumberOrName(low, bounds);
  const end =
    high !== undefined ? parseNumberOrName(high, bounds) : stepText !== undefined ? bounds.max : start;
  if (start === undefined || end === undefined) throw fail('not a number or a known name');
  if (start < bounds.min || end > bounds.max) throw fail(`outside ${bounds.min}-${bounds.max}`);
  if (start > end) throw fail('the range runs backwards');
  return { start, end, step, star: false };
}

function parseNumberOrName(text: string, { names }: Bounds): number | undefined {
  // Unicode's simple lower case of U+0130 is a plain "i"; toLowerCase() would add a combining dot.
  return names?.get(text.replaceAll('\u0130', 'i').toLowerCase()) ?? parseNumber(text);
}

/** A non-negative decimal integer of 64 bits, with an optional sign; undefined for anything else. */
function parseNumber(text: string): number | undefined {
  const [, sign, digits = ''] = /^([+-]?)0*(\d{1,19})$/.exec(text) ?? [];
  if (sign === undefined || BigInt(digits) > MAX_INT64) return undefined;
  const value = Number(digits);
  return sign === '-' && value !== 0 ? undefined : value;
}
