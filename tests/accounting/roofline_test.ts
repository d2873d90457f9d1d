import { assertEquals } from "@std/assert";
import { rooflineSeconds, workOf } from "../../lib/accounting/roofline.ts";
import { attentionForward } from "../../lib/ops/attention.ts";
import { trainingProgram } from "./programs.ts";

const TINY = { vocabSize: 37, contextLength: 12, dModel: 16, numLayers: 2, numHeads: 2, dFf: 40 };
const LIMITS = { peak: 100, peakSource: "", bandwidth: 10, bandwidthSource: "" };

Deno.test("work: a linear layer's products, and its arrays once", async () => {
  const { vocabSize: V, contextLength: T, dModel: D } = TINY;
  const B = 3;
  const { calls } = await trainingProgram(TINY, B);
  const head = calls.findLast(({ kernel }) => kernel.name === "linear_forward")!;
  assertEquals(workOf(head), { flops: 2 * B * T * D * V, bytes: 4 * (B * T * D + V * D + B * T * V) });
  // The first contribution to a gradient overwrites it, the next reads it as well.
  const inputs = calls.filter(({ kernel }) => kernel.name === "linear_backward_input");
  const work = (accumulate: number) =>
    workOf(inputs.find(({ constants: [, I, O, a] }) => I === O && a === accumulate)!);
  assertEquals(work(1).bytes - work(0).bytes, 4 * B * T * D);
});

Deno.test("work: attention's FLOPs are those of the pairs a query sees", async () => {
  const { contextLength: T, dModel: D, numHeads: H } = TINY;
  const calls = (await trainingProgram(TINY, 1)).calls.filter(({ kernel }) => kernel.name === "attention_forward");
  const all = attentionForward.flops!({ B: 1, T, S: T, H, headDim: D / H });
  assertEquals(workOf(calls[0]).flops, (all.matmul + all.other) * (T * (T + 1) / 2) / T ** 2);
});

Deno.test("work: the optimizer reads and writes parameters and moments; a look-up reads the rows it needs", async () => {
  const { calls } = await trainingProgram(TINY, 1);
  const find = (name: string) => calls.find(({ kernel }) => kernel.name === name)!;
  const n = find("adamw").constants[0];
  assertEquals(workOf(find("adamw")).bytes, 4 * (n + 2 + 3 + 3 * 2 * n));
  const { vocabSize: V, contextLength: T, dModel: D } = TINY;
  assertEquals(workOf(find("embedding_forward")).bytes, 4 * (T + Math.min(T, V) * D + T * D));
});

Deno.test("the roofline is whichever takes longer, arithmetic or memory", () => {
  assertEquals(rooflineSeconds({ flops: 1000, bytes: 10 }, LIMITS), 10);
  assertEquals(rooflineSeconds({ flops: 10, bytes: 1000 }, LIMITS), 100);
});
