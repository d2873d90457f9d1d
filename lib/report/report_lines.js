// Runs in the reader's browser: which lines a plot has, how they look, and how far its y axis reaches.
// deno-lint-ignore-file no-unused-vars
/** Colours that stay apart for readers who see red and green alike, on white and on black. Source: Okabe & Ito 2008. */
const COLOURS = {
  light: ["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#000000"],
  dark: ["#56B4E9", "#E69F00", "#2CC295", "#CC79A7", "#F0E442", "#E8743B", "#DDDDDD"],
};
const dark = matchMedia("(prefers-color-scheme: dark)");

/** If there are more runs, their training losses and raw values are left out: nobody could tell the lines apart. */
const MOST_WITH_TRAINING = 6;

/** More points than this of one line are not marked: they would be a line themselves. */
const MOST_MARKED = 40;

/** Fewer points than this are not smoothed. */
const FEWEST_SMOOTHED = 40;

/** The part of a line that each of its smoothed points is the mean of. */
const SMOOTHED_PART = 1 / 40;

/** What the reader chose. */
const view = { logX: false, logY: false, smooth: true, training: false, hidden: new Set() };

/** The colour of a run among several, or of a line among those of one run. */
function colourOf(index, count) {
  const colours = COLOURS[dark.matches ? "dark" : "light"];
  if (count <= colours.length) return colours[index];
  // Along the rainbow in their order, neighbours by turns lighter and darker; a plot's lines can be pointed at.
  const lightness = (dark.matches ? 62 : 36) + 12 * (index % 2);
  return `hsl(${Math.round(320 * index / count)} 70% ${lightness}%)`;
}

/**
 * The mean of each value and its neighbours: equally many on both sides, but at the end those that there are. At the
 * beginning it is exact, because losses fall steeply there.
 */
function smoothed(values) {
  const reach = Math.max(1, Math.round(SMOOTHED_PART * values.length / 2));
  const sums = [0];
  for (const value of values) sums.push(sums.at(-1) + value);
  return values.map((_, i) => {
    const side = Math.min(reach, i);
    const end = Math.min(values.length, i + side + 1);
    return (sums[end] - sums[i - side]) / (end - i + side);
  });
}

/** The lines of a plot that have points: `xs` and `ys`, the run they belong to, and how they look. */
function linesOf({ x, lines }, runs) {
  const isMany = runs.length > MOST_WITH_TRAINING;
  const shown = runs.map((run, i) => ({ run, i })).filter(({ i }) => !view.hidden.has(i));
  const isValidated = shown.some(({ run }) =>
    lines.some((line) => line.validation && run.points[line.field].step.length)
  );
  const wanted = lines.filter((line) => line.validation || !isMany || !isValidated || view.training);
  return shown.flatMap(({ run, i }) =>
    wanted.flatMap((line, j) => {
      const points = run.points[line.field];
      const [xs, ys] = view.logX ? above0(points[x], points.value) : [points[x], points.value];
      if (xs.length === 0) return [];
      const base = {
        ...{ run: i, label: line.label, xs, ys, alpha: 1 },
        // One run's lines differ in colour, several runs differ from each other.
        colour: runs.length > 1 ? colourOf(i, runs.length) : colourOf(j, wanted.length),
        width: line.validation ? 2 : 1,
        isDashed: line.validation === true && wanted.length > 1,
        isMarked: xs.length < (line.validation ? MOST_MARKED : 3),
      };
      if (!line.noisy || !view.smooth || ys.length < FEWEST_SMOOTHED) return [base];
      const mean = { ...base, label: `${line.label}, smoothed`, ys: smoothed(ys), width: 1.5 };
      return isMany ? [mean] : [{ ...base, alpha: 0.35 }, mean];
    })
  );
}

/** Only points that a logarithmic axis has a place for. */
function above0(xs, ys) {
  const kept = xs.flatMap((x, i) => x > 0 ? [i] : []);
  return [kept.map((i) => xs[i]), kept.map((i) => ys[i])];
}

/** How far beyond its ordinary values a plot still reaches, in terms of their range. */
const REACH = 3;

/**
 * The least and greatest value that a y axis shows. Values far beyond the lines' 5 % and 95 % quantiles are left out, and
 * so is what is ordinary only for a quarter of the lines: one that diverged must not flatten the others.
 */
function ordinaryRange(lists) {
  const sorted = lists.filter((list) => list.length > 0).map((list) => list.toSorted((a, b) => a - b));
  if (sorted.length === 0) return undefined;
  const low = Math.min(...sorted.map((list) => quantile(list, 0.05)));
  const high = quantile(sorted.map((list) => quantile(list, 0.95)).sort((a, b) => a - b), 0.75);
  const reach = high > low ? REACH * (high - low) : Infinity;
  let [min, max, greatest, outside] = [Infinity, -Infinity, -Infinity, 0];
  for (const list of sorted) {
    for (const value of list) {
      greatest = Math.max(greatest, value);
      if (value < low - reach || value > high + reach) outside++;
      else [min, max] = [Math.min(min, value), Math.max(max, value)];
    }
  }
  return { min, max, outside, greatest };
}

function quantile(sorted, share) {
  return sorted[Math.floor(share * (sorted.length - 1))];
}
