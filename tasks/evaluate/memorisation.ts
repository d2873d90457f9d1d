// evaluate --memorisation: what a model copied from its training text.
import { formatCount, formatShare } from "../../lib/accounting/units.ts";
import { formatTable } from "../../lib/accounting/table.ts";
import { isPlainFile, textSourceOf } from "../../lib/corpus/text_inputs.ts";
import { drawExcerpts, readBlocks } from "../../lib/evaluate/memorisation/excerpts.ts";
import { drawSamples } from "../../lib/evaluate/memorisation/draw_samples.ts";
import {
  MAX_VALID_BYTES,
  measureMemorisation,
  type MemorisationReport,
  type OverlapSummary,
} from "../../lib/evaluate/memorisation/measure.ts";
import { TextGenerator } from "../../lib/generate/generator.ts";
import { validateSampling } from "../../lib/generate/sampling.ts";
import { writeRunWeights } from "../../lib/run/origin_tensors.ts";
import { requireRoomToGenerate } from "../../lib/run/generation_room.ts";
import type { Tokenizer } from "../../lib/tokenizer/mod.ts";
import { startBackend } from "../cli/backend.ts";
import { UsageError, UserError } from "../cli/errors.ts";
import { fieldOptions, requireField } from "../cli/field_flag.ts";
import { untilInterrupted } from "../cli/interrupt.ts";
import { loadRun } from "../cli/load_run.ts";
import { startProgress } from "../cli/progress.ts";
import { findInputs, warn } from "../cli/text_inputs.ts";
import { TextProgress } from "../cli/text_progress.ts";
import type { EvaluateSettings } from "./flags.ts";
import { findText } from "./read_tokens.ts";

/** Bytes of an overlap that are shown. */
const SHOWN_BYTES = 500;

/** Draws samples, compares them with the corpus, and prints what was found. */
export async function evaluateMemorisation(flags: EvaluateSettings, corpusPath: string): Promise<void> {
  const sampling = { temperature: flags.temperature, topP: flags["top-p"] };
  validateSampling(sampling);
  const inputs = await findInputs([corpusPath], fieldOptions(flags));
  requireField(flags.field, inputs);
  if (inputs.length > 1) {
    throw new UserError(`Cannot read ${corpusPath}: got a directory, must be a file. Name the file that was encoded`);
  }
  if (flags.input !== undefined) await requirePlainText(flags.input, flags["as-text"]);
  const { model, tokenizer, weights: weightsPath } = await loadRun(flags.run, flags.weights, flags["weights-dtype"]);
  const report = await untilInterrupted(async (signal) => {
    const samples = await draw();
    const valid = flags.input === undefined ? undefined : await readBlocks(flags.input, MAX_VALID_BYTES);
    using progress = new TextProgress(isPlainFile(inputs[0]) ? inputs[0].bytes : undefined);
    return await measureMemorisation({
      samples,
      corpus: textSourceOf(inputs[0], { field: flags.field, stdin: Deno.stdin.readable, signal, onWarning: warn }),
      baseline: valid && drawExcerpts(valid, samples.map(({ length }) => length), flags.seed),
      valid,
      windowBytes: flags["window-bytes"],
      onProgress: (bytes) => progress.update({ storedBytes: bytes }),
      signal,
    });

    async function draw(): Promise<Uint8Array[]> {
      await using backend = await startBackend(flags.backend);
      requireRoomToGenerate(backend, model);
      using generator = await TextGenerator.create(backend, model, { isDrawable: (id) => tokenizer.hasToken(id) });
      await writeRunWeights(backend, model, weightsPath);
      const count = flags["num-samples"];
      const progress = startProgress(count, "{value}/{total} samples [{bar}]", {});
      try {
        return await drawSamples(generator, tokenizer, {
          ...sampling,
          count,
          maxTokens: flags["max-tokens"],
          prompt: flags.prompt,
          seed: flags.seed,
          onSample: (drawn) => progress.update(drawn, {}),
          signal,
        });
      } finally {
        progress.stop();
      }
    }
  });
  const described = describe(report, tokenizer);
  if (flags.json) console.log(JSON.stringify({ weights: weightsPath, corpus: corpusPath, ...described }, null, 2));
  else printReport(described, corpusPath, weightsPath, flags.input);
}

