import { assert, assertEquals, assertRejects } from "@std/assert";
import { GeneratedText } from "../../lib/generate/generated_text.ts";
import { TextGenerator } from "../../lib/generate/generator.ts";
import { Transformer } from "../../lib/model/transformer.ts";
import { initialWeights, writeWeights } from "../../lib/model/weights.ts";
import { trainBpe } from "../../lib/tokenizer/mod.ts";
import { forEachBackend } from "../harness/backends.ts";

/** No character of it is one token. */
const TEXT = "naïve 你好 🙂🙂, low lower";
const tokenizer = await trainBpe("low low lower", { vocabSize: 260 });

async function* made(ids: Iterable<number>, onEnd = () => {}): AsyncGenerator<number, void, void> {
  try {
    yield* ids;
  } finally {
    onEnd();
  }
}

Deno.test("GeneratedText gives whole characters, piece by piece or together", async () => {
  const ids = tokenizer.encode(TEXT);
  const pieces = await Array.fromAsync(new GeneratedText(made(ids), tokenizer));
  assertEquals(pieces.join(""), TEXT);
  assert(pieces.length > 10 && pieces.every((piece) => piece !== "" && !piece.includes("\ufffd")), pieces.join("|"));
  const text = new GeneratedText(made(ids), tokenizer);
  assertEquals(await text, TEXT);
  assertEquals(await text, TEXT, "a second time");
  assertEquals(await new GeneratedText(made([]), tokenizer), "");
  // A character that is never completed is shown as such at the end.
  assertEquals(await new GeneratedText(made(ids.subarray(0, 3)), tokenizer), "na\ufffd");
});

Deno.test("GeneratedText ends before a stop string, and where its loop is left", async () => {
  const ids = tokenizer.encode(TEXT);
  for (const stop of [" 你", ["low", "🙂", " 你"]]) {
    assertEquals(await new GeneratedText(made(ids), tokenizer, { stop }), "naïve");
  }
  let ended = 0;
  const text = new GeneratedText(made(ids, () => ended++), tokenizer);
  for await (const piece of text) {
    assertEquals(piece, "n");
    break;
  }
  assertEquals([ended, await text], [1, ""]);
  const begun = new GeneratedText(made(ids), tokenizer);
  await begun[Symbol.asyncIterator]().next();
  assertEquals(await begun, TEXT.slice(1));
});

Deno.test("GeneratedText rejects as its ids do", async () => {
  const failing = () =>
    made((function* () {
      yield tokenizer.encode("l")[0];
      throw new RangeError("no more");
    })());
  await assertRejects(() => Promise.resolve(new GeneratedText(failing(), tokenizer)), RangeError, "no more");
  await assertRejects(() => Array.fromAsync(new GeneratedText(failing(), tokenizer)), RangeError, "no more");
});

const config = {
  ...{ vocabSize: tokenizer.vocabSize, contextLength: 16, dModel: 16, numLayers: 1, numHeads: 2 },
  ...{ dFf: 24, ropeTheta: 10000 },
};

forEachBackend("generate() needs no option but the prompt, which is any iterable of ids", async (backend) => {
  const model = new Transformer(config);
  using generator = await TextGenerator.create(backend, model);
  await writeWeights(backend, model, initialWeights(config, 4));
  const said = { maxTokens: 200, temperature: 0.8, topP: 0.95, seed: 0 };
  const expected = await Array.fromAsync(generator.generate([3, 4, 5], said));
  assertEquals(expected.length, 200);
  for (const prompt of [[3, 4, 5], Uint32Array.of(3, 4, 5), new Set([3, 4, 5])]) {
    assertEquals(await Array.fromAsync(generator.generate(prompt)), expected);
  }
  const unsaid = { maxTokens: undefined, temperature: undefined, topP: undefined, seed: undefined };
  assertEquals(await Array.fromAsync(generator.generate([3, 4, 5], unsaid)), expected);
  const [sample] = await generator.generateSamples(new Set([3, 4, 5]), { maxTokens: 9 }, [0]);
  assertEquals(await Array.fromAsync(sample), expected.slice(0, 9));
  model.release(backend);
});
