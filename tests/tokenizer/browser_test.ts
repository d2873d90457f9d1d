import { assertEquals, assertStringIncludes } from "@std/assert";
import { fileURLToPath } from "node:url";
import { trainBpe } from "../../lib/corpus/train_bpe.ts";
import { formatTokenizerJson } from "../../lib/tokenizer/vocabulary/tokenizer_json.ts";
import { browserTest } from "../harness/browser.ts";
import { filesUnder } from "../harness/source_files.ts";
import { inTemporaryDirectory } from "../harness/temporary_directory.ts";

const ROOT = new URL("../../", import.meta.url);
/** What people import. It shows what stands above the tokenizer as well: its files, and training from files. */
const FACE = "lib/tokenizer/mod.ts";

const TEXT = "the cat the hat 你好 <|endoftext|> 1010 naïve ".repeat(9);
const PROBE = "the hat<|endoftext|>你好, cat";
const VOCAB_SIZE = 280;

/** What is said by a page, or by another place without Deno, of all that the tokenizer does with what is in memory. */
interface Said {
  readonly runtimes: readonly string[];
  readonly ids: readonly (readonly number[])[];
  readonly text: string;
  readonly counted: boolean;
  readonly refusal: string;
}

/** The statements that end in `said`, given `face`, the module, and `json`, a tokenizer's. */
const USE = `
  const text = ${JSON.stringify(TEXT)}, probe = ${JSON.stringify(PROBE)};
  const { addCounts, countTexts, formatCounts, loadTokenizer, parseCounts, trainBpe, trainBpeFromCounts } = face;
  const trained = await trainBpe(text, { vocabSize: ${VOCAB_SIZE} });
  const loaded = await Promise.all([json, new TextEncoder().encode(json), new Response(json)].map((s) => loadTokenizer(s)));
  const counts = await countTexts([text]);
  const file = formatCounts(counts);
  const tokenizers = [trained, ...loaded, trainBpeFromCounts(parseCounts(file, "counts"), { vocabSize: ${VOCAB_SIZE} })];
  const refusal = await loadTokenizer("tokenizer.json").then(() => "", (error) => error.name + ": " + error.message);
  const said = {
    runtimes: ["Deno", "process", "Buffer"].filter((name) => name in globalThis),
    ids: tokenizers.map((tokenizer) => [...tokenizer.encode(probe)]),
    text: trained.decode(trained.encode(probe)),
    counted: file.length > 32,
    refusal,
  };`;

async function requireSaid({ runtimes, ids, text, counted, refusal }: Said): Promise<void> {
  const here = [...(await trainBpe(TEXT, { vocabSize: VOCAB_SIZE })).encode(PROBE)];
  assertEquals(runtimes, []);
  assertEquals(ids, [here, here, here, here, here]);
  assertEquals(text, PROBE);
  assertEquals(counted, true);
  assertStringIncludes(refusal, "UserError: Cannot load a tokenizer from tokenizer.json: got a path");
}

async function deno(...args: string[]): Promise<string> {
  const command = new Deno.Command(Deno.execPath(), { args, cwd: ROOT, env: { NO_COLOR: "1" } });
  const { code, stdout, stderr } = await command.output();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  assertEquals(code, 0, decode(stderr));
  return decode(stdout);
}

/** Every module that a file reaches, itself too. */
async function reachedFrom(path: string): Promise<string[]> {
  const { modules } = JSON.parse(await deno("info", "--json", "--no-lock", path)) as {
    modules: { specifier: string }[];
  };
  return modules.map(({ specifier }) => specifier);
}

const tokenizerFiles = () => [...filesUnder("lib/tokenizer")].map(({ path }) => path).filter((path) => path !== FACE);

Deno.test("lib/tokenizer is made of what a browser has: no Deno, no node, no package", () =>
  inTemporaryDirectory(async (dir) => {
    // With a page's types alone, a name of Deno's or node's anywhere below is an error of its own.
    const compilerOptions = { lib: ["esnext", "dom", "dom.iterable", "dom.asynciterable"] };
    await Deno.writeTextFile(`${dir}/deno.json`, JSON.stringify({ compilerOptions }));
    await deno("check", "--quiet", "--no-lock", "--config", `${dir}/deno.json`, ...tokenizerFiles());
    // The types of what is imported by a name of node's come with it.
    const all = tokenizerFiles().map((path) => `import ${JSON.stringify(new URL(path, ROOT))};\n`);
    await Deno.writeTextFile(`${dir}/all.ts`, all.join(""));
    const reached = await reachedFrom(`${dir}/all.ts`);
    assertEquals(reached.length > all.length, true);
    assertEquals(reached.filter((specifier) => !specifier.startsWith("file:")), []);
  }));

Deno.test("what lib/tokenizer/mod.ts reaches is files of the project alone", async () => {
  assertEquals((await reachedFrom(FACE)).filter((specifier) => !specifier.startsWith(ROOT.href)), []);
});

const json = formatTokenizerJson((await trainBpe(TEXT, { vocabSize: VOCAB_SIZE })).vocabulary);

Deno.test("without the runtime's own API, a tokenizer is trained, loaded from memory, and used", async () => {
  const source = `
    const say = console.log;
    for (const name of ["Deno", "process", "Buffer"]) delete globalThis[name];
    const face = await import(${JSON.stringify(new URL(FACE, ROOT))});
    const json = ${JSON.stringify(json)};
    ${USE}
    say(JSON.stringify(said));`;
  await requireSaid(JSON.parse(await deno("eval", source)));
});

browserTest(
  "in a browser a tokenizer is trained, loaded from memory, and used",
  (open) =>
    inTemporaryDirectory(async (dir) => {
      const reached = (await reachedFrom(FACE)).map((specifier) => fileURLToPath(specifier));
      const sources = reached.filter((path) => path.endsWith(".ts"));
      await deno("transpile", "--quiet", "--no-check", "--no-lock", "--outdir", dir, ...sources);
      await using server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, (request) => {
        return serve(dir, new URL(request.url).pathname);
      });
      const { page, problems } = await open(`http://127.0.0.1:${server.addr.port}/`);
      const body = `(async (json) => { const face = await import("/${FACE}"); ${USE} return said; })`;
      await requireSaid(await page.evaluate(`${body}(${JSON.stringify(json)})`) as Said);
      assertEquals(problems, []);
    }),
);

/** An empty page, and modules as a bundler would make them: a file of text is one that exports it. */
async function serve(dir: string, path: string): Promise<Response> {
  if (path === "/") return new Response("<!doctype html>", { headers: { "content-type": "text/html" } });
  if (path === "/favicon.ico") return new Response(null, { status: 204 });
  const script = path.endsWith(".ts")
    ? (await Deno.readTextFile(dir + path.replace(/\.ts$/, ".js"))).replace(/ with \{\s*type: "text"\s*\}/g, "")
    : `export default ${JSON.stringify(await Deno.readTextFile(new URL(`.${path}`, ROOT)))};`;
  return new Response(script, { headers: { "content-type": "text/javascript" } });
}
