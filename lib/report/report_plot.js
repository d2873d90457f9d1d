// Runs in the reader's browser: one plot with its title, its key, and what it says of the place pointed at.
/* global uPlot format formatTime TIME_STEPS view ordinaryRange dark nearRun */
// deno-lint-ignore-file no-unused-vars
const HEIGHT = 280;

/** Pixels from a line within which it is pointed at. */
const NEAR = 30;

function widthOf(cell) {
  return Math.max(280, cell.clientWidth);
}

function append(parent, name, className = "", text = "") {
  const element = document.createElement(name);
  if (className) element.className = className;
  element.textContent = text;
  return parent.appendChild(element);
}

/** The values of each line between the ends of the x axis. */
function valuesInSight(plot) {
  const [from, to] = plot.series[0].idxs;
  return plot.data.slice(1).map((values) => values.slice(from, to + 1).filter((v) => v !== null && v !== undefined));
}

/** The ends of the y axis, and in the plot's note how many values are beyond them. */
function rangeOf(plot, note) {
  const lists = valuesInSight(plot);
  if (view.logY) {
    const positive = lists.flat().filter((value) => value > 0);
    note.textContent = "";
    if (positive.length === 0) return [0.1, 1];
    const [least, most] = positive.reduce(([a, b], value) => [Math.min(a, value), Math.max(b, value)], [Infinity, 0]);
    const margin = Math.max(1.02, (most / least) ** 0.05);
    return [least / margin, most * margin];
  }
  const range = ordinaryRange(lists);
  if (range === undefined) return [0, 1];
  const { min, max, outside, greatest } = range;
  note.textContent = outside === 0
    ? ""
    : `${outside === 1 ? "One value is" : `${format(outside)} values are`} beyond this axis, ` +
      `the largest at ${format(greatest)}. Log y axes show them all.`;
  return uPlot.rangeNum(min, max, 0.1, false);
}

/** Where a line's point is that is nearest to a place on the x axis. */
function nearestPoint(plot, line, index) {
  const values = plot.data[line];
  for (let away = 0; away < values.length; away++) {
    for (const at of [index - away, index + away]) if (values[at] !== null && values[at] !== undefined) return at;
  }
  return index;
}

/** What a plot says below it: the values of one run's lines, or those of the line that is pointed at. */
function readOut(plot, { lines, formatX, xLabel, isOne }) {
  const { idxs, top } = plot.cursor;
  const isAway = plot.cursor.left < 0 || idxs?.[0] === null || idxs?.[0] === undefined;
  if (isOne) {
    const values = lines.map(({ label, ys }, i) =>
      `${label} ${format(isAway ? ys.at(-1) : plot.data[i + 1][idxs[i + 1]])}`
    );
    return { text: `${isAway ? "last" : `${xLabel} ${formatX(plot.data[0][idxs[0]])}`}: ${values.join("; ")}` };
  }
  if (isAway) return { text: "" };
  const distances = lines.map((_, i) => {
    const at = idxs[i + 1];
    const value = plot.data[i + 1][at];
    return Math.hypot(plot.valToPos(value, "y") - top, plot.valToPos(plot.data[0][at], "x") - plot.cursor.left);
  });
  const nearest = distances.indexOf(Math.min(...distances));
  if (!(distances[nearest] < NEAR)) return { text: "" };
  const { run, label, name } = lines[nearest];
  const at = idxs[nearest + 1];
  return {
    run,
    text: `${name}: ${xLabel} ${formatX(plot.data[0][at])}, ${label} ${format(plot.data[nearest + 1][at])}`,
  };
}

/** Shows how each kind of line is drawn. */
function fillKey(key, { lines, isOne }) {
  const kinds = new Map(lines.map((line) => [line.label, line]));
  key.replaceChildren();
  if (kinds.size < 2) return;
  for (const { label, colour, isDashed, alpha } of kinds.values()) {
    const item = append(key, "span");
    const sample = append(item, "i", isDashed ? "dashed" : "");
    if (isOne) sample.style.color = colour;
    sample.style.opacity = alpha;
    item.append(label);
  }
}

/** A finger that moves sideways zooms as a mouse does: the plotting library knows mice alone. */
function forwardTouch(over) {
  const pairs = { pointerdown: "mousedown", pointermove: "mousemove", pointerup: "mouseup", pointercancel: "mouseup" };
  for (const [from, to] of Object.entries(pairs)) {
    over.addEventListener(from, (event) => {
      if (event.pointerType !== "touch") return;
      const { clientX, clientY } = event;
      over.dispatchEvent(new MouseEvent(to, { clientX, clientY, button: 0, movementX: 1, bubbles: true }));
    });
  }
}

/** Makes a plot's cell: a heading, a key, room for the plot, what is said of it, and what is left out. */
function makeCell() {
  const cell = append(document.getElementById("plots"), "div");
  cell.hidden = true;
  const [heading, key, place, readout, note] = [["h2"], ["p", "key"], ["div"], ["p", "readout"], ["p", "note"]].map(
    ([name, className]) => append(cell, name, className),
  );
  return { cell, heading, key, place, readout, note };
}

/** Draws a plot into its cell. `say` is to be called when its values have changed. */
function createPlot(drawing, data, { cell, heading, key, place, readout, note }) {
  const { title, xLabel, yLabel, isTime, ticks, formatX, lines, isOne } = drawing;
  heading.textContent = title;
  fillKey(key, drawing);
  const style = getComputedStyle(document.documentElement);
  const [text, grid, back] = ["--text", "--grid", "--back"].map((name) => style.getPropertyValue(name));
  const axis = { stroke: text, labelSize: 20, grid: { stroke: grid, width: 1 }, ticks: { stroke: grid, width: 1 } };
  const labels = (formatValue) => (_, splits) => splits.map(formatValue);
  const isLogX = view.logX && ticks === undefined;
  const xScale = ticks
    ? { time: false, range: () => [-0.5, ticks.length - 0.5] }
    : { time: false, ...(isLogX && { distr: 3, range: (_, min, max) => [min, max > min ? max : min * 2] }) };
  const say = (plot) => {
    const said = readOut(plot, drawing);
    readout.textContent = said.text;
    nearRun(said.run);
  };
  const plot = new uPlot(
    {
      width: widthOf(cell),
      height: HEIGHT,
      // Room for the half of the last label that is beyond the end of the axis.
      padding: [8, 20, null, null],
      legend: { show: false },
      scales: { x: xScale, y: { range: (plot) => rangeOf(plot, note), ...(view.logY && { distr: 3 }) } },
      axes: [
        {
          ...axis,
          label: xLabel,
          size: 34,
          values: labels(formatX),
          ...(isTime && !isLogX && { incrs: TIME_STEPS }),
          ...(ticks && { splits: () => ticks.map((_, i) => i) }),
        },
        { ...axis, label: yLabel, values: labels(format), size: 70 },
      ],
      cursor: { dataIdx: nearestPoint, points: { show: isOne } },
      hooks: { setCursor: [say], ready: [say] },
      series: [{}, ...lines.map((line) => seriesOf(line, back))],
    },
    data,
    place,
  );
  forwardTouch(plot.over);
  return { plot, say: () => say(plot) };
}

function seriesOf({ colour, width, alpha, isDashed, isMarked, isPoint }, back) {
  return {
    stroke: colour,
    width,
    alpha,
    dash: isDashed ? [6, 4] : undefined,
    points: isPoint ? { show: true, size: 9, fill: colour } : { show: isMarked, fill: back },
    ...(isPoint && { paths: () => null }),
    spanGaps: true,
  };
}
