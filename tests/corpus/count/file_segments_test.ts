import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import fc from "fast-check";
import { encodeFiles } from "../../../lib/corpus/encode/encode_files.ts";
import type { EncodeJob } from "../../../lib/corpus/encode/encode_segments.ts";
import { readNpy } from "../../../lib/dataset/npy_file.ts";
import { UserError } from "../../../lib/errors.ts";
import { SegmentQueue } from "../../../lib/io/segment_queue.ts";
import { workOnSegments } from "../../../lib/io/segment_work.ts";
import { type FileRange, numSegments, SegmentReader, wholeFiles } from "../../../lib/corpus/count/file_segments.ts";
import { SpecialTokens } from "../../../lib/tokenizer/pretokenize/special_tokens.ts";
import { TokenBytes } from "../../../lib/tokenizer/encode/token_bytes.ts";
import { Tokenizer } from "../../../lib/tokenizer/tokenizer.ts";
import { trainBpe } from "../../../lib/corpus/train_bpe.ts";
import { hostileBytes, hostileText, longText, SPECIALS } from "../../tokenizer/arbitraries.ts";
import { toLatin, trainOracle } from "../../tokenizer/oracle.ts";

const dir = await Deno.makeTempDir();
globalThis.addEventListener("unload", () => Deno.removeSync(dir, { recursive: true }));

const fileTexts = fc.array(fc.oneof(hostileBytes, longText.map((text) => new TextEncoder().encode(text))), {
  minLength: 1,
  maxLength: 3,
});

/** The texts as files; empty ones too. */
async function writeFiles(texts: readonly Uint8Array[]): Promise<string[]> {
  const paths = texts.map((_, i) => `${dir}/text${i}`);
  for (const [i, path] of paths.entries()) await Deno.writeFile(path, texts[i]);
  return paths;
}

/** The texts as files, to be encoded whole. */
async function textRanges(texts: readonly Uint8Array[]) {
  return (await wholeFiles(await writeFiles(texts))).map((range) => ({ ...range, endsText: true }));
}

function learned({ vocabulary: { tokens, merges } }: Tokenizer): [string, string][] {
  return Array.from(
    { length: merges.length / 3 },
    (_, i) => [toLatin(tokens.get(merges[i * 3])), toLatin(tokens.get(merges[i * 3 + 1]))],
  );
}

/** What training on files must give, whatever the threads and segments. */
async function assertTrains(texts: readonly Uint8Array[], segmentBytes: number, workers: number): Promise<void> {
  const expected = trainOracle(texts.map(toLatin), 40, SPECIALS);
  const tokenizer = await trainBpe((await writeFiles(texts)).map((path) => ({ path })), {
    vocabSize: 256 + SPECIALS.length + expected.length,
    specialTokens: SPECIALS,
    segmentBytes,
    workers,
  });
  assertEquals(learned(tokenizer), expected);
}

Deno.test("trainBpe() equals the slow oracle on files, wherever their segments end", async () => {
  await fc.assert(
    fc.asyncProperty(
      fileTexts,
      fc.integer({ min: 1, max: 200 }),
      (texts, segmentBytes) => assertTrains(texts, segmentBytes, 1),
    ),
    { seed: 11, numRuns: 150 },
  );
});

Deno.test("trainBpe() equals the slow oracle on files, for any number of workers", async () => {
  const texts = fc.sample(longText, { seed: 12, numRuns: 20 }).map((text) => new TextEncoder().encode(text));
  for (const workers of [1, 2, 3, 5]) await assertTrains(texts, 100, workers);
});

const training = fc.sample(fc.oneof(hostileText, longText), { seed: 13, numRuns: 200 }).join("");
const tokenizer = await trainBpe(training, { vocabSize: 800, specialTokens: SPECIALS });
const withWideIds = new Tokenizer({
  ...tokenizer.vocabulary,
  tokens: TokenBytes.from(structuredClone(tokenizer.vocabulary.tokens)),
  specials: [...tokenizer.vocabulary.specials, { text: "<wide>", id: 70_000 }],
});
withWideIds.vocabulary.tokens.set(70_000, new TextEncoder().encode("<wide>"));

async function assertEncodes(texts: readonly Uint8Array[], segmentBytes: number, workers: number): Promise<void> {
  for (const [kind, using] of [[Uint16Array, tokenizer], [Uint32Array, withWideIds]] as const) {
    const out = `${dir}/ids.npy`;
    const options = { segmentBytes, workers, separatorId: 2 };
    const done = await encodeFiles(using, await textRanges(texts), out, options);
    const expected = kind.from(texts.flatMap((text) => text.length > 0 ? [...using.encode(text), 2] : []));
    assertEquals(await readNpy(out), expected);
    assertEquals(done, { bytes: texts.reduce((sum, text) => sum + text.length, 0), tokens: expected.length });
  }
}

