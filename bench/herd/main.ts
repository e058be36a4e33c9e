/**
 * A herd: many games, all due in the same second, in three designs that take turns. Prints what each did and the
 * ratios between them (docs/performance.md).
 */
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startStack, type Stack } from '../../tools/stack';
import { startBare } from './bare';
import { startComplete } from './complete';
import type { Design, Slot } from './design';
import { prepareGround } from './ground';
import { measure, type Measurement } from './measure';
import { startNaive } from './naive';
import { periodFor, readOptions, USAGE, type HerdOptions } from './options';
import { monotonicMicroseconds, profileTable, type Window } from './profile';
import { herdTable, roundLine, type Round } from './report';

/** The time before a tick in which it is made sure that all games wait for it. */
const ARMING_MS = 10_000;
/** The design before has to be quiet this long before the next one is armed. */
const GAP_MS = 1_000;

async function measureHerd(stack: Stack, games: number, options: HerdOptions): Promise<string> {
  const periodMs = periodFor(options, games) * 60_000;
  const slot = (index: number): Slot => ({ periodMs, offsetMs: (index * periodMs) / 3 });
  const races = Array.from({ length: options.players }, (_, index) => `Race ${index + 1}`);
  const ground = await prepareGround(stack);
  const designs: Design[] = [];
  const add = async (starting: Promise<Design>): Promise<Design> => {
    const design = await starting;
    designs.push(design);
    return design;
  };
  const profileOf = (name: string): string | null =>
    options.profileFolder && path.join(options.profileFolder, `${games}-${name}`);
  try {
    console.log(`\n${games} games: starting three designs, a tick of each every ${periodMs / 60_000} min`);
    const naive = await add(startNaive(ground, games, races));
    const bare = await add(startBare(ground, games, races, slot(1), profileOf('bare')));
    const complete = await add(startComplete(ground, games, races, slot(0), profileOf('complete')));

    const rounds: Round[] = [];
    const windows = new Map<Design, Window[]>([
      [complete, []],
      [bare, []],
    ]);
    let due = nextDue(slot(0), Date.now() + ARMING_MS + GAP_MS);
    for (let round = 0; round <= options.rounds; round += 1) {
      console.log(round === 0 ? 'warm-up' : `round ${round} of ${options.rounds}`);
      const inTurn = async (design: Design): Promise<Measurement> => {
        const tick = due;
        due += periodMs / 3;
        await delay(Math.max(0, tick - ARMING_MS - Date.now()));
        const from = monotonicMicroseconds();
        const measurement = await measure(ground.redis, design, tick, due - ARMING_MS - GAP_MS);
        if (round > 0) windows.get(design)?.push({ from, to: monotonicMicroseconds() });
        console.log(roundLine(design.name, measurement));
        return measurement;
      };
      const measured = {
        complete: await inTurn(complete),
        bare: await inTurn(bare),
        naive: await inTurn(naive),
      };
      if (round > 0) rounds.push(measured);
    }
    const report = [herdTable(games, rounds)];
    for (const [design, during] of windows) {
      const folder = profileOf(design.name);
      if (folder === null) continue;
      // A process writes its profile when it ends.
      await design.stop();
      designs.splice(designs.indexOf(design), 1);
      report.push(`Profile of ${design.name}:`, await profileTable(folder, during, games * rounds.length));
    }
    return report.join('\n\n');
  } finally {
    await Promise.all(designs.map((design) => design.stop()));
    await ground.clear();
  }
}

function nextDue({ periodMs, offsetMs }: Slot, after: number): number {
  return Math.ceil((after - offsetMs) / periodMs) * periodMs + offsetMs;
}

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2));
  const stack = await startStack({ log: (line) => console.log(line) });
  try {
    const tables: string[] = [];
    for (const games of options.games) tables.push(await measureHerd(stack, games, options));
    console.log(`\n${tables.join('\n\n')}`);
  } finally {
    await stack.stop();
  }
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : error, `\n\n${USAGE}`);
    process.exit(1);
  },
);
