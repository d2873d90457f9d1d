// A stand-in for the part of jsr:@std/testing/snapshot that this project uses. Same names, same signatures, same files:
// `__snapshots__/NAME_test.ts.snap` beside the test, written by `deno test … -- --update`.
import { AssertionError } from "../assert/mod.ts";

/** The options of {@linkcode assertSnapshot} that this project uses. */
export interface SnapshotOptions<T = unknown> {
  /** Whether the value is compared or written. Default: compared, unless the tests were started with `-- --update`. */
  mode?: "assert" | "update";
  /** The message of a failure, instead of the difference. */
  msg?: string;
  /** The snapshot's name. Default: the test's. */
  name?: string;
  /** The file, from the test's folder. */
  path?: string;
  /** Gives the value's text. Default: {@linkcode serialize}. */
  serializer?: (actual: T) => string;
}

const files = new Map<string, SnapshotFile>();

/** Asserts that a value's text is the one that was written of it before. Its file is written once all tests have run. */
export async function assertSnapshot<T>(
  context: Deno.TestContext,
  actual: T,
  options?: SnapshotOptions<T> | string,
): Promise<void> {
  const { mode, msg, name, path, serializer = serialize } = typeof options === "string"
    ? { msg: options }
    : options ?? {};
  const test = new URL(context.origin);
  const url = new URL(path ?? `__snapshots__/${test.pathname.split("/").at(-1)}.snap`, test);
  let file = files.get(url.href);
  if (file === undefined) files.set(url.href, file = new SnapshotFile(url));
  const key = file.nextKey(name ?? nameOf(context));
  const isUpdate = mode === undefined ? Deno.args.some((arg) => arg === "--update" || arg === "-u") : mode === "update";
  const before = await file.read();
  const text = serializer(actual);
  if (isUpdate) return file.write(key, text);
  if (before === undefined) throw new AssertionError(msg ?? "Missing snapshot file.");
  const expected = before.get(key);
  if (expected === undefined) throw new AssertionError(msg ?? `Missing snapshot: ${key}`);
  if (text !== expected) throw new AssertionError(msg ?? differenceOf(text, expected));
}

/** A value's text, on as many lines as it has parts. */
export function serialize(actual: unknown): string {
  return Deno.inspect(actual, {
    depth: Infinity,
    sorted: true,
    trailingComma: true,
    compact: false,
    iterableLimit: Infinity,
    strAbbreviateSize: Infinity,
    breakLength: Infinity,
    escapeSequences: false,
  }).replaceAll("\r", "\\r");
}

function nameOf(context: Deno.TestContext): string {
  return context.parent ? `${nameOf(context.parent)} > ${context.name}` : context.name;
}

/** The lines that differ, with the actual one's sign first, and how to take them over. */
function differenceOf(actual: string, expected: string): string {
  const [a, b] = [actual.split("\n"), expected.split("\n")];
  const lines = [];
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    if (a[i] === b[i]) continue;
    if (i < a.length) lines.push(`-   ${a[i]}`);
    if (i < b.length) lines.push(`+   ${b[i]}`);
  }
  const all = `    [Diff] Actual / Expected\n\n${lines.join("\n")}`;
  return `Snapshot does not match:\n${all}\nTo update snapshots, run\n    deno test --allow-read --allow-write [files]... -- --update\n`;
}

/** A module that exports the snapshots by name. */
class SnapshotFile {
  readonly #url: URL;
  #reading: Promise<ReadonlyMap<string, string> | undefined> | undefined;
  #before: ReadonlyMap<string, string> | undefined;
  readonly #counts = new Map<string, number>();
  /** Those asked for, in this order; undefined for one that was only compared. */
  readonly #asked = new Map<string, string | undefined>();
  #isWritten = false;

  constructor(url: URL) {
    this.#url = url;
  }

  /** A test's first snapshot is NAME 1, its second NAME 2. */
  nextKey(name: string): string {
    const count = (this.#counts.get(name) ?? 0) + 1;
    this.#counts.set(name, count);
    const key = `${name} ${count}`;
    this.#asked.set(key, undefined);
    return key;
  }

  /** The snapshots that the file has; undefined if there is none. */
  async read(): Promise<ReadonlyMap<string, string> | undefined> {
    return this.#before = await (this.#reading ??= readSnapshots(this.#url));
  }

  write(key: string, text: string): void {
    this.#asked.set(key, text);
    if (this.#isWritten) return;
    this.#isWritten = true;
    globalThis.addEventListener("unload", () => this.#save());
  }

  #save(): void {
    const parts = ["export const snapshot = {};\n"];
    let numUpdated = 0;
    for (const [key, text = this.#before?.get(key)] of this.#asked) {
      if (text === undefined) continue;
      if (text !== this.#before?.get(key)) numUpdated++;
      const value = escape(text);
      parts.push(`\nsnapshot[\`${escape(key)}\`] = \`${value.includes("\n") ? `\n${value}\n` : value}\`;\n`);
    }
    Deno.mkdirSync(new URL(".", this.#url), { recursive: true });
    Deno.writeTextFileSync(this.#url, parts.join(""));
    if (numUpdated > 0) console.log(`\n > ${numUpdated} ${numUpdated === 1 ? "snapshot" : "snapshots"} updated.`);
  }
}

/** As it stands between backticks. */
function escape(text: string): string {
  return text.replace(/[\\`$]/g, "\\$&");
}

/** The snapshots in a file, by name; undefined if there is no such file. */
async function readSnapshots(url: URL): Promise<ReadonlyMap<string, string> | undefined> {
  let snapshot: Record<string, string>;
  try {
    ({ snapshot } = await import(url.href));
  } catch (error) {
    if (error instanceof TypeError && error.message.startsWith("Module not found")) return undefined;
    throw error;
  }
  // A text of several lines stands between two more line ends.
  return new Map(Object.entries(snapshot).map(([key, text]) => [key, text.includes("\n") ? text.slice(1, -1) : text]));
}
