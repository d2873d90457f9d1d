import { assert, assertEquals, assertRejects } from "@std/assert";
import { plannedTrainingMemory } from "../../lib/accounting/planned_memory.ts";
import type { Backend } from "../../lib/backend/backend.ts";
import { createNativeBackend, findNative } from "../../lib/backend/native.ts";
import { createWasmBackend } from "../../lib/backend/wasm.ts";
import { tokensInMemory } from "../../lib/dataset/token_source.ts";
import { UserError } from "../../lib/errors.ts";
import { backward } from "../../lib/graph/backward.ts";
import { CompiledGraph } from "../../lib/graph/compiled_graph.ts";
import { Graph, type Precision } from "../../lib/graph/graph.ts";
import { plan } from "../../lib/graph/plan.ts";
import type { Tensor } from "../../lib/graph/tensor.ts";
import { Transformer } from "../../lib/model/transformer.ts";
import { initialWeights } from "../../lib/model/weights.ts";
import { linear } from "../../lib/ops/linear.ts";
import { TRAINING_DEFAULTS } from "../../lib/train/config.ts";
import { traceStep } from "../../lib/train/step_programs.ts";
import { train } from "../../lib/train/train.ts";
import type { TrainerOptions } from "../../lib/train/trainer.ts";
import { Random } from "../harness/random.ts";
import { roundToBf16 } from "../reference/bf16.ts";
import { linearBackwardInput, linearBackwardWeight, linearForward } from "../reference/linear.ts";

const { bf16Units = [], unsupported } = findNative();

/** A test that needs products in bf16. */
function bf16Test(name: string, fn: () => Promise<void>): void {
  const missing = unsupported === undefined ? "the processor has none" : `got ${unsupported.got}`;
  const ignore = bf16Units.length === 0;
  // The system's library stays open.
  Deno.test({ name: ignore ? `${name} [${missing}]` : name, ignore, sanitizeResources: false, fn });
}

const model = { vocabSize: 256, contextLength: 32, dModel: 48, numLayers: 2, numHeads: 3, dFf: 88, ropeTheta: 10000 };
const text = await Deno.readFile(new URL("../../data/shakespeare.txt", import.meta.url));

/** The losses of a training on Shakespeare, and the weights in the end. */
async function lossesOf(backend: Backend, dtype: Precision, steps: number): Promise<number[]> {
  const training = train({
    backend,
    model: new Transformer(model),
    config: { ...TRAINING_DEFAULTS, dtype, steps, warmupSteps: 5, batchSize: 8 },
    weights: initialWeights(model, 0),
    train: tokensInMemory(text.subarray(0, 300_000)),
  });
  return (await Array.fromAsync(training)).map(({ loss }) => loss);
}

bf16Test("training on Shakespeare in bf16 goes as in f32, and ends within half a percent of its loss", async () => {
  await using backend = await createNativeBackend();
  const [full, rounded] = [await lossesOf(backend, "f32", 100), await lossesOf(backend, "bf16", 100)];
  assert(rounded.at(-1)! < 0.6 * rounded[0], "it did not learn");
  // Each operand of the first step is off by at most 2⁻⁹, and independently; then the weights go slightly different ways.
  for (const [step, loss] of rounded.entries()) {
    assert(Math.abs(loss - full[step]) <= 0.01 * full[step], `step ${step}: got ${loss}, f32 has ${full[step]}`);
  }
  const mean = (losses: number[]) => losses.slice(-10).reduce((sum, loss) => sum + loss) / 10;
  assert(Math.abs(mean(rounded) - mean(full)) <= 0.005 * mean(full), `${mean(rounded)} and ${mean(full)}`);
  assert(rounded.every((loss, step) => step === 0 || loss !== full[step]), "both were computed alike");
});

bf16Test("training in bf16 has the same bits for any number of workers", async () => {
  const losses = async (workers: number) => {
    await using backend = await createNativeBackend({ workers });
    return await lossesOf(backend, "bf16", 8);
  };
  const [one, two, three] = [await losses(1), await losses(2), await losses(3)];
  assertEquals(two, one);
  assertEquals(three, one);
});

