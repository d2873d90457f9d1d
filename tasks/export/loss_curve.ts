// A plot of a run's losses by step, as an SVG without scripts, for a model card.
import { markup } from "../../lib/io/markup.ts";
import type { StepMetrics } from "../../lib/train/train.ts";

const WIDTH = 720, HEIGHT = 320;
const LEFT = 56, RIGHT = 16, TOP = 16, BOTTOM = 40;

/** The most points of a line. */
const MAX_POINTS = 600;

interface Point {
  readonly x: number;
  readonly y: number;
}

/** The picture; `undefined` where fewer than two losses are finite. */
export function lossCurve(metrics: readonly StepMetrics[]): string | undefined {
  const training = thinned(finite(metrics.map(({ step, loss }) => ({ x: step + 1, y: loss }))));
  const validation = finite(metrics.map(({ step, validLoss }) => ({ x: step + 1, y: validLoss ?? NaN })));
  const all = [...training, ...validation];
  if (all.length < 2) return undefined;
  const [low, high] = rangeOf(all.map(({ y }) => y));
  const [first, last] = rangeOf(all.map(({ x }) => x));
  const toX = (x: number) => LEFT + (x - first) / (last - first) * (WIDTH - LEFT - RIGHT);
  const toY = (y: number) => TOP + (high - y) / (high - low) * (HEIGHT - TOP - BOTTOM);
  const path = (points: readonly Point[]) =>
    points.map(({ x, y }) => `${toX(x).toFixed(1)},${toY(y).toFixed(1)}`).join(" ");
  const ticks = [0, 1, 2, 3, 4].map((i) => low + i * (high - low) / 4);
  return String(
    markup`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" font-family="sans-serif" font-size="12">
<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>
${
      ticks.map((tick) =>
        markup`<path d="M${LEFT} ${toY(tick)}H${WIDTH - RIGHT}" stroke="#ddd"/><text x="${LEFT - 6}" y="${
          toY(tick) + 4
        }" text-anchor="end" fill="#444">${tick.toFixed(2)}</text>`
      )
    }
<text x="${LEFT}" y="${HEIGHT - 20}" fill="#444">${first}</text><text x="${WIDTH - RIGHT}" y="${
      HEIGHT - 20
    }" text-anchor="end" fill="#444">${last}</text>
<text x="${(LEFT + WIDTH - RIGHT) / 2}" y="${
      HEIGHT - 4
    }" text-anchor="middle" fill="#444">loss in nats per token, by step: training (blue), validation (orange)</text>
<polyline points="${path(training)}" fill="none" stroke="#3273dc"/>
<polyline points="${path(validation)}" fill="none" stroke="#e8710a" stroke-width="2"/>
</svg>
`,
  );
}

const finite = (points: readonly Point[]) => points.filter(({ y }) => Number.isFinite(y));

/** Means of neighbours, where there are more points than a line can show. */
function thinned(points: readonly Point[]): Point[] {
  const size = Math.ceil(points.length / MAX_POINTS);
  return Array.from({ length: Math.ceil(points.length / size) || 0 }, (_, i) => {
    const part = points.slice(i * size, (i + 1) * size);
    return { x: part[part.length - 1].x, y: part.reduce((sum, { y }) => sum + y, 0) / part.length };
  });
}

/** The least and the greatest, apart so far that what lies between can be drawn. */
function rangeOf(values: readonly number[]): [number, number] {
  const low = values.reduce((a, b) => Math.min(a, b));
  const high = values.reduce((a, b) => Math.max(a, b));
  return low < high ? [low, high] : [low, low + 1];
}
