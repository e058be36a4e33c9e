import { median, type Measurement } from './measure';

export type Round = Record<'complete' | 'bare' | 'naive', Measurement>;

const COLUMNS: [title: string, of: (measurement: Measurement) => number, digits: number][] = [
  ['turns/s', (m) => m.turnsPerSecond, 1],
  ['late p50 ms', (m) => m.lateP50, 0],
  ['late p99 ms', (m) => m.lateP99, 0],
  ['last turn s', (m) => m.lastTurnAfter, 2],
  ['CPU ms/turn', (m) => m.cpuPerTurn, 2],
  ['RSS MB', (m) => m.memory.now, 0],
  ['peak MB', (m) => m.memory.most, 0],
];

export function roundLine(name: string, measurement: Measurement): string {
  const figures = COLUMNS.map(([title, of, digits]) => `${title} ${of(measurement).toFixed(digits)}`);
  return `  ${name.padEnd(9)} ${figures.join(' · ')}`;
}

/** Medians over the rounds, as a Markdown table; below it the ratios, each the median of the rounds' own. */
export function herdTable(games: number, rounds: readonly Round[]): string {
  const designs = ['complete', 'bare', 'naive'] as const;
  const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const lines = [
    `${games} games, medians of ${rounds.length} rounds`,
    '',
    row(['design', ...COLUMNS.map(([title]) => title)]),
    row(['---', ...COLUMNS.map(() => '---:')]),
    ...designs.map((name) =>
      row([name, ...COLUMNS.map(([, of, digits]) => median(rounds.map((r) => of(r[name]))).toFixed(digits))]),
    ),
    '',
    ...(['bare', 'naive'] as const).map((other) => {
      const ratio = (of: (m: Measurement) => number): string =>
        median(rounds.map((round) => of(round.complete) / of(round[other]))).toFixed(2);
      return `complete / ${other}: rate ${ratio((m) => m.turnsPerSecond)}, worker CPU a turn ${ratio((m) => m.cpuPerTurn)}`;
    }),
  ];
  return lines.join('\n');
}
