// What Stanford CS336's first assignment asks for, written with the package's exports alone (tests/course), against the
// values of PyTorch and the course.
import { assertEquals, AssertionError, assertThrows } from "@std/assert";
import type { NdArray } from "./course/arrays.ts";
import {
  runAttentionByParts,
  runEmbedding,
  runLinear,
  runMultiheadSelfAttention,
  runMultiheadSelfAttentionWithRope,
  runRmsnorm,
  runRope,
  runScaledDotProductAttention,
  runSilu,
  runSoftmax,
  runSwiglu,
  runTransformerBlock,
  runTransformerLm,
} from "./course/layers.ts";
import { encodeIterable, getTokenizer, runTrainBpe } from "./course/tokenizer.ts";
import {
  getAdamW,
  runCrossEntropy,
  runGetBatch,
  runGetLrCosineSchedule,
  runGradientClipping,
  runLoadCheckpoint,
  runSaveCheckpoint,
} from "./course/training.ts";
import { assertClose, UNIT_ROUNDOFF } from "./harness/assert_close.ts";
import { forEachDevice } from "./harness/backends.ts";
import { type Fixture, loadFixture } from "./harness/fixtures.ts";
import { Random } from "./harness/random.ts";
import { inTemporaryDirectory } from "./harness/temporary_directory.ts";
import { largest } from "./harness/tolerance.ts";

const FIXTURES = new URL("./fixtures/", import.meta.url).pathname;

const floats = (fixture: Fixture, name: string): NdArray => ({
  shape: fixture.shape(name),
  data: fixture.floats(name),
});
const integers = (fixture: Fixture, name: string): NdArray => ({
  shape: fixture.shape(name),
  data: fixture.integers(name),
});
const randomArray = (seed: number, ...shape: number[]): NdArray => ({
  shape,
  data: new Random(seed).normal(shape.reduce((product, n) => product * n)),
});

/**
 * Each op is tested by itself elsewhere, to the rounding. Here a result may be off by 64 roundings of its largest value,
 * 4 in a million: an adapter that is wired up wrongly is off by far more.
 */
function assertSame(got: NdArray, expected: NdArray, roundings = 64): void {
  assertEquals(got.shape, expected.shape);
  const absolute = roundings * UNIT_ROUNDOFF * largest(expected.data);
  assertClose(got.data, expected.data, { absolute });
}

forEachDevice("course: linear, embedding, SiLU, softmax, RMSNorm and cross-entropy equal PyTorch", async (backend) => {
  const linear = loadFixture("linear");
  assertSame(await runLinear(backend, floats(linear, "weight"), floats(linear, "x")), floats(linear, "y"));
  const embedding = loadFixture("embedding");
  const rows = await runEmbedding(backend, floats(embedding, "weight"), integers(embedding, "ids"));
  assertSame(rows, floats(embedding, "y"));
  const silu = loadFixture("silu");
  assertSame(await runSilu(backend, floats(silu, "x")), floats(silu, "y"));
  const rmsnorm = loadFixture("rmsnorm");
  const normed = await runRmsnorm(backend, 1e-5, floats(rmsnorm, "weight"), floats(rmsnorm, "x"));
  assertSame(normed, floats(rmsnorm, "y"));
  const loss = loadFixture("cross_entropy");
  assertSame(
    await runCrossEntropy(backend, floats(loss, "logits"), integers(loss, "targets")),
    floats(loss, "loss"),
  );
});

forEachDevice("course: softmax over any dimension equals PyTorch", async (backend) => {
  const softmax = loadFixture("softmax");
  const [x, y] = [floats(softmax, "x"), floats(softmax, "y")];
  assertSame(await runSoftmax(backend, x, -1), y);
  const [rows, D] = x.shape;
  const transposed = ({ data }: NdArray): NdArray => ({
    shape: [D, rows],
    data: Float32Array.from(data, (_, i) => data[i % rows * D + Math.floor(i / rows)]),
  });
  assertSame(await runSoftmax(backend, transposed(x), 0), transposed(y));
});

