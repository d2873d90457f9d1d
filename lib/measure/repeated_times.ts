/** The number of runs, and about how long they should take together: a call of a second is not repeated nine times. */
const MOST_RUNS = 9;
const FEWEST_RUNS = 3;
const ALL_RUNS_SECONDS = 0.3;

/** An idle GPU runs at a sixth of its clock, and needs tens of milliseconds of work to speed up again. */
const WARM_UP_SECONDS = 0.1;

/** The most by which a run is lengthened if it was too short to tell how long it should be. */
const GROWTH = 20;

/**
 * Seconds per repetition in each of several runs, all long enough for timing.
 *
 * @param time Measures how many seconds this many repetitions take.
 * @param shortest The shortest run, in seconds, whose time is trusted.
 * @param most Repetitions that take at least that long on any device; if they do not, the clock stands still.
 * @returns `undefined` if the clock stands still.
 */
export async function repeatedTimes(
  time: (repeats: number) => Promise<number>,
  shortest: number,
  most = Infinity,
): Promise<readonly number[]> {
  // Engines and drivers do some of their work in the first run.
  await time(1);
  let repeats = 1;
  let seconds = await time(1);
  while (!(seconds >= shortest)) {
    if (repeats >= most) return [];
    const growth = 1.3 * shortest / seconds;
    repeats = Math.ceil(repeats * (growth > 0 && growth < GROWTH ? growth : GROWTH));
    seconds = await time(repeats);
  }
  await time(Math.ceil(repeats * WARM_UP_SECONDS / seconds));
  const runs = Math.min(MOST_RUNS, Math.max(FEWEST_RUNS, Math.ceil(ALL_RUNS_SECONDS / seconds)));
  const times: number[] = [];
  for (let run = 0; run < runs; run++) times.push(await time(repeats) / repeats);
  return times;
}
