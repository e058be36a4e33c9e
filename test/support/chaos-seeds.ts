/**
 * The seeds of a test with random faults: the first `count`, or those that are asked for. CHAOS_SEEDS=1,2,3 or
 * CHAOS_SEEDS=100 (that many); a seed that fails is run again by naming it with a comma: CHAOS_SEEDS=17,
 */
export function chaosSeeds(count: number): number[] {
  const asked = process.env['CHAOS_SEEDS'] ?? count.toString();
  if (!asked.includes(',')) return Array.from({ length: Number(asked) }, (_, index) => index + 1);
  return asked.split(',').filter(Boolean).map(Number);
}

/** Numbers in [0, 1) that are the same for the same seed. */
export function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
