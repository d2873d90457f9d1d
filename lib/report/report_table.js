// Runs in the reader's browser: the table of runs, which shows and hides their lines, and sorts.
/* global view colourOf drawAll drawn current */
// deno-lint-ignore-file no-unused-vars
const table = document.getElementById("runs");

/** The column that the reader sorted by, and whether downwards. */
let sorting;

/** After the table was put into the page: gives it what the reader chose, and the lines' colours. */
function dressTable() {
  const rows = [...table.querySelectorAll("[data-run]")];
  for (const row of rows) {
    const run = Number(row.dataset.run);
    row.querySelector("input").checked = !view.hidden.has(run);
    row.querySelector(".swatch").style.background = colourOf(run, rows.length);
  }
  if (sorting) sortRows(rows);
}

function sortRows(rows) {
  const { column, isDown } = sorting;
  const valueOf = (row) => row.cells[column].dataset.value ?? row.cells[column].textContent;
  const number = (text) => text.trim() === "" ? NaN : Number(text);
  const compare = (a, b) => {
    const [x, y] = [a, b].map(valueOf);
    const [m, n] = [x, y].map(number);
    if (!Number.isNaN(m) && !Number.isNaN(n)) return isDown ? n - m : m - n;
    // Numbers first, whichever way: a run without one has none to compare.
    if (Number.isNaN(m) !== Number.isNaN(n)) return Number.isNaN(m) ? 1 : -1;
    return isDown ? y.localeCompare(x) : x.localeCompare(y);
  };
  rows[0]?.parentElement.append(...rows.toSorted(compare));
  table.querySelectorAll("thead th").forEach((heading, i) => {
    if (i === column) heading.setAttribute("aria-sort", isDown ? "descending" : "ascending");
    else heading.removeAttribute("aria-sort");
  });
}

/** Marks the row of the run whose line is pointed at. */
function nearRun(run) {
  for (const row of table.querySelectorAll("[data-run]")) row.classList.toggle("near", Number(row.dataset.run) === run);
}

/** Makes the lines of all runs but one faint. */
function highlight(run) {
  for (const { plot, lines } of drawn.values()) {
    lines.forEach((line, i) => {
      plot.series[i + 1].alpha = line.alpha * (run === undefined || line.run === run ? 1 : 0.12);
    });
    plot.redraw(false);
  }
}

table.addEventListener("change", ({ target }) => {
  const run = Number(target.closest("[data-run]").dataset.run);
  if (target.checked) view.hidden.delete(run);
  else view.hidden.add(run);
  drawAll(current);
});

table.addEventListener("click", ({ target }) => {
  const heading = target.closest("thead th");
  if (heading === null) return;
  sorting = { column: heading.cellIndex, isDown: sorting?.column === heading.cellIndex && !sorting.isDown };
  sortRows([...table.querySelectorAll("[data-run]")]);
});

/** The run that is highlighted. */
let highlighted;

table.addEventListener("pointerover", ({ target, pointerType }) => {
  const row = target.closest("[data-run]");
  const run = row && pointerType === "mouse" ? Number(row.dataset.run) : undefined;
  if (run !== highlighted) highlight(highlighted = run);
});

table.addEventListener("pointerleave", () => highlight(highlighted = undefined));
