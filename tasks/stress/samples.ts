// Sound files of every kind that the project reads, and how each is read to its end.
import { Buffer } from "node:buffer";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { convertTokens } from "../../lib/dataset/token_files/convert_tokens.ts";
import { openTokenFile } from "../../lib/dataset/token_files/open_token_file.ts";
import { openTokens } from "../../lib/dataset/sharded_tokens.ts";
import { expandInputs } from "../../lib/corpus/expand_inputs.ts";
import { textSourceOf } from "../../lib/corpus/text_inputs.ts";
import { textPieces } from "../../lib/corpus/text_source.ts";
import { textsOf } from "../../lib/corpus/texts.ts";
import { sha256 } from "../../lib/io/sha256.ts";
import { Gguf } from "../../lib/formats/gguf/gguf.ts";
import { writeGguf } from "../../lib/formats/gguf/write_gguf.ts";
import { Safetensors } from "../../lib/formats/safetensors.ts";
import { parseCounts } from "../../lib/corpus/count/count_file.ts";
import { loadTokenizer } from "../../lib/tokenizer/mod.ts";
import type { PatternName } from "../../lib/tokenizer/pretokenize/patterns.ts";
import { trainBpeFromCounts } from "../../lib/corpus/train_bpe.ts";
import { CheckpointTensors, latestCheckpoint } from "../../lib/run/checkpoint.ts";
import { mergeConfigs, readConfigFile } from "../../lib/run/merge_config.ts";
import { readLog } from "../../lib/run/metrics_follower.ts";
import { reportHtml } from "../../lib/report/report.ts";
import { parameterSpecs } from "../../lib/model/parameters.ts";
import { openForeignModel } from "../../lib/run/open_foreign.ts";
import { readAnyRunConfig, readModelConfig, readRunConfig } from "../../lib/run/run_directory.ts";
import { readRunRecord } from "../../lib/run/run_record.ts";
import { readResults, sweepTable } from "../../lib/run/sweep_results.ts";
import { describeRun } from "../report/describe_run.ts";
import { runChild, type TaskCommand } from "./child.ts";
import { inputCommands, INPUTS } from "./kill_jobs.ts";