forEachDevice("course: SwiGLU is two linear maps, a gate, and a third", async (backend) => {
  const swiglu = loadFixture("swiglu");
  const [, , D] = swiglu.shape("gate");
  // With x = (gate, up) and weights that pick one of them, the hidden layer is PyTorch's.
  const [gate, up] = [swiglu.floats("gate"), swiglu.floats("up")];
  const x = {
    shape: [...swiglu.shape("gate").slice(0, -1), 2 * D],
    data: Float32Array.from({ length: 2 * gate.length }, (_, i) => {
      const [row, column] = [Math.floor(i / (2 * D)), i % (2 * D)];
      return column < D ? gate[row * D + column] : up[row * D + column - D];
    }),
  };
  const pick = (first: number, width: number): NdArray => ({
    shape: [D, width],
    data: Float32Array.from({ length: D * width }, (_, i) => i % width === first + Math.floor(i / width) ? 1 : 0),
  });
  assertSame(await runSwiglu(backend, pick(0, 2 * D), pick(0, D), pick(D, 2 * D), x), floats(swiglu, "y"));
});

forEachDevice("course: RoPE equals PyTorch, at positions given in any order", async (backend) => {
  const rope = loadFixture("rope");
  const [, , T, dK] = rope.shape("x");
  const theta = Number(rope.metadata.theta);
  const positions = { shape: [T], data: Uint32Array.from({ length: T }, (_, t) => t) };
  assertSame(await runRope(backend, dK, theta, T, floats(rope, "x"), positions), floats(rope, "y"));
  const reversed = (array: NdArray): NdArray => ({
    shape: array.shape,
    data: Float32Array.from(array.data, (_, i) => {
      const [sequence, t] = [Math.floor(i / (T * dK)), Math.floor(i / dK) % T];
      return array.data[(sequence * T + T - 1 - t) * dK + i % dK];
    }),
  });
  const backwards = { shape: [T], data: positions.data.toReversed() };
  const got = await runRope(backend, dK, theta, T, reversed(floats(rope, "x")), backwards);
  assertSame(got, reversed(floats(rope, "y")));
});

forEachDevice("course: attention with a mask equals PyTorch, and without one sees all", async (backend) => {
  const fixture = loadFixture("attention_causal");
  const [q, k, v] = ["q", "k", "v"].map((name) => floats(fixture, name));
  const [, , T] = q.shape;
  const seen = {
    shape: [T, T],
    data: Uint32Array.from({ length: T * T }, (_, i) => i % T <= Math.floor(i / T) ? 1 : 0),
  };
  assertSame(await runScaledDotProductAttention(backend, q, k, v, seen), floats(fixture, "y"));
  const all = { shape: [T, T], data: new Uint32Array(T * T).fill(1) };
  const unmasked = await runScaledDotProductAttention(backend, q, k, v);
  assertSame(unmasked, await runScaledDotProductAttention(backend, q, k, v, all));
  assertThrows(() => assertSame(unmasked, floats(fixture, "y")), AssertionError);
});

forEachDevice("course: multi-head attention is the same by its kernel and by its parts", async (backend) => {
  const [B, T, dModel, numHeads] = [2, 13, 24, 4];
  const [q, k, v, output] = [1, 2, 3, 4].map((seed) => randomArray(seed, dModel, dModel));
  const weights = { q, k, v, output };
  const x = randomArray(5, B, T, dModel);
  const hidden = {
    shape: [T, T],
    data: Uint32Array.from({ length: T * T }, (_, i) => i % T > Math.floor(i / T) ? 1 : 0),
  };
  const whole = await runMultiheadSelfAttention(backend, numHeads, weights, x);
  // Scores are sums of 24 · 24 terms, so that weights are off by their roundings.
  assertSame(whole, await runAttentionByParts(backend, numHeads, weights, x, hidden), 4096);
  // Without turning anything, positions make no difference.
  const still = { shape: [B, T], data: new Uint32Array(B * T) };
  const shape = { numHeads, maxSeqLen: T, theta: 10_000 };
  assertSame(await runMultiheadSelfAttentionWithRope(backend, shape, weights, x, still), whole, 4096);
});