bf16Test("linear in a graph in bf16, and both gradients, are those of rounded operands in float64", async () => {
  await using backend = await createNativeBackend({ workers: 2 });
  for (const [rows, I, O] of [[1, 1, 1], [3, 17, 5], [33, 31, 65], [16, 64, 32], [70, 513, 37]]) {
    const graph = new Graph({ precision: "bf16" });
    const x = graph.input("x", [rows, I], { requiresGrad: true });
    const weight = graph.input("weight", [O, I], { requiresGrad: true });
    const y = linear(graph, x, weight);
    assertEquals(y.dtype, "f32");
    const dY = graph.input("dY", [rows, O]);
    const gradients = backward(graph, y, dY);
    const [dX, dWeight] = [gradients.of(x)!, gradients.of(weight)!];
    const outputs = [y, dX, dWeight];
    using compiled = await CompiledGraph.load(backend, plan(graph, { keep: outputs }));
    const random = new Random(rows + I + O);
    const given = new Map([x, weight, dY].map((tensor) => [tensor, random.normal(tensor.size)]));
    for (const [tensor, values] of given) compiled.set(tensor, values);
    await compiled.run();
    const rounded = (tensor: Tensor) => Float64Array.from(given.get(tensor)!, roundToBf16);
    const sizes = { rows, I, O };
    const expected = [
      linearForward({ x: rounded(x), weight: rounded(weight) }, sizes).y,
      linearBackwardInput({ dY: rounded(dY), weight: rounded(weight) }, { ...sizes, accumulate: 0 }).dX,
      linearBackwardWeight({ dY: rounded(dY), x: rounded(x) }, { ...sizes, accumulate: 0 }).dWeight,
    ];
    for (const [i, output] of outputs.entries()) {
      const got = await compiled.read(output);
      const largest = expected[i].reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      const depth = [I, O, rows][i];
      expected[i].forEach((value, at) => {
        const label = `${output.name} of ${rows}, ${I}, ${O} at ${at}: got ${got[at]}, must be ${value}`;
        assert(Math.abs(got[at] - value) <= (depth + 2) * 2 ** -24 * Math.max(1, largest), label);
      });
    }
  }
});

Deno.test("a step in bf16 is one in f32 but for the products of linear maps, and takes as much memory", () => {
  const adamw = { beta1: 0.9, beta2: 0.95, eps: 1e-8, weightDecay: 0.1 };
  for (const optimizer of [adamw, { optimizer: "muon", ...adamw, momentum: 0.95, muonLrScale: 7 }] as const) {
    for (const gradAccumulation of [1, 2]) requireSameButForProducts({ optimizer, gradAccumulation });
  }
});

function requireSameButForProducts(given: Pick<TrainerOptions, "optimizer" | "gradAccumulation">) {
  const options = { batchSize: 2, maxGradNorm: 1, logCapacity: 1, ...given };
  const [full, rounded] = (["f32", "bf16"] as const).map((precision) =>
    traceStep(new Transformer(model), { ...options, precision })
  );
  const describe = ({ batch, update }: typeof full, rename = (name: string) => name) =>
    [...batch.calls, ...(update?.calls ?? [])].map(({ kernel, views, constants }) => ({
      kernel: rename(kernel.name),
      views: views.map(({ dtype, size, byteOffset }) => ({ dtype, size, byteOffset })),
      constants,
    }));
  assertEquals(describe(rounded), describe(full, (name) => name.replace(/^linear_/, "linear_bf16_")));
  const bytes = ({ batch, update }: typeof full) =>
    [batch, update].map((program) => program?.storages.map((storage) => storage.bytes));
  assertEquals(bytes(rounded), bytes(full));
  const planned = (dtype: "f32" | "bf16") => plannedTrainingMemory(model, { batchSize: 2, dtype });
  assertEquals(planned("bf16"), planned("f32"));
}

Deno.test("bf16 is refused by name where it is not to be had", async () => {
  await using wasm = await createWasmBackend({ workers: 1 });
  const refused = "must be native on a processor with AMX or AVX512_BF16";
  await assertRejects(() => lossesOf(wasm, "bf16", 1), UserError, `got the wasm backend (${wasm.description})`);
  await assertRejects(() => lossesOf(wasm, "bf16", 1), UserError, refused);
  const graph = new Graph({ precision: "bf16" });
  linear(graph, graph.input("x", [2, 4]), graph.input("w", [3, 4]));
  await assertRejects(() => wasm.load(plan(graph)), UserError, refused);
  if (unsupported !== undefined) return;
  await using native = await createNativeBackend({ workers: 1, instructions: "avx2" });
  assertEquals(native.capabilities.precisions, ["f32"]);
  await assertRejects(() => lossesOf(native, "bf16", 1), UserError, "which computes in f32");
});
