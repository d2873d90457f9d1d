// Runs in the reader's browser: keeps a report that a server shows up to date.
/* global drawAll dressTable */
const SHORTEST_WAIT_MS = 1000;
/** So many times as long as an answer took the page waits before it asks again: a training beside it needs the machine. */
const WAIT_FACTOR = 10;

const live = JSON.parse(document.getElementById("live").textContent);
const statusLine = document.getElementById("status");

const clock = () => new Date().toLocaleTimeString("en-GB");

/** When the page was last known to show what there is, and when that last changed. */
let [asOf, changed] = [clock(), clock()];

function show({ version, content }) {
  live.version = version;
  document.title = content.title;
  document.querySelector("h1").textContent = content.title;
  for (const [name, html] of Object.entries(content.sections)) {
    const section = document.getElementById(name);
    // Only what differs, so that what the reader has scrolled to or marked stays. The server's template has escaped
    // whatever comes from a run; nothing else may be put into the page as HTML.
    if (section.shown !== html) section.innerHTML = html;
    section.shown = html;
  }
  drawAll(content.plots);
  changed = clock();
}

async function refresh() {
  const address = new URL(live.url, location.href);
  address.searchParams.set("seen", live.version);
  const response = await fetch(address);
  if (response.status === 204) return;
  if (!response.ok) throw new Error(await response.text());
  show(await response.json());
}

function sayStatus(text, isStale) {
  statusLine.textContent = text;
  statusLine.classList.toggle("warning", isStale);
}

async function follow() {
  for (;;) {
    const began = performance.now();
    try {
      await refresh();
      asOf = clock();
      sayStatus(`Up to date at ${asOf}; last change at ${changed}`, false);
    } catch (error) {
      // The server was stopped, or cannot read the run: what was seen stays.
      sayStatus(`Out of date: this is how it stood at ${asOf} (${error.message}). ${live.advice ?? ""}`, true);
    }
    const wait = Math.max(SHORTEST_WAIT_MS, WAIT_FACTOR * (performance.now() - began));
    await new Promise((resolve) => setTimeout(resolve, wait));
  }
}

follow();
