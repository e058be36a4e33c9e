import type { Load } from './load-process';

/** A round's measurements, by the name of what was measured. */
export type Round = ReadonlyMap<string, Load & { cpuMicros: number }>;

export const BASELINE = 'bare proxy';

const COLUMNS: [title: string, of: (load: Load & { cpuMicros: number }) => number, digits: number][] = [
  ['req/s', (load) => load.requestsPerSecond, 0],
  ['p50 ms', (load) => load.p50, 2],
  ['p99 ms', (load) => load.p99, 2],
  ['CPU µs/req', (load) => load.cpuMicros, 0],
];

export function roundLine(name: string, load: Load & { cpuMicros: number }): string {
  const figures = COLUMNS.map(([title, of, digits]) => `${title} ${of(load).toFixed(digits)}`);
  return `  ${name.padEnd(12)} ${figures.join(' · ')}`;
}

/**
 * Medians over the rounds as a Markdown table. The ratios are to the bare proxy of the same round, and the median of
 * those: what else the machine does meanwhile strikes both alike.
 */
export function table(rounds: readonly Round[]): string {
  const names = [...(rounds[0]?.keys() ?? [])];
  const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const over = (name: string, of: (load: Load & { cpuMicros: number }) => number): number[] =>
    rounds.map((round) => of(required(round, name)));
  const ratio = (name: string, of: (load: Load) => number): string =>
    median(rounds.map((round) => of(required(round, name)) / of(required(round, BASELINE)))).toFixed(2);
  return [
    row(['', ...COLUMNS.map(([title]) => title), 'req/s ÷ bare', 'p50 ÷ bare', 'p99 ÷ bare']),
    row(['---', ...COLUMNS.map(() => '---:'), '---:', '---:', '---:']),
    ...names.map((name) =>
      row([
        name,
        ...COLUMNS.map(([, of, digits]) => median(over(name, of)).toFixed(digits)),
        ratio(name, (load) => load.requestsPerSecond),
        ratio(name, (load) => load.p50),
        ratio(name, (load) => load.p99),
      ]),
    ),
  ].join('\n');
}

function required(round: Round, name: string): Load & { cpuMicros: number } {
  const load = round.get(name);
  if (load === undefined) throw new Error(`${name} was not measured`);
  return load;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const [low = NaN, high = NaN] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]];
  return (low + high) / 2;
}
