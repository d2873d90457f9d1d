// evaluate --chat and --choices on a model that nobody trained, against its logits.
import { assert, assertEquals, assertMatch } from "@std/assert";
import { createWasmBackend } from "../../../lib/backend/wasm.ts";
import { TextGenerator } from "../../../lib/generate/generator.ts";
import { Transformer } from "../../../lib/model/transformer.ts";
import { initialWeights, writeWeights } from "../../../lib/model/weights.ts";
import { saveWeights } from "../../../lib/model/weights_file.ts";
import { saveTokenizer, type Tokenizer, trainBpe } from "../../../lib/tokenizer/mod.ts";
import { main } from "../../../tasks/evaluate.ts";
import { capture } from "../../cli/capture.ts";
import { assertClose } from "../../harness/assert_close.ts";
import { inTemporaryDirectory } from "../../harness/temporary_directory.ts";

const TEXT =
  "Question: what do cows drink?\nAnswer: water. User:\nwhat is wet?\n\nAssistant:\nnaïve 你好, fire is hot. ";
const MODEL = { vocabSize: 320, contextLength: 48, dModel: 16, numLayers: 1, numHeads: 2, dFf: 24, ropeTheta: 10000 };

interface Run {
  readonly dir: string;
  readonly tokenizer: Tokenizer;
  /** −log p of each id from `from` on, in float64 from the logits of a text generator. */
  lossOf(ids: readonly number[], from: number): Promise<number>;
  evaluate(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }>;
}

async function withRun(body: (run: Run) => Promise<void>): Promise<void> {
  await inTemporaryDirectory(async (dir) => {
    const tokenizer = await trainBpe(TEXT.repeat(3), { vocabSize: 310, specialTokens: ["<|endoftext|>"] });
    await saveTokenizer(tokenizer, `${dir}/run`);
    await Deno.writeTextFile(`${dir}/run/config.json`, JSON.stringify({ model: MODEL }));
    await using backend = await createWasmBackend({ workers: 1 });
    const model = new Transformer(MODEL);
    using generator = await TextGenerator.create(backend, model);
    // Weights of an untrained model make all choices nearly alike.
    const weights = initialWeights(MODEL, 3);
    await writeWeights(backend, model, async (name, shape) => (await weights(name, shape)).map((x) => 4 * x));
    await saveWeights(`${dir}/run/model.safetensors`, backend, model);
    const lossOf = async (ids: readonly number[], from: number) => {
      const logits = await generator.allLogits(ids.slice(0, -1));
      let nats = 0;
      for (let i = from; i < ids.length; i++) {
        const row = [...logits.subarray((i - 1) * MODEL.vocabSize, i * MODEL.vocabSize)];
        const max = Math.max(...row);
        nats += max + Math.log(row.reduce((sum, x) => sum + Math.exp(x - max), 0)) - row[ids[i]];
      }
      return nats;
    };
    const evaluate = (...args: string[]) => capture(main, "--run", `${dir}/run`, "--backend", "wasm", ...args);
    await body({ dir, tokenizer, lossOf, evaluate });
  });
}

const QUESTIONS = Array.from({ length: 12 }, (_, i) => ({
  question: ["what do cows drink?", "what is wet?", "is fire hot?"][i % 3],
  choices: [["water", "fire is hot"], ["naïve 你好", "wet", "cows drink"], [
    "is",
    "what water is",
    "hot",
    "fire.",
  ]][i % 3]
    .map((text) => `${text}${i}`),
  label: i % 2,
}));

Deno.test("evaluate --choices finds what the logits say, in any order of the choices", async () => {
  await withRun(async ({ dir, tokenizer, lossOf, evaluate }) => {
    const ask = async (questions: readonly unknown[], ...args: string[]) => {
      await Deno.writeTextFile(`${dir}/q.jsonl`, questions.map((question) => JSON.stringify(question)).join("\n"));
      const { code, stdout, stderr } = await evaluate("--choices", `${dir}/q.jsonl`, ...args);
      assertEquals(code, 0, stderr);
      return { stdout, stderr };
    };
    const [likeliest, perByte]: number[][] = [[], []];
    for (const { question, choices, label } of QUESTIONS) {
      const prompt = `Question: ${question}\nAnswer:`;
      const losses: number[] = [];
      for (const choice of choices) {
        losses.push(await lossOf([...tokenizer.encode(`${prompt} ${choice}`)], tokenizer.encode(prompt).length));
      }
      const isBest = (losses: number[]) => losses[label] === Math.min(...losses) ? 1 : 0;
      likeliest.push(isBest(losses));
      perByte.push(isBest(losses.map((loss, i) => loss / new TextEncoder().encode(choices[i]).length)));
    }
    const mean = (all: readonly number[]) => all.reduce((sum, one) => sum + one, 0) / all.length;
    const error = (p: number) => Math.sqrt(p * (1 - p) / (QUESTIONS.length - 1));
    // The two must differ for the test to tell them apart, and be neither all nor nothing.
    assert(likeliest.join() !== perByte.join() && likeliest.includes(1) && likeliest.includes(0), likeliest.join());

    const found = JSON.parse((await ask(QUESTIONS, "--json")).stdout);
    assertEquals([found.questions, found.tooLong], [12, 0]);
    for (
      const [{ mean: share, standardError }, expected] of [
        [found.accuracy, mean(likeliest)],
        [found.accuracyPerByte, mean(perByte)],
      ]
    ) assertClose([share, standardError], [expected, error(expected)], { absolute: 1e-12 });
    assertClose([found.chance], [(1 / 2 + 1 / 3 + 1 / 4) / 3], { absolute: 1e-12 });

    const turned = QUESTIONS.map(({ choices, label, ...rest }) => ({
      ...rest,
      choices: choices.toReversed(),
      label: choices.length - 1 - label,
    }));
    const { weights: _, ...again } = JSON.parse((await ask(turned, "--json", "--batch-size", "3")).stdout);
    assertEquals(again, (({ weights: _, ...rest }) => rest)(found));

    // One that does not fit is left out, and said to be.
    const long = { ...QUESTIONS[0], question: "what is wet? ".repeat(30) };
    const some = await ask([QUESTIONS[0], long, QUESTIONS[1]]);
    assertMatch(
      some.stderr,
      /^warning: left out 1 question of more than 49 tokens; the first is line 2 of .*q\.jsonl, \d+ tokens$/m,
    );
    assertMatch(
      some.stdout,
      /^2 questions of .*q\.jsonl, with .*safetensors\naccuracy {11}\d+\.\d\d % ± \d+\.\d\d\naccuracy per byte {2}/,
    );
    assertMatch(some.stdout, /^by chance {10}41\.67 %$/m);
  });
});

