// Runs in the reader's browser: draws the plots of a report from the data beside it, as the reader wants to see them.
/* global uPlot format formatTime view dark colourOf linesOf createPlot makeCell append widthOf HEIGHT MOST_WITH_TRAINING
   dressTable */
/** The plots on the page, by title. */
const drawn = new Map();

/** Where each plot is or will be, by title. */
const cells = new Map();

/** What is drawn. */
let current = JSON.parse(document.getElementById("data").textContent);

/** A plot of a report as it is to be drawn. */
function drawingOf(spec, runs) {
  const lines = linesOf(spec, runs).map((line) => ({ ...line, name: runs[line.run].name }));
  const labels = [...new Set(lines.map(({ label }) => label.replace(/, smoothed$/, "")))];
  const words = spec.lines.length > 1 ? `${labels.join(" and ")} ${spec.title}` : spec.title;
  const isTime = spec.x === "seconds";
  return {
    ...spec,
    lines,
    isTime,
    title: words[0]?.toUpperCase() + words.slice(1),
    formatX: isTime ? formatTime : format,
  };
}

/** A sweep's lowest validation losses over the values of one setting. */
function sweepDrawing({ name, values, runs: found }, runs) {
  const shown = found.map((at, run) => ({ ...at, run })).filter(({ run, loss }) =>
    loss !== undefined && !view.hidden.has(run)
  );
  const tried = values.map((_, i) => i).filter((i) => shown.some(({ value }) => value === i));
  const lowest = tried.map((i) => Math.min(...shown.filter(({ value }) => value === i).map(({ loss }) => loss)));
  const style = { alpha: 1, width: 1.5, isDashed: false };
  const points = shown.map(({ run, value, loss }) => ({
    ...style,
    ...{ run, name: runs[run].name, label: "lowest validation loss", xs: [value], ys: [loss] },
    ...{ colour: colourOf(run, runs.length), isPoint: true },
  }));
  const colour = getComputedStyle(document.documentElement).getPropertyValue("--muted");
  const line = { ...style, colour, name: "lowest of all", label: "lowest validation loss", xs: tried, ys: lowest };
  return {
    title: `Lowest validation loss by ${name}`,
    ...{ xLabel: name, yLabel: "nats per token", ticks: values, formatX: (i) => values[i] ?? "" },
    lines: tried.length > 0 ? [line, ...points] : [],
  };
}

/** Draws a plot, or puts new data into it; a stretch that the reader has zoomed into stays. */
function draw(key, drawing) {
  const { lines } = drawing;
  const before = drawn.get(key);
  const place = cells.get(key) ?? makeCell();
  cells.set(key, place);
  place.cell.hidden = lines.length === 0;
  if (lines.length === 0) {
    before?.plot.destroy();
    drawn.delete(key);
    return;
  }
  const data = uPlot.join(lines.map(({ xs, ys }) => [xs, ys]));
  const looks = JSON.stringify([lines.map(({ xs: _, ys: __, ...look }) => look), drawing.ticks, view, dark.matches]);
  const ends = before && { ...before.plot.scales.x };
  const isZoomed = before && !drawing.ticks && view.logX === before.isLogX &&
    (ends.min > before.plot.data[0][0] || ends.max < before.plot.data[0].at(-1));
  if (before?.looks === looks) {
    // What it says of the last values is read from its lines.
    before.drawing.lines = lines;
    before.plot.setData(data, !isZoomed);
    before.say();
  } else {
    before?.plot.destroy();
    drawn.set(key, { ...createPlot(drawing, data, place), cell: place.cell, looks, lines, drawing, isLogX: view.logX });
  }
  if (isZoomed) drawn.get(key).plot.setScale("x", { min: ends.min, max: ends.max });
}

function drawAll(data) {
  current = data;
  const { plots, runs, axes } = data;
  const isOne = runs.length === 1;
  const drawings = plots.map((spec) => [spec.title, drawingOf(spec, runs)]);
  // After the losses: what a sweep is made for.
  drawings.splice(2, 0, ...axes.map((axis) => [`sweep ${axis.name}`, sweepDrawing(axis, runs)]));
  for (const [key, drawing] of drawings) draw(key, { ...drawing, isOne });
  tools.hidden = drawn.size === 0;
  dressTable();
}

const tools = document.getElementById("tools");

/** A button that turns a part of the view on and off. */
function addSwitch(name, text, hint) {
  const button = append(tools, "button", "", text);
  button.title = hint;
  button.setAttribute("aria-pressed", view[name]);
  button.addEventListener("click", () => {
    view[name] = !view[name];
    button.setAttribute("aria-pressed", view[name]);
    drawAll(current);
  });
}

addSwitch("logY", "Log y axes", "Logarithmic: all values are visible");
addSwitch("logX", "Log x axes", "Logarithmic: gives the beginning more room");
addSwitch("smooth", "Smoothing", "Running means over a fortieth of each line, with the values themselves behind");
if (current.runs.length > MOST_WITH_TRAINING) {
  addSwitch("training", "Training loss", "Besides the validation loss, which is the one to compare");
}
append(
  tools,
  "span",
  "",
  "Drag sideways over a plot to zoom in, double-click or double-tap to see all of it again. Steps are counted from 1.",
);

drawAll(current);

dark.addEventListener("change", () => drawAll(current));

addEventListener("resize", () => {
  for (const { plot, cell } of drawn.values()) plot.setSize({ width: widthOf(cell), height: HEIGHT });
});
