import { assert, assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { createWasmBackend } from "../../lib/backend/wasm.ts";
import { writeNpy } from "../../lib/dataset/npy_file.ts";
import { UserError } from "../../lib/errors.ts";
import { Safetensors } from "../../lib/formats/safetensors.ts";
import { TextGenerator } from "../../lib/generate/generator.ts";
import { Transformer } from "../../lib/model/transformer.ts";
import { weightsFrom } from "../../lib/model/weights_file.ts";
import { writeWeights } from "../../lib/model/weights.ts";
import { readMetrics } from "../../lib/run/metrics_follower.ts";
import { readModelConfig, readRunConfig } from "../../lib/run/run_directory.ts";
import { resumeRun } from "../../lib/run/resume_run.ts";
import { loadRunTokenizer } from "../../lib/run/run_tokenizer.ts";
import { saveTokenizer, trainBpe } from "../../lib/tokenizer/mod.ts";
import { answerEnds, findChatTemplate } from "../../tasks/chat/find_template.ts";
import { main as evaluate } from "../../tasks/evaluate.ts";
import { main as trainLm } from "../../tasks/train_lm.ts";
import { capture } from "../cli/capture.ts";
import { inTemporaryDirectory } from "../harness/temporary_directory.ts";

const PAIRS: readonly (readonly [prompt: string, completion: string])[] = [
  ["What is the capital of France?", "Paris."],
  ["How many legs has a spider?", "Eight."],
  ["Who wrote Faust?", "Goethe wrote Faust."],
  ["What colour is snow?", "Snow is white."],
  ["Is water wet?", "Yes, it is."],
  ["What do cows drink?", "Cows drink water."],
  ["Name a prime number.", "Seven is a prime."],
  ["How old is the sun?", "Billions of years."],
  ["What is two plus two?", "Four."],
  ["Say goodbye.", "Goodbye, my friend!"],
];
const TEXT = PAIRS.flat().join(" ");
const SHAPE = "--context-length 64 --d-model 32 --num-layers 2 --num-heads 2 --d-ff 64 --backend wasm".split(" ");
const QUICK = "--batch-size 3 --steps 6 --lr 1e-3 --backend wasm --chat-template chatml".split(" ");

/** Trains a base model and hands over its directory, beside a file of ten conversations. */
async function withBase(body: (dir: string, sft: string[]) => Promise<void>): Promise<void> {
  await inTemporaryDirectory(async (dir) => {
    const tokenizer = await trainBpe(TEXT, { vocabSize: 300, specialTokens: ["<|endoftext|>"] });
    await saveTokenizer(tokenizer, `${dir}/tokenizer`);
    await writeNpy(`${dir}/train.npy`, tokenizer.encode(TEXT.repeat(3)));
    const lines = PAIRS.map(([prompt, completion], i) =>
      JSON.stringify(
        i % 2 === 0 ? { prompt, completion } : {
          messages: [{ role: "user", content: prompt }, { role: "assistant", content: completion }],
        },
      )
    );
    await Deno.writeTextFile(`${dir}/chats.jsonl`, `${lines.join("\n")}\n`);
    const base = ["--train", `${dir}/train.npy`, "--tokenizer", `${dir}/tokenizer`, "--out", `${dir}/base`];
    const { code, stderr } = await capture(trainLm, ...base, ...SHAPE, "--steps", "3", "--batch-size", "2");
    assertEquals(code, 0, stderr);
    await body(dir, ["--from", `${dir}/base`, "--sft", `${dir}/chats.jsonl`]);
  });
}

/** The greedy answer of a run's model. */
async function answers(run: string, prompts: readonly string[]): Promise<string[]> {
  const tokenizer = await loadRunTokenizer(run);
  const template = (await findChatTemplate(tokenizer))!;
  const stopIds = answerEnds(tokenizer, template, []);
  await using backend = await createWasmBackend({ workers: 2 });
  const model = new Transformer(await readModelConfig(run));
  using generator = await TextGenerator.create(backend, model);
  using file = await Safetensors.open(`${run}/model.safetensors`);
  await writeWeights(backend, model, weightsFrom(file, run));
  const found: string[] = [];
  for (const content of prompts) {
    const prompt = tokenizer.encode(template.render([{ role: "user", content }], { addGenerationPrompt: true }));
    const options = { temperature: 0, maxTokens: 40, seed: 0, stopIds };
    const ids = await Array.fromAsync(generator.generate(prompt, options));
    found.push(tokenizer.decode(ids.filter((id) => !stopIds.includes(id))));
  }
  return found;
}

/** evaluate --chat finds the answers of a run that knows them all, and sees which of a file's it does not give. */
async function assertEvaluates(dir: string): Promise<void> {
  const evaluated = async (...args: string[]) => {
    const { code, stdout, stderr } = await capture(evaluate, "--run", `${dir}/tuned`, "--backend", "wasm", ...args);
    assertEquals(code, 0, stderr);
    return stdout;
  };
  const known = JSON.parse(await evaluated("--chat", `${dir}/chats.jsonl`, "--json"));
  assertEquals([known.conversations, known.tooLong], [10, 0]);
  assertEquals(known.exactMatch, { share: 1, count: 10, unfinished: 0 });
  assert(known.loss < 0.3, `a loss of ${known.loss}`);

  const others = PAIRS.map(([prompt, answer], i) =>
    JSON.stringify({ prompt, completion: i < 3 ? `${answer} Not!` : answer })
  );
  await Deno.writeTextFile(`${dir}/others.jsonl`, others.join("\n"));
  const text = await evaluated("--chat", `${dir}/others.jsonl`);
  assertMatch(text, /^exact match {4}70\.00 % of last answers \(7 of 10\)$/m);
  // The first token of each is right, and none has ended.
  const cut = await evaluated("--chat", `${dir}/others.jsonl`, "--max-tokens", "1");
  assertMatch(cut, /^exact match {4}0\.00 % of last answers \(0 of 10\)$/m);
  assertMatch(cut, /^ +the same until cut off by --max-tokens 1: 10 more$/m);
}

Deno.test("a model that is fine-tuned on ten conversations answers them word for word", async () => {
  await withBase(async (dir, sft) => {
    const learn = "--steps 120 --batch-size 5 --lr 5e-3 --backend wasm --chat-template chatml".split(" ");
    const { code, stderr } = await capture(trainLm, ...sft, ...learn, "--out", `${dir}/tuned`);
    assertEquals(code, 0, stderr);
    assertMatch(stderr, /^Added <\|im_start\|> and <\|im_end\|> to the tokenizer; their rows in the model begin as /m);
    assertMatch(
      stderr,
      /^\S+chats\.jsonl: 10 conversations, \d+ tokens, \d+ % learned; the longest has \d+; rows of 48, \d+ % empty$/m,
    );
    assertEquals(await answers(`${dir}/tuned`, PAIRS.map(([prompt]) => prompt)), PAIRS.map(([, answer]) => answer));
    await assertEvaluates(dir);

    // Fine-tuned once more, it has the template and the tokens already.
    const more = ["--from", `${dir}/tuned`, ...sft.slice(2), "--steps", "2", "--backend", "wasm", "--lr", "1e-4"];
    const again = await capture(trainLm, ...more, "--out", `${dir}/again`);
    assertEquals(again.code, 0, again.stderr);
    assert(!again.stderr.includes("Added"), again.stderr);
    assertEquals((await readRunConfig(`${dir}/again`)).from!.newTokens, undefined);
    assert((await readMetrics(`${dir}/again`))[0].loss < 0.3);
  });
});

Deno.test("a model begins with the mean of its tokens' rows for each new one, and all else as it was", async () => {
  await withBase(async (dir, sft) => {
    const freeze = ["--freeze", "token_embeddings,layers.0,layers.1,ln_final"];
    const { code, stderr } = await capture(trainLm, ...sft, ...QUICK, ...freeze, "--out", `${dir}/tuned`);
    assertEquals(code, 0, stderr);
    using before = await Safetensors.open(`${dir}/base/model.safetensors`);
    using after = await Safetensors.open(`${dir}/tuned/model.safetensors`);
    const name = "token_embeddings.weight";
    const [rows, width] = before.tensors.get(name)!.shape;
    assertEquals(after.tensors.get(name)!.shape, [rows + 2, width]);
    assertEquals(after.tensors.get("lm_head.weight")!.shape, [rows + 2, width]);
    const [had, has] = [before.readFloats(name), after.readFloats(name)];
    assertEquals(has.subarray(0, had.length), had);
    for (let i = 0; i < width; i++) {
      let sum = 0;
      for (let row = 0; row < rows; row++) sum += had[row * width + i];
      for (const row of [rows, rows + 1]) assertEquals(has[row * width + i], Math.fround(sum / rows));
    }
    assertEquals(after.readFloats("layers.1.ffn.w2.weight"), before.readFloats("layers.1.ffn.w2.weight"));
  });
});

Deno.test("a fine-tuning that is resumed gives the same bits", async () => {
  await withBase(async (dir, sft) => {
    const more = [...sft, ...QUICK, "--sft-valid", `${dir}/chats.jsonl`, "--valid-every", "2", "--save-every", "2"];
    const whole = await capture(trainLm, ...more, "--out", `${dir}/whole`, "--keep", "9");
    assertEquals(whole.code, 0, whole.stderr);
    // As if it had been killed after its fourth step.
    const run = `${dir}/killed`;
    const again = await capture(trainLm, ...more, "--out", run, "--keep", "9");
    assertEquals(again.code, 0, again.stderr);
    await Deno.remove(`${run}/model.safetensors`);
    await Deno.remove(`${run}/checkpoints/step-000000006`, { recursive: true });
    const { code, stderr } = await capture(trainLm, "--resume", run);
    assertEquals(code, 0, stderr);
    assertStringIncludes(stderr, "Continuing after step 4 of 6");
    const weights = await Promise.all([`${dir}/whole`, run].map((run) => Deno.readFile(`${run}/model.safetensors`)));
    assertEquals(weights[1], weights[0]);
    const seen = async (run: string) => (await readMetrics(run)).map(({ loss, validLoss }) => [loss, validLoss]);
    assertEquals(await seen(run), await seen(`${dir}/whole`));

    const { data } = await readRunConfig(run);
    assertEquals([data.train.examples, data.valid!.examples], [10, 10]);
    assertStringIncludes(await Deno.readTextFile(`${run}/report.html`), "18 (1.80 epochs)");
    const changed = `${dir}/changed.jsonl`;
    await Deno.writeTextFile(changed, (await Deno.readTextFile(`${dir}/chats.jsonl`)).replace("Paris", "Paros"));
    const refused: [args: string[], says: RegExp, code: number][] = [
      [["--sft", changed], /must be the data that the run began with/, 1],
      [["--train", `${dir}/train.npy`], /got --train, must be conversations, with --sft and --sft-valid/, 2],
      [["--chat-template", "plain"], /got --chat-template, must be the run's own configuration/, 2],
    ];
    await Deno.remove(`${run}/model.safetensors`);
    await using backend = await createWasmBackend({ workers: 1 });
    const byLibrary = () => Array.fromAsync(resumeRun({ backend, directory: run }));
    await assertRejects(byLibrary, UserError, "got a run that began with examples, which are in no token file");
    for (const [args, says, expected] of refused) {
      const { code, stderr } = await capture(trainLm, "--resume", run, ...args);
      assertMatch(stderr, says);
      assertEquals(code, expected, stderr);
    }
    const plain = await capture(trainLm, "--resume", `${dir}/base`, "--sft", changed);
    assertMatch(plain.stderr, /got --sft, must be token files, with --train and --valid: the run began with them/);
    assertEquals(plain.code, 2);
  });
});

Deno.test("train-lm --sft refuses what does not go with it, and says what it leaves out", async () => {
  await withBase(async (dir, sft) => {
    const out = ["--out", `${dir}/new`];
    const file = sft.slice(2);
    const cases: [args: string[], says: RegExp, code: number][] = [
      [[...file, ...QUICK], /--sft needs --from/, 2],
      [["--train", `${dir}/train.npy`, "--chat-template", "chatml"], /--chat-template needs --sft/, 2],
      [[...sft, "--train", `${dir}/train.npy`], /got --sft and --train, must be only one of them/, 2],
      [[...sft, "--valid", `${dir}/train.npy`], /got --sft and --valid, must be --sft-valid for that/, 2],
      [[...sft, "--minutes", "1"], /got --sft and --minutes, must be --steps for that/, 2],
      [[...sft, "--keep-optimizer"], /got --sft and --keep-optimizer/, 2],
      [[...sft, ...QUICK, "--patience", "2"], /--patience needs --sft-valid/, 2],
      [[...sft, "--steps", "2"], /got a tokenizer without a chat template.* Pass --chat-template .*chatml/, 1],
      [
        [...sft, "--steps", "2", "--chat-template", "none"],
        /got no such file, must be a file or one of chatml, plain/,
        1,
      ],
      [[...sft.slice(0, 2), "--sft", `${dir}/none.jsonl`, ...QUICK], /there is no such file/, 1],
    ];
    for (const [args, says, code] of cases) {
      const refused = await capture(trainLm, ...args, ...out);
      assertMatch(refused.stderr, says);
      assertEquals([refused.code, refused.stderr.match(/^error: .*\n$/m)?.length], [code, 1], refused.stderr);
    }
    const long = `${dir}/long.jsonl`;
    const longLine = JSON.stringify({ prompt: "Say it.", completion: "water ".repeat(60) });
    await Deno.writeTextFile(long, `${await Deno.readTextFile(`${dir}/chats.jsonl`)}\n${longLine}\n`);
    const some = await capture(trainLm, ...sft.slice(0, 2), "--sft", long, ...QUICK, ...out);
    assertEquals(some.code, 0, some.stderr);
    assertMatch(
      some.stderr,
      /^warning: left out 1 conversation that is longer than the context of 64 tokens; the first is line 12 of .*, \d+ tokens$/m,
    );
    assertEquals((await readRunConfig(`${dir}/new`)).data.train.examples, 10);
    await Deno.writeTextFile(long, longLine);
    const none = await capture(trainLm, ...sft.slice(0, 2), "--sft", long, ...QUICK, "--out", `${dir}/none`);
    assertMatch(
      none.stderr,
      /got only conversations of more than 65 tokens, must be at most that\. Shorten them: line 1 of /,
    );
    assertEquals(none.code, 1);
  });
});