Deno.test("evaluate --chat measures the loss on the answers alone, up to what ends them", async () => {
  await withRun(async ({ dir, tokenizer, lossOf, evaluate }) => {
    const pairs = [["what is wet?", "water 你好"], ["is fire hot?", "fire is hot. naïve"]];
    const lines = pairs.map(([prompt, completion]) => JSON.stringify({ prompt, completion }));
    const long = JSON.stringify({ prompt: "what is wet? ".repeat(30), completion: "water" });
    await Deno.writeTextFile(`${dir}/c.jsonl`, [...lines, long].join("\n"));
    let [nats, tokens, bytes] = [0, 0, 0];
    for (const [prompt, answer] of pairs) {
      const before = tokenizer.encode(`User:\n${prompt}\n\nAssistant:\n`);
      const after = tokenizer.encode(`${answer}<|endoftext|>`);
      nats += await lossOf([...before, ...after], before.length);
      tokens += after.length;
      bytes += new TextEncoder().encode(answer).length;
    }
    const args = ["--chat", `${dir}/c.jsonl`, "--chat-template", "plain", "--max-tokens", "5"];
    const { code, stdout, stderr } = await evaluate(...args, "--json");
    assertEquals(code, 0, stderr);
    assertMatch(stderr, /left out 1 conversation that is longer than the context of 48 tokens; the first is line 3 of/);
    const found = JSON.parse(stdout);
    assertEquals([found.conversations, found.tooLong, found.tokens, found.bytes], [2, 1, tokens, bytes]);
    // Losses of a few nats in f32, each with the errors of some hundred operations.
    const expected = [nats / tokens, Math.exp(nats / tokens), nats / Math.LN2 / bytes];
    assertClose([found.loss, found.perplexity, found.bitsPerByte], expected, { relative: 1e-4 });
    assertEquals(found.exactMatch.count, 0);

    const text = (await evaluate(...args)).stdout;
    assert(
      text.startsWith(`2 conversations of ${dir}/c.jsonl, ${tokens} tokens, ${bytes} bytes of answers, with `),
      text,
    );
    assertMatch(text, new RegExp(`^loss +${found.loss.toFixed(4)} nats per token$`, "m"));
    assertMatch(text, /^exact match +0\.00 % of last answers \(0 of 2\)$/m);

    const without = await evaluate("--chat", `${dir}/c.jsonl`);
    assertEquals(without.code, 1);
    assertMatch(
      without.stderr,
      /got a tokenizer without a chat template, must be one that has one\. Pass --chat-template/,
    );
  });
});

Deno.test("evaluate refuses flags that have no effect on conversations or choices", async () => {
  for (
    const [args, problem] of [
      [["--chat", "c", "--choices", "q"], /got --chat and --choices, must be only one of them/],
      [["--chat", "c", "--memorisation"], /got --memorisation and --chat, must be only one of them/],
      [["--chat", "c", "--input", "i"], /got --input with --chat, must be left out/],
      [["--chat", "c", "--stride", "3"], /got --stride with --chat, must be left out/],
      [["--chat", "c", "--as-text"], /got --as-text with --chat, must be left out/],
      [["--chat", "c", "--temperature", "1"], /got --temperature with --chat, must be left out/],
      [["--choices", "q", "--corpus", "c"], /got --corpus with --choices, must be left out/],
      [["--choices", "q", "--max-tokens", "3"], /got --max-tokens with --choices, must be left out/],
      [["--choices", "q", "--chat-template", "plain"], /got --chat-template without --chat, must be given both/],
      [["--input", "i", "--chat-template", "plain"], /got --chat-template without --chat, must be given both/],
    ] as const
  ) {
    const { code, stderr } = await capture(main, "--run", "x", ...args);
    assertEquals(code, 2);
    assertMatch(stderr, problem);
  }
  for (const flag of ["--chat", "--choices"]) {
    const { code, stderr } = await capture(main, "--run", "x", flag, "no/where.jsonl");
    assertEquals(code, 1);
    assertMatch(stderr, /no\/where\.jsonl/);
  }
});