/** Excerpts are taken from all over a held-out text, so it must be one that can be read anywhere. */
async function requirePlainText(path: string, asText: boolean): Promise<void> {
  if (path === "-") {
    throw new UsageError(
      "Cannot evaluate: got --input - with --memorisation, must be a plain text file. Write it to one",
    );
  }
  const input = await findText(path, { "as-text": asText });
  if (isPlainFile(input)) return;
  const got = input.isJsonLines ? "JSON Lines" : input.isGzip ? "gzip data" : input.storage ?? "a stream";
  throw new UserError(`Cannot read ${path}: got ${got}, must be a plain text file. Write its text to one`);
}

/** What `--json` prints. */
function describe({ corpusBytes, samples, baseline, duplicates }: MemorisationReport, tokenizer: Tokenizer) {
  return {
    corpusBytes,
    samples: describeOverlaps(samples, tokenizer),
    ...(baseline && { baseline: describeOverlaps(baseline, tokenizer) }),
    ...(duplicates && {
      duplicates: {
        ...duplicates,
        // A text shorter than a window has none.
        share: duplicates.windows === 0 ? null : duplicates.shared / duplicates.windows,
      },
    }),
  };
}

function describeOverlaps({ overlaps, median, max, longest }: OverlapSummary, tokenizer: Tokenizer) {
  const { text, bytes, start, document, offset, content } = longest;
  const whole = wholeCharacters(content);
  return {
    count: overlaps.length,
    medianBytes: median,
    maxBytes: max,
    bytes: overlaps.map(({ bytes }) => bytes),
    longest: {
      bytes,
      characters: [...whole].length,
      tokens: tokenizer.encode(content).length,
      sample: text,
      start,
      document,
      offset,
      text: whole,
    },
  };
}

/** The text of bytes, without characters that were cut at either end. */
function wholeCharacters(bytes: Uint8Array): string {
  const isContinuation = (byte: number) => (byte & 0xc0) === 0x80;
  let start = 0;
  while (start < bytes.length && isContinuation(bytes[start])) start++;
  // With `stream`, the decoder keeps an unfinished character to itself.
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes.subarray(start), { stream: true });
}

type Description = ReturnType<typeof describe>;

function printReport(
  { corpusBytes, samples, baseline, duplicates }: Description,
  corpusPath: string,
  weightsPath: string,
  validPath: string | undefined,
): void {
  console.log(
    `${formatCount(samples.count)} samples of ${weightsPath} against ${corpusPath} (${formatCount(corpusBytes)} bytes)`,
  );
  const row = (name: string, { medianBytes, longest }: Description["samples"]) => [
    name,
    medianBytes.toLocaleString("en-US"),
    ...[longest.bytes, longest.characters, longest.tokens].map(formatCount),
  ];
  const header = ["longest verbatim overlap", "median bytes", "max bytes", "characters", "tokens"];
  console.log(formatTable(header, [
    row("samples", samples),
    ...(baseline ? [row("held-out text of the same lengths", baseline)] : []),
  ]));
  if (duplicates) {
    const { windows, shared, share, windowBytes } = duplicates;
    console.log(
      share === null
        ? `${validPath} is shorter than a window of ${windowBytes} bytes`
        : `${formatShare(share)} of windows of ${windowBytes} bytes in ${validPath} are in the training text ` +
          `(${formatCount(shared)} of ${formatCount(windows)})`,
    );
  } else {
    console.log("For something to compare this with, add held-out text: --input VALID.txt");
  }
  const { sample, document, offset, text } = samples.longest;
  const where = document > 0 ? ` of document ${formatCount(document)}` : "";
  const cut = text.length > SHOWN_BYTES ? `${text.slice(0, SHOWN_BYTES)}…` : text;
  console.log(`The longest, in sample ${sample}, is at byte ${formatCount(offset)}${where}:\n${cut}`);
}
