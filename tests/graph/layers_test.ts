import { assertEquals } from "@std/assert";

/** The optimizers' definitions: a room of its own, below the rest of training. */
const OPTIMIZERS = "train/optimizer";

/**
 * What each room may import besides its own files and the errors that all share. A room's mod.ts is its face: it may show
 * what stands above it as well, where people look for it there.
 */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  io: [],
  random: [],
  // A compiled graph is loaded on a backend.
  graph: ["backend"],
  ops: ["graph"],
  backend: ["graph", "io", "kernels"],
  tokenizer: ["io", "kernels"],
  dataset: ["io", "random", "tokenizer"],
  corpus: ["dataset", "io", "random", "tokenizer", "version.ts"],
  formats: ["io", "tokenizer"],
  // Other libraries' models: their configurations and tensors, as a Transformer's.
  interchange: ["formats", "io", "model", "tokenizer"],
  model: ["backend", "dataset", "formats", "graph", "io", "ops", "random"],
  generate: ["backend", "graph", "model", "ops", "random", "tokenizer"],
  // What is known of an optimizer, of a kernel or of the parts of a model is declared once, and accounting counts that.
  accounting: ["graph", "model", OPTIMIZERS],
  [OPTIMIZERS]: ["graph", "ops", "model", "io"],
  train: [
    "accounting",
    "backend",
    "dataset",
    "evaluate",
    "formats",
    "generate",
    "graph",
    "io",
    "model",
    "ops",
    "tokenizer",
    OPTIMIZERS,
  ],
  run: [
    "accounting",
    "backend",
    "dataset",
    "evaluate",
    "formats",
    "generate",
    "graph",
    "interchange",
    "io",
    "model",
    "tokenizer",
    "train",
    OPTIMIZERS,
  ],
  report: ["io", "run", "train"],
};

for (const [room, allowed] of Object.entries(MAY_IMPORT)) {
  Deno.test(`lib/${room} imports nothing from rooms above it`, () => {
    const imported = new Set<string>();
    for (const file of filesUnder(new URL(`../../lib/${room}/`, import.meta.url))) {
      if (file.pathname.endsWith("/mod.ts") || roomOf(file) !== room) continue;
      for (const [, path] of Deno.readTextFileSync(file).matchAll(/^(?:import|export) .*?from "(\.[^"]+)"/gms)) {
        imported.add(roomOf(new URL(path, file)));
      }
    }
    assertEquals([...imported].filter((name) => ![room, "errors.ts", ...allowed].includes(name)), []);
  });
}

/** The folder of lib that a file lies in, or the project's own folder. */
function roomOf(file: URL): string {
  const root = new URL("../../", import.meta.url);
  const path = file.pathname.slice(root.pathname.length);
  if (path.startsWith(`lib/${OPTIMIZERS}/`)) return OPTIMIZERS;
  const [first, second] = path.split("/");
  return first === "lib" ? second : first;
}

function* filesUnder(folder: URL): Generator<URL> {
  for (const { name, isDirectory } of Deno.readDirSync(folder)) {
    if (isDirectory) yield* filesUnder(new URL(`${name}/`, folder));
    else if (name.endsWith(".ts")) yield new URL(name, folder);
  }
}
