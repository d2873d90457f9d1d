import { assert, assertEquals, assertMatch } from "@std/assert";
import { gzipSync } from "node:zlib";
import { createWasmBackend } from "../../lib/backend/wasm.ts";
import { Transformer } from "../../lib/model/transformer.ts";
import { initialWeights, writeWeights } from "../../lib/model/weights.ts";
import { saveWeights } from "../../lib/model/weights_file.ts";
import { saveTokenizer, trainBpe } from "../../lib/tokenizer/mod.ts";
import { Evaluator } from "../../lib/evaluate/evaluator.ts";
import { main } from "../../tasks/evaluate.ts";
import { capture } from "../cli/capture.ts";

const encoder = new TextEncoder();
const TEXT = "the cat sat on the mat, naïve 你好; the dog sat on the log. ".repeat(40);
const MODEL = { vocabSize: 300, contextLength: 16, dModel: 16, numLayers: 1, numHeads: 2, dFf: 24, ropeTheta: 10000 };

/** A run of an untrained model, whose samples are noise. */
async function withRun(body: (dir: string, args: string[]) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    await saveTokenizer(await trainBpe(TEXT, { vocabSize: 280 }), `${dir}/run`);
    await Deno.writeTextFile(`${dir}/run/config.json`, JSON.stringify({ model: MODEL }));
    const model = new Transformer(MODEL);
    await using backend = await createWasmBackend({ workers: 1 });
    await Evaluator.create(backend, model, 1);
    await writeWeights(backend, model, initialWeights(MODEL, 1));
    await saveWeights(`${dir}/run/model.safetensors`, backend, model);
    await body(dir, ["--run", `${dir}/run`, "--backend", "wasm"]);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

async function evaluate(args: string[]): Promise<string> {
  const { code, stdout, stderr } = await capture(main, ...args);
  assertEquals(code, 0, stderr);
  return stdout;
}

Deno.test("evaluate prints the same numbers as text and as JSON", async () => {
  await withRun(async (dir, run) => {
    await Deno.writeTextFile(`${dir}/text.txt`, TEXT);
    const args = [...run, "--input", `${dir}/text.txt`];
    const { tokens, bytes, loss, perplexity, bitsPerByte } = JSON.parse(await evaluate([...args, "--json"]));
    const text = await evaluate(args);
    assertMatch(text, new RegExp(`^${tokens.toLocaleString("en-US")} tokens, ${bytes.toLocaleString("en-US")} bytes`));
    for (const number of [loss.toFixed(4), perplexity.toFixed(2), bitsPerByte.toFixed(4)]) {
      assert(text.includes(` ${number}`), `${number} in ${text}`);
    }
    // A model that knows nothing gives every token about the same probability.
    assert(Math.abs(loss - Math.log(MODEL.vocabSize)) < 0.2, `loss ${loss}`);
    // All but the first token's.
    assert(bytes < encoder.encode(TEXT).length && bytes >= encoder.encode(TEXT).length - 20);
  });
});

Deno.test("evaluate --weights-dtype rounds the weights", async () => {
  await withRun(async (dir, run) => {
    await Deno.writeTextFile(`${dir}/text.txt`, TEXT);
    const args = [...run, "--input", `${dir}/text.txt`, "--json"];
    const losses: number[] = [];
    for (const dtype of ["f32", "bf16", "int8"]) {
      losses.push(JSON.parse(await evaluate([...args, "--weights-dtype", dtype])).loss);
    }
    const [exact, ...rounded] = losses;
    // Far below what another model would be off by; and not 0.
    for (const loss of rounded) assert(loss !== exact && Math.abs(loss - exact) < 0.01, `${loss}, exact ${exact}`);
    assert(rounded[0] !== rounded[1]);
    const { code, stderr } = await capture(main, ...args, "--weights-dtype", "int4");
    assertEquals(code, 2);
    assertMatch(stderr, /got --weights-dtype int4, must be one of f32, bf16, int8/);
  });
});

Deno.test("evaluate reads a separator between documents as the token that encode makes of it", async () => {
  await withRun(async (dir, run) => {
    const documents = Array.from({ length: 6 }, (_, i) => `the cat of story ${i} sat on the mat`);
    await Deno.writeTextFile(`${dir}/book.txt`, documents.join("\n-----\n"));
    await Deno.writeTextFile(`${dir}/marked.txt`, documents.join("<|endoftext|>"));
    await Deno.writeTextFile(`${dir}/lines.jsonl`, documents.map((text) => `${JSON.stringify({ text })}\n`).join(""));
    const measure = async (name: string, ...args: string[]) =>
      JSON.parse(await evaluate([...run, "--input", `${dir}/${name}`, "--json", ...args]));
    const [plain, marked] = [await measure("book.txt"), await measure("marked.txt")];
    const separated = await measure("book.txt", "--document-separator", "\\n-----\\n");
    assertEquals([separated.tokens, separated.loss], [marked.tokens, marked.loss]);
    assert(plain.tokens > marked.tokens);
    // A byte is a byte of the text as it is: so many as without the flag, since the first token is the same.
    assertEquals(separated.bytes, plain.bytes);
    assertEquals(separated.bitsPerByte, separated.loss * separated.tokens / Math.LN2 / separated.bytes);

    // Texts of JSON Lines have none between them unless one is asked for; it is then no part of their bytes.
    const [lines, ended] = [
      await measure("lines.jsonl"),
      await measure("lines.jsonl", "--separator", "<|endoftext|>"),
    ];
    assertEquals(ended.tokens, lines.tokens + documents.length);
    assertEquals(ended.tokens, marked.tokens + 1);
    assertEquals(ended.bytes, lines.bytes);

    const none = await capture(main, ...run, "--input", `${dir}/book.txt`, "--separator", "</s>");
    assertEquals(none.code, 1);
    assertMatch(none.stderr, /Cannot put <\/s> after each text: the special tokens of .*run are <\|endoftext\|>\. To/);
    for (const flag of ["--separator=<|endoftext|>", "--document-separator=x"]) {
      const copied = await capture(main, ...run, "--memorisation", "--corpus", `${dir}/book.txt`, flag);
      assertEquals(copied.code, 2);
      assertMatch(copied.stderr, /got --(document-)?separator with --memorisation, must be left out/);
    }
  });
});

Deno.test("evaluate --memorisation finds samples that are in the corpus, and how much of a text is", async () => {
  await withRun(async (dir, run) => {
    const valid = TEXT.slice(0, 300);
    await Deno.writeTextFile(`${dir}/valid.txt`, valid);
    await Deno.writeTextFile(`${dir}/train.txt`, `some other text\n${TEXT}`);
    const options = ["--num-samples", "3", "--max-tokens", "30", "--temperature", "2", "--top-p", "1", "--seed", "4"];
    const args = [
      ...run,
      "--memorisation",
      "--input",
      `${dir}/valid.txt`,
      "--window-bytes",
      "40",
      ...options,
      "--json",
    ];
    const found = JSON.parse(await evaluate([...args, "--corpus", `${dir}/train.txt`]));
    assertEquals(found.corpusBytes, (await Deno.stat(`${dir}/train.txt`)).size);
    assertEquals([found.samples.count, found.baseline.count], [3, 3]);
    const { windows, shared, share, windowBytes } = found.duplicates;
    assertEquals([windows, shared, share, windowBytes], [encoder.encode(valid).length - 39, windows, 1, 40]);
    // Every excerpt of a text that is in the corpus is.
    assert(found.baseline.medianBytes > found.samples.maxBytes, JSON.stringify(found));
    const { bytes, document, offset, text } = found.baseline.longest;
    assertEquals([bytes, document], [found.baseline.maxBytes, 0]);
    const corpus = await Deno.readFile(`${dir}/train.txt`);
    const there = new TextDecoder().decode(corpus.subarray(offset, offset + bytes));
    // Characters that were cut at the ends are not shown.
    assertEquals(there.replace(/^�+|�+$/g, ""), text);

    // The same text as one of two packed documents.
    const lines = ["nothing", `some other text\n${TEXT}`].map((text) => JSON.stringify({ text })).join("\n");
    await Deno.writeFile(`${dir}/train.jsonl.gz`, gzipSync(lines));
    const packed = JSON.parse(await evaluate([...args, "--corpus", `${dir}/train.jsonl.gz`]));
    assertEquals(packed.samples.bytes, found.samples.bytes);
    assertEquals(packed.baseline.longest, { ...found.baseline.longest, document: 1 });

    const plain = await evaluate([...args.slice(0, -1), "--corpus", `${dir}/train.txt`]);
    assertMatch(plain, /^3 samples of .+model\.safetensors against .+train\.txt/);
    assertMatch(plain, /100\.00 % of windows of 40 bytes/);
    const other = JSON.parse(await evaluate([...args.with(args.indexOf("4"), "5"), "--corpus", `${dir}/train.txt`]));
    assert(JSON.stringify(other.samples) !== JSON.stringify(found.samples), "another seed, the same samples");
  });
});

Deno.test("evaluate refuses a mode without what it needs", async () => {
  for (
    const [args, problem] of [
      [["--run", "x"], /: --input is required/],
      [["--run", "x", "--memorisation"], /got --memorisation without --corpus/],
      [["--run", "x", "--corpus", "y"], /got --corpus without --memorisation/],
      // What would have no effect.
      [["--run", "x", "--memorisation", "--corpus", "y", "--stride", "3"], /got --stride with --memorisation/],
      [["--run", "x", "--memorisation", "--corpus", "y", "--batch-size", "8"], /got --batch-size with --memorisation/],
      [["--run", "x", "--memorisation", "--corpus", "y", "--dtype", "f32"], /got --dtype with --memorisation/],
      [["--run", "x", "--memorisation", "--corpus", "y", "--window-bytes", "9"], /got --window-bytes without --input/],
      [["--run", "x", "--input", "y", "--window-bytes", "9"], /got --window-bytes without --memorisation/],
      [["--run", "x", "--input", "y", "--seed", "0"], /got --seed without --memorisation/],
      [["--run", "x", "--input", "y", "--prompt", ""], /got --prompt without --memorisation/],
    ] as const
  ) {
    const { code, stderr } = await capture(main, ...args);
    assertEquals(code, 2);
    assertMatch(stderr, problem);
  }
});

Deno.test("evaluate refuses a stride and a batch size that its model cannot have, in one line", async () => {
  await withRun(async (dir, run) => {
    await Deno.writeTextFile(`${dir}/text.txt`, TEXT);
    const refused = async (flag: string, value: string, code: number, says: RegExp) => {
      const result = await capture(main, ...run, "--input", `${dir}/text.txt`, flag, value);
      assertEquals([result.code, result.stdout], [code, ""], result.stderr);
      assertMatch(result.stderr.trimEnd().split("\n").at(-1)!, says);
    };
    const stride =
      /^error: Cannot evaluate: got --stride 17, must be at most the model's context length, 16\. See: .*--help$/;
    await refused("--stride", "17", 2, stride);
    for (const value of ["100000000", "9007199254740991"]) {
      await refused(
        "--batch-size",
        value,
        2,
        new RegExp(`^error: Cannot score: got a batch size of ${value}, must be`),
      );
    }
  });
});
