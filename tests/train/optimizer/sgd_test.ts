import { assertEquals, assertThrows } from "@std/assert";
import type { Backend } from "../../../lib/backend/backend.ts";
import { Graph } from "../../../lib/graph/graph.ts";
import { Tensor } from "../../../lib/graph/tensor.ts";
import { sgd } from "../../../lib/train/optimizer/sgd.ts";
import { assertClose, UNIT_ROUNDOFF } from "../../harness/assert_close.ts";
import { forEachBackend } from "../../harness/backends.ts";
import { type HostData, runGraph, type Trace } from "../../harness/graph_run.ts";
import { Random } from "../../harness/random.ts";
import { largest } from "../../harness/tolerance.ts";

interface StepData {
  readonly parameters: HostData;
  readonly gradients: HostData;
  readonly clip: HostData;
  readonly schedule: HostData;
}

function traceStep(data: StepData, weightDecay: number) {
  return (trace: Trace) => {
    const shape = [data.parameters.length];
    const parameters = trace.state("parameters", shape, data.parameters);
    sgd(trace.graph, {
      parameters,
      gradients: trace.input("gradients", shape, data.gradients),
      clip: trace.input("clip", [2], data.clip),
      schedule: trace.input("schedule", [1], data.schedule),
    }, { weightDecay });
    return { parameters };
  };
}

async function requireFormula(backend: Backend, n: number, weightDecay: number): Promise<void> {
  const random = new Random(n);
  const [p, g] = [random.normal(n), random.normal(n, 3)];
  const data = {
    parameters: p,
    gradients: g,
    clip: Float32Array.of(2.7, 0.37),
    schedule: Float32Array.of(0.25),
  };
  const { parameters } = await runGraph(backend, traceStep(data, weightDecay));
  const [factor, lr] = [data.clip[1], data.schedule[0]];
  const expected = Float64Array.from(p, (p, i) => p * (1 - lr * weightDecay) - lr * factor * g[i]);
  // Five roundings of terms that may cancel: relative to the largest terms, not to what is left.
  const tolerance = 5 * UNIT_ROUNDOFF * (largest(p) + lr * factor * largest(g));
  assertClose(parameters, expected, { absolute: tolerance }, `n = ${n}`);
}

forEachBackend("sgd equals its formula at sizes 1, primes, and around vectors", async (backend) => {
  for (const n of [1, 2, 3, 4, 5, 7, 8, 9, 63, 65, 257, 1031, 66_047]) {
    for (const weightDecay of [0, 0.1]) await requireFormula(backend, n, weightDecay);
  }
});

forEachBackend("sgd with a clipping factor of 0 changes nothing, whatever the gradients are", async (backend) => {
  const parameters = new Random(3).normal(37);
  const gradients = new Float32Array(37).fill(NaN);
  const data = { parameters, gradients, clip: Float32Array.of(NaN, 0), schedule: Float32Array.of(0.5) };
  assertEquals([...(await runGraph(backend, traceStep(data, 0.1))).parameters], [...parameters]);
});

forEachBackend("sgd with learning rate 0 and no decay changes nothing", async (backend) => {
  const random = new Random(7);
  const data = {
    parameters: random.normal(37),
    gradients: random.normal(37),
    clip: Float32Array.of(1, 1),
    schedule: Float32Array.of(0),
  };
  assertEquals([...(await runGraph(backend, traceStep(data, 0))).parameters], [...data.parameters]);
});

Deno.test("sgd refuses tensors of different shapes", () => {
  const tensor = (n: number) => new Tensor("t", [n]);
  const good = { parameters: tensor(4), gradients: tensor(4), clip: tensor(2), schedule: tensor(1) };
  for (const name of Object.keys(good)) {
    assertThrows(
      () => sgd(new Graph(), { ...good, [name]: tensor(5) }, { weightDecay: 0 }),
      RangeError,
      "Cannot apply sgd",
    );
  }
});