forEachDevice("course: blocks, put together, and the whole model equal PyTorch's", async (backend) => {
  const [step, weights] = [loadFixture("model_step"), loadFixture("model_weights")];
  const number = (key: string) => Number(step.metadata[key]);
  const config = { numHeads: number("num_heads"), theta: number("rope_theta"), eps: number("rmsnorm_eps") };
  const numLayers = number("num_layers");
  const layer = ["attn.q_proj", "attn.k_proj", "attn.v_proj", "attn.output_proj", "ffn.w1", "ffn.w2", "ffn.w3"];
  const ofLayer = (i: number) => [...layer, "ln1", "ln2"].map((name) => [name, `layers.${i}.${name}`]);
  const read = (names: string[][]) =>
    Object.fromEntries(names.map(([name, full]) => [`${name}.weight`, floats(weights, `${full}.weight`)]));
  const whole = [
    "token_embeddings",
    "ln_final",
    "lm_head",
    ...[0, 1].flatMap((i) => ofLayer(i).map(([, full]) => full)),
  ];

  const all = read(whole.map((name) => [name, name]));
  const ids = integers(step, "ids");
  const logits = await runTransformerLm(backend, { ...config, numLayers }, all, ids);
  // The longest chain of sums is of some hundred terms, two layers deep.
  assertSame(logits, floats(step, "logits"), 1024);

  let x = await runEmbedding(backend, all["token_embeddings.weight"], ids);
  for (let i = 0; i < numLayers; i++) x = await runTransformerBlock(backend, config, read(ofLayer(i)), x);
  const normed = await runRmsnorm(backend, config.eps, all["ln_final.weight"], x);
  assertSame(await runLinear(backend, all["lm_head.weight"], normed), floats(step, "logits"), 1024);
});

forEachDevice("course: gradients are clipped to PyTorch's", async (backend) => {
  const fixture = loadFixture("clip_grad_norm");
  const gradients = [0, 1, 2].map((i) => fixture.floats(`g${i}`));
  await runGradientClipping(backend, gradients, Number(fixture.metadata.max_norm));
  gradients.forEach((gradient, i) => {
    const expected = fixture.floats(`clipped${i}`);
    assertClose(gradient, expected, { relative: 8 * UNIT_ROUNDOFF }, `gradient ${i}`);
  });
});

forEachDevice("course: AdamW equals PyTorch, through a checkpoint too", async (backend) => {
  const fixture = loadFixture("adamw");
  const number = (key: string) => Number(fixture.metadata[key]);
  const numbers = {
    beta1: number("beta1"),
    beta2: number("beta2"),
    eps: number("eps"),
    weightDecay: number("weight_decay"),
  };
  await inTemporaryDirectory(async (dir) => {
    const path = `${dir}/checkpoint.safetensors`;
    let optimizer = await getAdamW(backend, { p: floats(fixture, "p0") }, numbers);
    for (let step = 1; step <= 5; step++) {
      optimizer.setGradients({ p: fixture.floats(`g${step}`) });
      await optimizer.step(number("lr"));
      const expected = fixture.floats(`p${step}`);
      assertClose(await optimizer.read("p"), expected, { absolute: 16 * UNIT_ROUNDOFF * largest(expected) }, `${step}`);
      if (step !== 3) continue;
      await runSaveCheckpoint(optimizer, step, path);
      optimizer[Symbol.dispose]();
      optimizer = await getAdamW(
        backend,
        { p: { shape: fixture.shape("p0"), data: new Float32Array(32 * 7) } },
        numbers,
      );
      assertEquals(await runLoadCheckpoint(path, optimizer), step);
    }
    optimizer[Symbol.dispose]();
  });
});

Deno.test("course: the cosine schedule is the course's", () => {
  const expected = JSON.parse(Deno.readTextFileSync(`${FIXTURES}torch/cosine_schedule.json`));
  const schedule = {
    maxLr: expected.max_lr,
    minLr: expected.min_lr,
    warmupSteps: expected.warmup_steps,
    cycleSteps: expected.cosine_cycle_steps,
  };
  const got = expected.lr.map((_: number, step: number) => runGetLrCosineSchedule(step, schedule));
  assertClose(got, expected.lr, { absolute: 1e-15 });
});

