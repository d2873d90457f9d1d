// Questions on BPE: training it, and what it compresses.
import process from "node:process";
import { formatCount, formatDuration, formatShare, formatSi } from "../../lib/accounting/units.ts";
import { type Tokenizer, trainBpe } from "../../lib/tokenizer/mod.ts";
import { code, type Section } from "./markdown.ts";
import { type Corpus, END_OF_TEXT, PIECE_BYTES } from "./texts.ts";

/** Bytes of the Pile. Source: Gao et al. 2020, arXiv:2101.00027 (825 GiB there; the course counts 825 GB). */
export const PILE_BYTES = 825e9;

/** How a training went; times in seconds. */
export interface TrainingTimes {
  /** Scanning the text into pre-tokens and counting them. */
  readonly pretokenize: number;
  readonly merge: number;
  /** The process's largest resident size until then, in bytes. */
  readonly peakMemory: number;
}

/** A tokenizer that the write-up measures. */
export interface MeasuredTokenizer {
  readonly name: string;
  readonly tokenizer: Tokenizer;
  /** Absent for one that was read from files. */
  readonly times?: TrainingTimes;
}

/** Trains on a text and times the phases. */
export async function trainMeasured({ kind, bytes }: Corpus, vocabSize: number): Promise<MeasuredTokenizer> {
  const started = performance.now();
  let counted = started;
  const tokenizer = await trainBpe(bytes, {
    vocabSize,
    specialTokens: [END_OF_TEXT],
    // The text is one piece, so this is called once, when it is counted.
    onProgress: () => counted = performance.now(),
  });
  const ended = performance.now();
  const peakMemory = process.resourceUsage().maxRSS * 1024;
  const times = { pretokenize: (counted - started) / 1000, merge: (ended - counted) / 1000, peakMemory };
  return { name: `${kind} ${formatCount(tokenizer.vocabSize)}`, tokenizer, times };
}

/** The id of the longest token that is not special; the first of several. */
export function longestToken({ vocabulary: { tokens, specials } }: Tokenizer): number {
  const isSpecial = new Set(specials.map(({ id }) => id));
  let longest = -1;
  for (let id = 0; id < tokens.size; id++) {
    if (!isSpecial.has(id) && (longest < 0 || tokens.byteLength(id) > tokens.byteLength(longest))) longest = id;
  }
  return longest;
}

/** The two tokens whose merge made this one, if one did. */
export function mergeOf({ vocabulary: { merges } }: Tokenizer, id: number): [left: number, right: number] | undefined {
  for (let i = 0; i < merges.length; i += 3) if (merges[i + 2] === id) return [merges[i], merges[i + 1]];
  return undefined;
}

/** How a text is encoded on one thread. */
export interface Compression {
  readonly bytesPerToken: number;
  /** Bytes per second. */
  readonly throughput: number;
}

/** Milliseconds that a text is encoded for, at least. */
const MEASURE_MS = 300;

/** Encodes the whole text, again and again for a while, and takes the fastest pass. */
export function measureCompression(tokenizer: Tokenizer, bytes: Uint8Array): Compression {
  let tokens = 0;
  let fastest = Infinity;
  for (let total = 0; total < MEASURE_MS;) {
    const started = performance.now();
    const encoding = tokenizer.newEncoding();
    tokens = 0;
    for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
      tokens += encoding.push(bytes.subarray(at, at + PIECE_BYTES)).length;
    }
    tokens += encoding.flush().length;
    const milliseconds = performance.now() - started;
    fastest = Math.min(fastest, milliseconds);
    total += milliseconds;
  }
  return { bytesPerToken: bytes.length / tokens, throughput: bytes.length / (fastest / 1000) };
}

const show = ({ vocabulary: { tokens } }: Tokenizer, id: number) => code(new TextDecoder().decode(tokens.get(id)));