/** A file that is damaged and read. */
export interface Sample {
  readonly kind: string;
  /** Where it is. */
  readonly path: string;
  readonly isJson: boolean;
  /** Makes checksums right again, as one who means harm would. */
  readonly reseal?: (bytes: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer>;
  /** Reads it as the tasks do. */
  readonly read: () => Promise<unknown>;
}

/** The part of the text that samples are made of: they are to be read quickly. */
const TEXT_BYTES = 20_000;

/** Makes the files in an empty directory. */
export async function makeSamples(directory: string, text: Uint8Array<ArrayBuffer>): Promise<Sample[]> {
  const at = (name: string) => `${directory}/${name}`;
  const part = text.slice(0, TEXT_BYTES);
  await Deno.writeFile(at(INPUTS.text), part);
  await Deno.writeFile(at("text.gz"), gzipSync(part));
  await Deno.writeFile(at("text.zst"), zstdCompressSync(part));
  await Deno.writeFile(at("text.utf16"), Buffer.from(`\ufeff${new TextDecoder().decode(part)}`, "utf16le"));
  const lines = new TextDecoder().decode(part).split("\n\n").map((text) => JSON.stringify({ text, n: 1 }));
  await Deno.writeTextFile(at("lines.jsonl"), `${lines.join("\n")}\n`);
  const [tokenizer, tokens, run] = [INPUTS.tokenizer, INPUTS.tokens, "run"].map(at);
  const shape = "--context-length 8 --d-model 8 --num-layers 1 --num-heads 2 --d-ff 8 --batch-size 2 --backend wasm";
  const training = ["--train", tokens, "--valid", tokens, "--tokenizer", tokenizer, ...shape.split(" ")];
  const commands: TaskCommand[] = [
    ...inputCommands(directory),
    {
      task: "train_bpe",
      args: ["--input", at(INPUTS.text), "--vocab-size", "400", "--out", at("ranks"), "--tiktoken"],
    },
    { task: "count", args: ["--input", at(INPUTS.text), "--out", at("a.counts")] },
    {
      task: "encode",
      args: ["--tokenizer", tokenizer, "--input", at(INPUTS.text), "--out", at("s"), "--shard-size", "10kB"],
    },
    { task: "train_lm", args: [...training, "--steps", "4", "--save-every", "2", "--valid-every", "2", "--out", run] },
    { task: "export", args: ["--run", run, "--format", "hf", "--out", at("hf")] },
    { task: "export", args: ["--run", run, "--format", "gguf", "--type", "Q8_0", "--out", at("model.gguf")] },
    { task: "import", args: ["--from", at("hf"), "--out", at("imported")] },
    { task: "sweep", args: [...training, "--steps", "2", "--lr", "1e-3,1e-2", "--out", at("sweep")] },
  ];
  for (const command of commands) {
    const { code, stderr } = await runChild(command);
    if (code !== 0) throw new Error(`Cannot make samples: ${command.task} ended with ${code}: ${stderr}`);
  }
  await writeGguf(
    at("tensors.gguf"),
    (["F32", "F16", "Q8_0"] as const).map((dtype) => ({
      name: dtype,
      dtype,
      shape: [2, 32],
      data: new Float32Array(64),
    })),
    [["texts", { type: "array", of: "string", value: lines.slice(0, 9) }], ["number", { type: "uint64", value: 1n }]],
  );
  using source = await openTokenFile(tokens);
  await convertTokens(source, at("llmc.bin"), "llmc");
  const pair = at("pair");
  await Deno.mkdir(pair);
  for (const name of ["vocab.json", "merges.txt"]) await Deno.copyFile(`${tokenizer}/${name}`, `${pair}/${name}`);
  return samplesIn(at, { tokenizer, pair, run, tokens });
}

function samplesIn(
  at: (name: string) => string,
  { tokenizer, pair, run, tokens }: Readonly<Record<"tokenizer" | "pair" | "run" | "tokens", string>>,
): Sample[] {
  const checkpoint = `${run}/checkpoints/step-000000004`;
  const json = { isJson: true };
  const binary = { isJson: false };
  const readCheckpoint = async () => {
    const { checkpoint } = await latestCheckpoint(`${run}/checkpoints`);
    using _tensors = checkpoint && await CheckpointTensors.open(checkpoint);
  };
  return [
    { kind: "npy", path: tokens, ...binary, read: () => readTokens(tokens) },
    { kind: "shard index", path: at("s.index.json"), ...json, read: () => readTokens(at("s.index.json")) },
    { kind: "tokenizer.json", path: `${tokenizer}/tokenizer.json`, ...json, read: () => readTokenizer(tokenizer) },
    { kind: "vocab.json", path: `${pair}/vocab.json`, ...json, read: () => readTokenizer(pair, "gpt2") },
    { kind: "merges.txt", path: `${pair}/merges.txt`, ...binary, read: () => readTokenizer(pair, "gpt2") },
    {
      kind: ".tiktoken",
      path: at("ranks/tokenizer.tiktoken"),
      ...binary,
      read: () => readTokenizer(at("ranks/tokenizer.tiktoken"), "gpt2"),
    },
    { kind: "jsonl", path: at("lines.jsonl"), ...json, read: () => readText(at("lines.jsonl")) },
    { kind: "gz", path: at("text.gz"), ...binary, read: () => readText(at("text.gz")) },
    { kind: "zst", path: at("text.zst"), ...binary, read: () => readText(at("text.zst")) },
    { kind: "utf-16", path: at("text.utf16"), ...binary, read: () => readText(at("text.utf16")) },
    { kind: "gguf", path: at("tensors.gguf"), ...binary, read: () => readGguf(at("tensors.gguf")) },
    { kind: "llm.c", path: at("llmc.bin"), ...binary, read: () => readTokenFile(at("llmc.bin")) },
    { kind: "counts", path: at("a.counts"), ...binary, reseal: resealCounts, read: () => readCounts(at("a.counts")) },
    {
      kind: "safetensors",
      path: `${run}/model.safetensors`,
      ...binary,
      read: () => readSafetensors(`${run}/model.safetensors`),
    },
    {
      kind: "checkpoint",
      path: `${checkpoint}/checkpoint.json`,
      ...json,
      reseal: resealCheckpoint,
      read: readCheckpoint,
    },
    { kind: "checkpoint's tensors", path: `${checkpoint}/optimizer.safetensors`, ...binary, read: readCheckpoint },
    { kind: "config.json", path: `${run}/config.json`, ...json, read: () => readConfigs(run) },
    { kind: "metrics.jsonl", path: `${run}/metrics.jsonl`, ...json, read: () => readReport(run) },
    { kind: "other config.json", path: at("hf/config.json"), ...json, read: () => readModel("huggingface", at("hf")) },
    {
      kind: "other safetensors",
      path: at("hf/model.safetensors"),
      ...binary,
      read: () => readModel("huggingface", at("hf")),
    },
    { kind: "gguf", path: at("model.gguf"), ...binary, read: () => readModel("gguf", at("model.gguf")) },
    {
      kind: "imported config.json",
      path: at("imported/config.json"),
      ...json,
      read: () => readAnyRunConfig(at("imported")),
    },
    {
      kind: "sweep.json",
      path: at("sweep/sweep.json"),
      ...json,
      read: async () => sweepTable(await readResults(at("sweep"))),
    },
  ];
}

async function readTokens(path: string): Promise<void> {
  using tokens = await openTokens(path);
  await tokens.read(0, tokens.length);
}

/** @param pattern For files that do not say it. */
async function readTokenizer(path: string, pattern?: PatternName): Promise<void> {
  const tokenizer = await loadTokenizer(path, { pattern });
  tokenizer.decode(tokenizer.encode("the cat sat<|endoftext|>"));
}

async function readText(path: string): Promise<void> {
  for (const input of await expandInputs([path])) {
    for await (const text of textsOf(textSourceOf(input))) for await (const _ of textPieces(text));
  }
}

async function readCounts(path: string): Promise<void> {
  trainBpeFromCounts(parseCounts(await Deno.readFile(path), path), { vocabSize: 270 });
}

async function readSafetensors(path: string): Promise<void> {
  using file = await Safetensors.open(path);
  for (const name of file.tensors.keys()) await file.readFloats(name);
}

async function readGguf(path: string): Promise<void> {
  using file = await Gguf.open(path);
  for (const name of file.tensors.keys()) file.readFloats(name);
}

async function readTokenFile(path: string): Promise<void> {
  using tokens = await openTokenFile(path);
  for await (const _ of tokens.pieces());
}

async function readModel(kind: "huggingface" | "gguf", path: string): Promise<void> {
  using model = await openForeignModel({ kind, path });
  for (const { name, shape } of parameterSpecs(model.config)) await model.weights(name, shape);
  await model.tokenizer();
}

async function readConfigs(run: string): Promise<void> {
  const failures: unknown[] = [];
  const readers = [
    readRunConfig,
    readModelConfig,
    async (run: string) => mergeConfigs([await readConfigFile(`${run}/config.json`)]),
  ];
  for (const read of readers) await read(run).catch((error) => failures.push(error));
  // All must fail as a person's mistake does, not only the first.
  if (failures.length > 0) throw failures.find((error) => !(error instanceof Error)) ?? failures[0];
}

async function readReport(run: string): Promise<void> {
  reportHtml([describeRun(run, await readRunRecord(run), await readLog(run))], { script: "", style: "" });
}

/** The SHA-256 of all before it makes the last 32 bytes of a count file. */
function resealCounts(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  if (bytes.length < 32) return bytes;
  const sealed = bytes.slice();
  sealed.set(Uint8Array.fromHex(sha256(bytes.subarray(0, -32))), bytes.length - 32);
  return sealed;
}

/** The field "sha256" of a checkpoint is that of the object without it, as JSON. */
function resealCheckpoint(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  let record: unknown;
  try {
    record = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return bytes;
  }
  if (typeof record !== "object" || record === null || Array.isArray(record)) return bytes;
  const { sha256: _, ...rest } = record as Record<string, unknown>;
  return new TextEncoder().encode(JSON.stringify({ ...rest, sha256: sha256(JSON.stringify(rest)) }));
}