Deno.test("course: a batch is windows of the data, and its targets are one token later", async () => {
  const [batchSize, seqLen] = [64, 7];
  const dataset = Uint32Array.from({ length: 100 }, (_, i) => i);
  const starts = new Set<number>();
  for (let step = 0; step < 40; step++) {
    const { ids, targets } = await runGetBatch(dataset, batchSize, seqLen, 3, step);
    assertEquals([ids.length, targets.length], [batchSize * seqLen, batchSize * seqLen]);
    ids.forEach((id, i) => assertEquals(id, ids[i - i % seqLen] + i % seqLen));
    targets.forEach((target, i) => assertEquals(target, ids[i] + 1));
    for (let i = 0; i < ids.length; i += seqLen) starts.add(ids[i]);
  }
  assertEquals(starts, new Set(Array.from({ length: 93 }, (_, i) => i)));
});

/** GPT-2's alphabet: bytes that are printable stand for themselves, the others follow from U+0100 on. */
function bytesOf(spelled: string): Uint8Array {
  const printable = (byte: number) => (byte > 32 && byte < 127) || (byte > 160 && byte !== 173);
  const others = Array.from({ length: 256 }, (_, byte) => byte).filter((byte) => !printable(byte));
  return Uint8Array.from(spelled, (char) => {
    const code = char.codePointAt(0)!;
    return code < 256 ? code : others[code - 256];
  });
}

Deno.test("course: GPT-2's tokenizer, from its vocabulary and merges in memory, encodes as GPT-2 does", async () => {
  const read = (name: string) => Deno.readTextFileSync(`${FIXTURES}${name}`);
  const special = "<|endoftext|>";
  const spelled = Object.entries<number>(JSON.parse(read("cs336/gpt2_vocab.json")));
  const bytes = (token: string) => token === special ? new TextEncoder().encode(token) : bytesOf(token);
  const merges = read("cs336/gpt2_merges.txt").trimEnd().split("\n").map((line) => {
    const [left, right] = line.split(" ");
    return [bytesOf(left), bytesOf(right)] as const;
  });
  const tokenizer = getTokenizer(new Map(spelled.map(([token, id]) => [id, bytes(token)])), merges, [special]);
  const vectors: { text: string; ids: number[] }[] = JSON.parse(read("tokenizer/gpt2_vectors.json"));
  for (const { text, ids } of vectors) {
    assertEquals([...tokenizer.encode(text)], ids);
    assertEquals(tokenizer.decode(ids), text);
  }
  const text = read("cs336/tinystories_sample.txt");
  const pieces = Array.from({ length: Math.ceil(text.length / 7) }, (_, i) => text.slice(7 * i, 7 * i + 7));
  assertEquals(await Array.fromAsync(encodeIterable(tokenizer, pieces)), [...tokenizer.encode(text)]);
});

Deno.test("course: training BPE gives the course's vocabulary and merges", async () => {
  const { vocab, merges } = await runTrainBpe(`${FIXTURES}cs336/corpus.en`, 500, ["<|endoftext|>"]);
  const read = (name: string) => Deno.readTextFileSync(`${FIXTURES}cs336/train-bpe-reference-${name}`);
  const expected = read("merges.txt").trimEnd().split("\n").map((line) => line.split(" ").map(bytesOf));
  assertEquals(
    merges.map((pair) => pair.map((part) => [...part])),
    expected.map((pair) => pair.map((part) => [...part])),
  );
  const reference = Object.keys(JSON.parse(read("vocab.json")));
  const hex = (bytes: Uint8Array) => bytes.toHex();
  const special = new TextEncoder().encode("<|endoftext|>");
  const expectedTokens = reference.map((token) => hex(token === "<|endoftext|>" ? special : bytesOf(token)));
  assertEquals(new Set(Array.from(vocab.values(), hex)), new Set(expectedTokens));
});
