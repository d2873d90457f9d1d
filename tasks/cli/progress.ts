// Progress on stderr: one line that is redrawn on a terminal, plain lines now and then where stderr is piped.
// @ts-types="@types/cli-progress"
import cliProgress from "cli-progress";
import { stderr } from "node:process";
import { columnsOfStderr, fitLine } from "./columns.ts";
import { unlessUnheard } from "./unheard.ts";

/** Milliseconds between plain lines when stderr is not a terminal. */
const PLAIN_LINE_MS = 5000;

/**
 * What tells a terminal to empty the line, and to break long lines, which it does not do for the bar; and what undoes the
 * latter and notes that the bar is now here, where the cursor goes back to in the end. Source: ECMA-48; xterm's ctlseqs.
 */
const [BEFORE_NOTE, AFTER_NOTE] = ["\r\x1b[K\x1b[?7h", "\x1b[?7l\x1b7"];

/** Texts by the names that a format has in braces. */
type Texts = Readonly<Record<string, string>>;

/** A progress line under way. */
export interface Progress {
  /** Moves to `value` and shows the texts that `format` names in braces. */
  update(value: number, texts: Texts): void;
  /** Prints a text of its own, above the line. */
  note(text: string): void;
  /** Leaves the last state on the screen. */
  stop(): void;
}

/**
 * Starts a progress line.
 * @param format Text with {bar}, {value}, {total} and names of texts given to `update`. Or parts of such a text, the most
 * important first: those that fit the terminal are shown, but for parts with an empty text.
 */
export function startProgress(total: number, format: string | readonly string[], texts: Texts): Progress {
  return stderr.isTTY ? startBar(total, format, texts) : startPlainLines(total, format);
}

/** Progress that is not shown. */
export const NO_PROGRESS: Progress = { update: ignore, note: ignore, stop: ignore };

/** The parts of a format with their texts; without those that have an empty one. */
export function filledParts(parts: readonly string[], texts: Texts): string[] {
  const isShown = (part: string) => [...part.matchAll(/\{(\w+)\}/g)].every(([, name]) => texts[name] !== "");
  return parts.filter(isShown).map((part) => filled(part, texts));
}

function filled(format: string, texts: Texts): string {
  return format.replace(/\{(\w+)\}/g, (_, name: string) => texts[name]);
}

function startBar(total: number, format: string | readonly string[], texts: Texts): Progress {
  const line = (parts: readonly string[], value: number, texts: Texts) =>
    fitLine(filledParts(parts, { ...texts, value: String(value), total: String(total) }), columnsOfStderr());
  const bar = new cliProgress.SingleBar(
    {
      format: typeof format === "string"
        ? format
        : (_options: unknown, { value }: { readonly value: number }, texts: Texts) => line(format, value, texts),
      stream: stderr,
      hideCursor: true,
      barsize: 20,
    },
    cliProgress.Presets.legacy,
  );
  // The terminal may go away before the work is done; the work continues, or is saved.
  stderr.on("error", ignore);
  // A copy: the bar writes each update into what it is given.
  bar.start(total, 0, { ...texts });
  return {
    update: (value, texts) => bar.update(value, texts),
    note: (text) => {
      stderr.write(`${BEFORE_NOTE}${printable(text)}\n${AFTER_NOTE}`);
      bar.render();
    },
    stop: () => bar.stop(),
  };
}

function ignore(): void {}

/** Lines without the bar: the first state, the last, and one now and then between. */
function startPlainLines(total: number, format: string | readonly string[]): Progress {
  let last = "";
  let lastTime = -Infinity;
  const print = () => {
    if (last !== "") say(last);
    last = "";
    lastTime = performance.now();
  };
  return {
    update: (value, texts) => {
      const all: Texts = { ...texts, value: String(value), total: String(total) };
      last = typeof format === "string"
        ? filled(format.replace(" [{bar}]", ""), all)
        : filledParts(format, all).join("  ");
      if (performance.now() - lastTime >= PLAIN_LINE_MS) print();
    },
    note: (text) => {
      if (last !== "") print();
      say(printable(text));
    },
    stop: print,
  };
}

/** Work continues even if nobody is watching any more. */
function say(text: string): void {
  unlessUnheard(() => console.error(text));
}

/** A text without the control characters that a terminal would obey. */
function printable(text: string): string {
  // deno-lint-ignore no-control-regex
  return text.replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/g, "\uFFFD");
}

/** `1:05` or `2:03:20`. */
export function formatSeconds(seconds: number): string {
  if (!Number.isFinite(seconds)) return "-";
  const whole = Math.round(seconds);
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const pad = (n: number) => String(n).padStart(2, "0");
  return h > 0 ? `${h}:${pad(m)}:${pad(s)}` : `${m}:${pad(s)}`;
}