Deno.test("encodeFiles() writes the ids of the texts, wherever their segments end", async () => {
  await fc.assert(
    fc.asyncProperty(
      fileTexts,
      fc.integer({ min: 1, max: 200 }),
      (texts, segmentBytes) => assertEncodes(texts, segmentBytes, 1),
    ),
    { seed: 14, numRuns: 100 },
  );
});

Deno.test("encodeFiles() writes the ids of the texts, for any number of workers", async () => {
  const texts = fc.sample(longText, { seed: 15, numRuns: 30 }).map((text) => new TextEncoder().encode(text + "<wide>"));
  for (const workers of [1, 2, 3, 5]) await assertEncodes(texts, 64, workers);
});

Deno.test("encodeFiles() leaves nothing behind when it is aborted or fails", async () => {
  const ranges = await textRanges([new TextEncoder().encode("some words ".repeat(1000))]);
  const { path } = ranges[0];
  const before = Array.from(Deno.readDirSync(dir), (entry) => entry.name).sort();
  const abort = new AbortController();
  const onProgress = () => abort.abort(new Error("enough"));
  for (const workers of [1, 2]) {
    const options = { segmentBytes: 100, workers, onProgress, signal: abort.signal };
    await assertRejects(() => encodeFiles(tokenizer, ranges, `${dir}/new.npy`, options), Error, "enough");
  }
  const options = { segmentBytes: 100, workers: 1, onProgress: () => Deno.truncateSync(path, 300) };
  await assertRejects(
    () => encodeFiles(tokenizer, ranges, `${dir}/new.npy`, options),
    UserError,
    "must go on to 11000",
  );
  assertEquals(Array.from(Deno.readDirSync(dir), (entry) => entry.name).sort(), before);
});

Deno.test("workOnSegments() fails as a worker fails, and this thread does not wait for that worker's segment", async () => {
  const queue = new SegmentQueue(2);
  queue.take();
  const job: EncodeJob = {
    files: { ranges: [{ path: `${dir}/none`, start: 0, end: 9 }], segmentBytes: 5 },
    queue: queue.buffer,
    vocabulary: tokenizer.vocabulary,
    output: `${dir}/none.npy`,
    dtype: "uint16",
    specials: "special",
    endingTexts: [true],
  };
  function* own() {
    // The worker was given segment 0, so to say.
    while (!queue.isStartKnown(1)) yield 1;
  }
  const workerUrl = new URL("../../../lib/corpus/encode/encode_worker.ts", import.meta.url);
  const work = { queue, own: own(), workerUrl, job, numThreads: 2, onReport: () => {}, onProgress: () => {} };
  await assertRejects(() => workOnSegments(work), Error, "none.npy");
});

Deno.test("SegmentReader refuses a file that has become shorter", async () => {
  const [path] = await writeFiles([new TextEncoder().encode("a b c")]);
  using reader = new SegmentReader({ ranges: [{ path, start: 0, end: 9 }], segmentBytes: 100 }, new SpecialTokens([]));
  assertThrows(() => reader.read(0, () => {}), UserError, "it ended at byte 5, must go on to 9");
});

/** How often ranges are looked at while all their segments are read. */
async function looksAtRanges(numFiles: number): Promise<number> {
  const [path] = await writeFiles([new TextEncoder().encode("a b c")]);
  let looks = 0;
  const ranges = new Proxy(Array.from({ length: numFiles }, (): FileRange => ({ path, start: 0, end: 5 })), {
    get(target, key, receiver) {
      if (typeof key === "string" && /^\d+$/.test(key)) looks++;
      return Reflect.get(target, key, receiver);
    },
  });
  const files = { ranges, segmentBytes: 100 };
  assertEquals(numSegments(files), numFiles);
  using reader = new SegmentReader(files, new SpecialTokens([]));
  const ended: number[] = [];
  for (let segment = 0; segment < numFiles; segment++) {
    ended.push(reader.read(segment, (piece) => assertEquals(piece.length, 5)).endedRange);
  }
  assertEquals(ended, Array.from({ length: numFiles }, (_, i) => i));
  return looks;
}

Deno.test("SegmentReader finds segments of many files without going through all of them each time", async () => {
  const few = await looksAtRanges(200), many = await looksAtRanges(800);
  assert(many < 6 * few, `${few} looks at 200 files, ${many} at 800`);
});
