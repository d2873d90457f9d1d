// Seeds from which others are counted up: one that leaves no room for them is refused before any work.
import { assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { OptionError } from "../../lib/errors.ts";
import { createWasmBackend } from "../../lib/backend/wasm.ts";
import { drawSamples } from "../../lib/evaluate/memorisation/draw_samples.ts";
import { TextGenerator } from "../../lib/generate/generator.ts";
import { Transformer } from "../../lib/model/transformer.ts";
import { trainBpe } from "../../lib/tokenizer/mod.ts";
import { TRAINING_DEFAULTS, validateTrainingConfig } from "../../lib/train/config.ts";
import { main as evaluate } from "../../tasks/evaluate.ts";
import { main as generate } from "../../tasks/generate.ts";
import { main as sweep } from "../../tasks/sweep.ts";
import { main as trainLm } from "../../tasks/train_lm.ts";
import { capture } from "../cli/capture.ts";

const LARGEST = Number.MAX_SAFE_INTEGER;

Deno.test("tasks refuse seeds of which there is no next one, by the number that was given", async () => {
  const cases: [main: (args: string[]) => Promise<number>, args: string[]][] = [
    [trainLm, ["--train", "t.npy", "--out", "run"]],
    [sweep, ["--train", "t.npy", "--out", "run", "--lr", "1,2"]],
    [generate, ["--run", "run", "--prompt", "the cat"]],
    [evaluate, ["--run", "run", "--memorisation", "--corpus", "t.txt"]],
  ];
  for (const [main, args] of cases) {
    const { code, stderr } = await capture(main, ...args, "--seed", String(LARGEST));
    assertEquals(code, 2, stderr);
    assertMatch(
      stderr,
      /got --seed 9007199254740991, must be a whole number of at least 0 and at most 4503599627370496/,
    );
    // One that leaves room is taken: what is missing is another thing.
    const taken = await capture(main, ...args, "--seed", String(2 ** 52));
    assertEquals(/--seed/.test(taken.stderr), false, taken.stderr);
  }
});

Deno.test("a configuration's seed must leave room for those of its samples", () => {
  const seeds = { ...TRAINING_DEFAULTS, steps: 10, sampleEvery: 5 };
  const last = LARGEST - 10;
  assertEquals(validateTrainingConfig({ ...seeds, seed: last }).seed, last);
  assertThrows(
    () => validateTrainingConfig({ ...seeds, seed: last + 1 }),
    OptionError,
    `got seed ${last + 1}, must be`,
  );
  // Without samples none is counted up.
  assertEquals(validateTrainingConfig({ ...seeds, seed: LARGEST, sampleEvery: 0 }).seed, LARGEST);
});

Deno.test("samples that seeds would run out under are not begun", async () => {
  const tokenizer = await trainBpe("the cat sat on the mat", { vocabSize: 257 });
  const shape = { contextLength: 8, dModel: 8, numLayers: 1, numHeads: 2, dFf: 8, ropeTheta: 10000, vocabSize: 257 };
  await using backend = await createWasmBackend({ workers: 1 });
  using generator = await TextGenerator.create(backend, new Transformer(shape));
  let drawn = 0;
  const draw = (seed: number, count: number) =>
    drawSamples(generator, tokenizer, {
      ...{ count, seed, maxTokens: 1, temperature: 1, topP: 1 },
      onSample: () => drawn++,
    });
  assertEquals((await draw(LARGEST - 1, 2)).length, 2);
  drawn = 0;
  await assertRejects(() => draw(LARGEST - 20, 40), OptionError, `got seed ${LARGEST - 20} for 40 samples, must be`);
  assertEquals(drawn, 0);
});