/** The section on training. */
export function trainingSection(measured: readonly MeasuredTokenizer[], corpora: readonly Corpus[]): Section {
  const each = (describe: (item: MeasuredTokenizer) => string) =>
    measured.map((item) => `${item.name}: ${describe(item)}`).join("\n");
  const texts = corpora.map(({ kind, paths, bytes }) => {
    const names = paths.map((path) => path.split("/").pop()).join(", ");
    return `${kind}: ${formatSi(bytes.length, "B")} (${names})`;
  });
  return {
    title: "Training BPE",
    answers: [
      { question: "Text", reference: "TinyStories; OpenWebText", here: texts.join("\n") },
      {
        question: "Time",
        reference: "2–2.5 minutes",
        here: each(({ times }) => times ? formatDuration(times.pretokenize + times.merge) : "read from files"),
      },
      {
        question: "Peak memory",
        reference: "2 GB",
        here: each(({ times }) =>
          times ? `${formatSi(times.peakMemory, "B")} (process so far, text held in memory)` : "–"
        ),
      },
      {
        question: "Longest token, and its last merge",
        reference: "` accomplishment`",
        here: each(({ tokenizer }) => {
          const id = longestToken(tokenizer);
          const merge = mergeOf(tokenizer, id);
          const parts = merge ? `, from ${merge.map((part) => show(tokenizer, part)).join(" + ")}` : "";
          return `${show(tokenizer, id)}, ${tokenizer.vocabulary.tokens.byteLength(id)} bytes${parts}`;
        }),
      },
      {
        question: "Time by phase",
        reference: "regular expression 29 %, merges 8 %",
        here: each(({ times }) => {
          if (!times) return "–";
          const whole = times.pretokenize + times.merge;
          return `pre-tokenization and counting ${formatShare(times.pretokenize / whole)}, merges ${
            formatShare(times.merge / whole)
          }`;
        }),
      },
    ],
    remarks: [
      "Training runs on one thread, the text in memory already: reading it is not in the time. The reference's 29 % and 8 % " +
      "are of a whole with other work in it, so they need not add up.",
    ],
  };
}

/** Bytes per token that the reference measured: of its tokenizer for a kind of text, on texts of each kind. */
const REFERENCE: ReadonlyMap<string, ReadonlyMap<string, string>> = new Map([
  ["story", new Map([["story", "4.01"], ["web", "3.40"]])],
  ["web", new Map([["story", "3.87"], ["web", "4.50"]])],
]);

/** What the reference measured: TinyStories are its stories, OpenWebText its web text. */
export function referenceCompression(trainedOn: string, kind: string): string {
  const bytes = REFERENCE.get(trainedOn)?.get(kind);
  return bytes === undefined ? "–" : `${bytes} bytes per token`;
}

/** The section on what the tokenizers do to texts. */
export function compressionSection(measured: readonly MeasuredTokenizer[], corpora: readonly Corpus[]): Section {
  const results = measured.flatMap((item) =>
    corpora.map((corpus) => ({ item, corpus, ...measureCompression(item.tokenizer, corpus.bytes) }))
  );
  const slowest = results.reduce((a, b) => a.throughput < b.throughput ? a : b);
  const days = PILE_BYTES / slowest.throughput / 86_400;
  const largest = measured.reduce((a, b) => a.tokenizer.vocabSize > b.tokenizer.vocabSize ? a : b);
  return {
    title: "Compression and throughput",
    answers: [
      ...results.map(({ item, corpus, bytesPerToken, throughput }) => ({
        question: `${item.name} tokens on ${corpus.kind} text`,
        reference: referenceCompression(item.name.split(" ")[0], corpus.kind),
        here: `${bytesPerToken.toFixed(2)} bytes per token, ${formatSi(throughput, "B/s")}`,
      })),
      {
        question: "The Pile (825 GB)",
        reference: "0.71 MB/s, 14 days",
        here: `${formatDuration(days * 86_400)} on one thread, at the slowest of the above (${
          formatSi(slowest.throughput, "B/s")
        })`,
      },
      {
        question: "Why uint16?",
        reference: "every id is below 65,536, and half the size of uint32",
        here: `the largest id here is ${formatCount(largest.tokenizer.vocabSize - 1)}; at two bytes a token the ` +
          `${results[0].corpus.kind} text shrinks to ${
            formatShare(2 / results[0].bytesPerToken)
          }. int16 would end at ` +
          `32,767; from 65,537 tokens on, ids are written as uint32`,
      },
    ],
    remarks: [
      "The reference measured on TinyStories and OpenWebText. Where the texts above are others, the bytes per token are " +
      "theirs, and need not agree. Throughput is the fastest of several passes over the whole text.",
    ],
  };
}
