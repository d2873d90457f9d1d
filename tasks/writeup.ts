/**
 * Answers the write-up's questions anew, with values computed or measured here beside the reference's.
 *
 *   deno task writeup --story data/shakespeare.txt --out data/WRITEUP.md
 */
import { writeFileAtomically } from "../lib/io/atomic.ts";
import { loadTokenizer } from "../lib/tokenizer/mod.ts";
import { tokenizerFiles } from "../lib/formats/tokenizer_dir.ts";
import { TOKENIZER_ENTRIES } from "../lib/formats/tokenizer_dir.ts";
import { startBackend } from "./cli/backend.ts";
import { requireDirectory, requireInputFile } from "./cli/files.ts";
import type { Flags } from "./cli/flags.ts";
import { requireOutputFile } from "./cli/output.ts";
import { projectFile } from "./cli/project_file.ts";
import { runProgram } from "./cli/program.ts";
import { runTask } from "./cli/run.ts";
import { adamwSection, transformerSection } from "./writeup/accounting.ts";
import { code, formatMarkdown } from "./writeup/markdown.ts";
import { sgdSection } from "./writeup/sgd.ts";
import { type Corpus, readCorpus } from "./writeup/texts.ts";
import { compressionSection, type MeasuredTokenizer, trainingSection, trainMeasured } from "./writeup/tokenizers.ts";
import { unicodeSection } from "./writeup/unicode.ts";

const HELP = `
Answers the write-up's questions about Unicode, BPE, compression, accounting and gradient descent, as Markdown: each with
the reference's value and the one computed or measured here.

  deno task writeup --out writeup.md
  deno task writeup --story stories.txt --web web.txt --out writeup.md

  --story FILE           Text of stories; may be given several times (default: data/shakespeare.txt)
  --web FILE             Text from the web; may be given several times. Without it, there is no second text.
  --story-vocab-size N   Tokens to train on the stories (default: 10,000)
  --web-vocab-size N     Tokens to train on the web text (default: 32,000)
  --tokenizer DIR        Measure this tokenizer instead of training; may be given several times.
  --backend NAME         auto, webgpu, native or wasm, for gradient descent (default: auto)
  --out FILE.md          Write to this file instead of standard output.
  --force                Replace an existing FILE.md.
`;

const FLAGS = {
  story: { type: "strings" },
  web: { type: "strings" },
  "story-vocab-size": { type: "integer", default: 10_000, min: 257 },
  "web-vocab-size": { type: "integer", default: 32_000, min: 257 },
  tokenizer: { type: "strings" },
  backend: { type: "string", default: "auto", choices: ["auto", "webgpu", "native", "wasm"] },
  out: { type: "string" },
  force: { type: "boolean" },
} as const;

type WriteupFlags = Flags<typeof FLAGS>;

export async function main(args: string[]): Promise<number> {
  return await runTask({ name: "writeup", help: HELP, flags: FLAGS }, args, (flags) => {
    const story = flags.story.length > 0 ? flags.story : [projectFile("data/shakespeare.txt")];
    return writeUp({ ...flags, story });
  });
}

async function writeUp(flags: WriteupFlags): Promise<void> {
  if (flags.out !== undefined) {
    const tokenizers = await Promise.all(flags.tokenizer.map(tokenizerFiles));
    const inputs = [...flags.story, ...flags.web, ...tokenizers.flat()];
    await requireOutputFile(flags.out, { force: flags.force, inputs });
  }
  for (const path of [...flags.story, ...flags.web]) await requireInputFile(path);
  for (const path of flags.tokenizer) await requireDirectory(path, TOKENIZER_ENTRIES);

  const corpora: Corpus[] = [];
  const tokenizers = await loadAll(flags.tokenizer);
  for (const kind of ["story", "web"] as const) {
    if (flags[kind].length === 0) continue;
    const corpus = await readCorpus(kind, flags[kind]);
    corpora.push(corpus);
    if (flags.tokenizer.length > 0) continue;
    // Before the next text is read, which would count as this training's memory.
    const vocabSize = flags[`${kind}-vocab-size`];
    console.error(`Training ${vocabSize} tokens on the ${kind} text`);
    tokenizers.push(await trainMeasured(corpus, vocabSize));
  }
  console.error("Measuring compression and throughput");
  const sections = [
    unicodeSection(corpora),
    trainingSection(tokenizers, corpora),
    compressionSection(tokenizers, corpora),
    transformerSection(),
    adamwSection(),
  ];
  await using backend = await startBackend(flags.backend);
  sections.push(await sgdSection(backend));

  const { arch, os } = Deno.build;
  const markdown = formatMarkdown("Write-up", [
    `Made by ${code("deno task writeup")} with Deno ${Deno.version.deno} on ${os} ${arch}, ` +
    `${navigator.hardwareConcurrency} logical cores. Regenerate it rather than edit it.`,
  ], sections);
  if (flags.out === undefined) return console.log(markdown.trimEnd());
  await writeFileAtomically(flags.out, markdown, { replace: flags.force });
  console.error(`Written to ${flags.out}`);
}

async function loadAll(directories: readonly string[]): Promise<MeasuredTokenizer[]> {
  const loaded = [];
  for (const name of directories) loaded.push({ name, tokenizer: await loadTokenizer(name) });
  return loaded;
}

if (import.meta.main) await runProgram(main);
