import { assertEquals, assertThrows } from "@std/assert";
import { Graph } from "../../../lib/graph/graph.ts";
import { Tensor } from "../../../lib/graph/tensor.ts";
import { adamw, type AdamWOptions, adamwSchedule } from "../../../lib/train/optimizer/adamw.ts";
import { assertClose, UNIT_ROUNDOFF } from "../../harness/assert_close.ts";
import { forEachBackend, forEachDevice, reference } from "../../harness/backends.ts";
import { loadFixture } from "../../harness/fixtures.ts";
import { GraphRun, type HostData, runGraph, type Trace } from "../../harness/graph_run.ts";
import { Random } from "../../harness/random.ts";
import { largest } from "../../harness/tolerance.ts";

interface StepData {
  readonly parameters: HostData;
  readonly m: HostData;
  readonly v: HostData;
  readonly gradients: HostData;
  /** The norm, which AdamW does not read, and the factor. */
  readonly clip: HostData;
  readonly schedule: HostData;
}

function traceStep(data: StepData, options: AdamWOptions) {
  return (trace: Trace) => {
    const shape = [data.parameters.length];
    const [parameters, m, v] = (["parameters", "m", "v"] as const).map((name) => trace.state(name, shape, data[name]));
    adamw(trace.graph, {
      parameters,
      m,
      v,
      gradients: trace.input("gradients", shape, data.gradients),
      clip: trace.input("clip", [2], data.clip),
      schedule: trace.input("schedule", [3], data.schedule),
    }, options);
    return { parameters, m, v };
  };
}

forEachBackend("adamw equals PyTorch over five steps", async (backend) => {
  const { floats, metadata } = loadFixture("adamw");
  const option = (name: string) => Number(metadata[name]);
  const options = {
    beta1: option("beta1"),
    beta2: option("beta2"),
    eps: option("eps"),
    weightDecay: option("weight_decay"),
  };
  const zeros = new Float32Array(floats("p0").length);
  const data = {
    parameters: floats("p0"),
    m: zeros,
    v: zeros,
    gradients: zeros,
    clip: Float32Array.of(1, 1),
    schedule: Float32Array.of(0, 1, 1),
  };
  const run = await GraphRun.load(backend, traceStep(data, options));
  let state: Record<string, HostData> = {};
  for (let t = 1; t <= 5; t++) {
    const schedule = Float32Array.from(adamwSchedule(option("lr"), t, options));
    state = await run.run(undefined, { ...state, gradients: floats(`g${t}`), schedule });
    // Per step three roundings of a parameter, and some twenty of an update that is at most a few times lr.
    const tolerance = t * UNIT_ROUNDOFF * (3 * largest(floats("p0")) + 20 * 3 * option("lr"));
    assertClose(state.parameters, floats(`p${t}`), { absolute: tolerance }, `parameters after step ${t}`);
  }
  run.release();
});

forEachDevice(
  "adamw equals the reference at sizes 1, primes, and around vectors",
  async (backend) => {
    const cases: [number, number, number][] = [1, 2, 3, 4, 5, 7, 8, 9, 63, 65, 257, 1031, 66_047].map((
      n,
    ) => [n, 0.95, 0]);
    cases.push([1031, 0.999, 0.1]);
    for (const [n, beta2, weightDecay] of cases) {
      const random = new Random(n);
      const data = {
        parameters: random.normal(n),
        m: random.normal(n),
        v: random.normal(n).map((value) => value * value),
        gradients: random.normal(n, 3),
        clip: Float32Array.of(2.7, 0.37),
        schedule: Float32Array.of(0.01, 0.19, 0.1),
      };
      const options = { beta1: 0.9, beta2, eps: 1e-8, weightDecay };
      const expected = await runGraph(await reference(), traceStep(data, options));
      const actual = await runGraph(backend, traceStep(data, options));
      // β and 1 − β are each rounded once, and each term and the sum.
      const error = 8 * UNIT_ROUNDOFF;
      const label = `n = ${n}, beta2 = ${beta2}`;
      const g = 0.37 * largest(data.gradients);
      assertClose(actual.m, expected.m, { absolute: error * 0.1 * g + 4 * UNIT_ROUNDOFF * largest(data.m) }, label);
      assertClose(actual.v, expected.v, { absolute: 1e-30, relative: error }, label);
      // What the step changed by, which is what a wrong formula would show in; m cancels where its two terms do.
      const change = (after: ArrayLike<number>) => Float64Array.from(data.parameters, (p, i) => after[i] - p);
      const steps = change(expected.parameters);
      const tolerance = 4 * UNIT_ROUNDOFF * largest(data.parameters) + (20 * UNIT_ROUNDOFF + 2 * error) * 0.1;
      assertClose(change(actual.parameters), steps, { absolute: tolerance, relative: 2 * error }, label);
    }
  },
);

forEachBackend("adamw leaves zeros with zero gradients at zero", async (backend) => {
  const zeros = new Float32Array(5);
  const data = {
    parameters: zeros,
    m: zeros,
    v: zeros,
    gradients: zeros,
    clip: Float32Array.of(0, 1),
    schedule: Float32Array.of(0.1, 0.1, 0.05),
  };
  const options = { beta1: 0.9, beta2: 0.95, eps: 1e-8, weightDecay: 0.1 };
  for (const values of Object.values(await runGraph(backend, traceStep(data, options)))) {
    assertEquals([...values], [0, 0, 0, 0, 0]);
  }
});

forEachBackend("adamw with a clipping factor of 0 changes nothing, whatever the gradients are", async (backend) => {
  const random = new Random(3);
  const [parameters, m, v] = [random.normal(37), random.normal(37), random.normal(37).map((value) => value * value)];
  const clip = Float32Array.of(NaN, 0);
  const data = {
    parameters,
    m,
    v,
    gradients: new Float32Array(37).fill(NaN),
    clip,
    schedule: Float32Array.of(1, 1, 1),
  };
  const options = { beta1: 0.9, beta2: 0.95, eps: 1e-8, weightDecay: 0.1 };
  const after = await runGraph(backend, traceStep(data, options));
  for (const [name, before] of Object.entries({ parameters, m, v })) assertEquals([...after[name]], [...before], name);
});

Deno.test("adamw refuses tensors of different shapes", () => {
  const tensor = (n: number) => new Tensor("t", [n]);
  const good = {
    parameters: tensor(4),
    gradients: tensor(4),
    m: tensor(4),
    v: tensor(4),
    clip: tensor(2),
    schedule: tensor(3),
  };
  const options = { beta1: 0.9, beta2: 0.95, eps: 1e-8, weightDecay: 0.1 };
  for (const name of Object.keys(good)) {
    assertThrows(() => adamw(new Graph(), { ...good, [name]: tensor(5) }, options), RangeError, "Cannot apply adamw");
  }
});
