/** Runs to take a median of, and about how long they should take together: a call of a second is not made nine times. */
const MOST_RUNS = 9;
const FEWEST_RUNS = 3;
const ALL_RUNS_SECONDS = 0.3;

/** A GPU with nothing to do goes down to a sixth of its clock, and takes tens of milliseconds of work to come up again. */
const WARM_UP_SECONDS = 0.1;

/** How much longer a run becomes at most when it was too short to tell how long it should be. */
const GROWTH = 20;

/**
 * Seconds per repetition in each of several runs, every one long enough to be timed.
 *
 * @param time Seconds that so many repetitions take.
 * @param shortest Seconds that a run must take for its time to be trusted.
 * @param most Repetitions that must take that long on any device: where they do not, the clock stands still.
 * @returns Nothing where it stands still.
 */
export async function repeatedTimes(
  time: (repeats: number) => Promise<number>,
  shortest: number,
  most = Infinity,
): Promise<readonly number[]> {
  // Engines and drivers do some of their work at the first run.
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
