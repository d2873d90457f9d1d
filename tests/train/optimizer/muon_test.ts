import { assert, assertEquals, assertThrows } from "@std/assert";
import { Graph } from "../../../lib/graph/graph.ts";
import { Tensor } from "../../../lib/graph/tensor.ts";
import { muon } from "../../../lib/train/optimizer/muon.ts";
import { newtonSchulz } from "../../../lib/train/optimizer/newton_schulz.ts";
import { createOptimizers } from "../../../lib/train/optimizer/optimizers.ts";
import { TensorOptimizer } from "../../../lib/train/tensor_optimizer.ts";
import { ParameterLayout, parameterSpecs } from "../../../lib/model/parameters.ts";
import { assertClose, UNIT_ROUNDOFF } from "../../harness/assert_close.ts";
import { forEachBackend } from "../../harness/backends.ts";
import { loadFixture } from "../../harness/fixtures.ts";
import { type HostData, runGraph, type Trace } from "../../harness/graph_run.ts";
import { Random } from "../../harness/random.ts";
import { largest } from "../../harness/tolerance.ts";

/** Wide, tall, square, thin; around vectors and tiles. */
const SHAPES = [[1, 1], [1, 5], [7, 1], [3, 5], [17, 6], [16, 16], [31, 65], [65, 33]] as const;

/** (rows, columns) times (columns, rows): of rows with each other. */
function gramOf(x: ArrayLike<number>, rows: number, columns: number): Float64Array {
  return Float64Array.from({ length: rows * rows }, (_, at) => {
    const [i, j] = [Math.floor(at / rows), at % rows];
    let sum = 0;
    for (let k = 0; k < columns; k++) sum += x[i * columns + k] * x[j * columns + k];
    return sum;
  });
}

/** U Vᵀ's stand-in by the formula, in float64: a X + (b G + c G²) X with G = X Xᵀ, five times. */
function orthogonalised(x: ArrayLike<number>, rows: number, columns: number): Float64Array {
  if (rows > columns) {
    const turn = (y: ArrayLike<number>, r: number, c: number) =>
      Float64Array.from({ length: r * c }, (_, at) => y[(at % r) * c + Math.floor(at / r)]);
    return turn(orthogonalised(turn(x, rows, columns), columns, rows), columns, rows);
  }
  const norm = Math.sqrt(Array.from(x).reduce((sum, value) => sum + value * value, 0));
  let current = Float64Array.from(x, (value) => value / norm);
  for (let step = 0; step < 5; step++) {
    const gram = gramOf(current, rows, columns);
    // Symmetric: its rows with each other are its square.
    const square = gramOf(gram, rows, rows);
    const p = gram.map((g, i) => -4.775 * g + 2.0315 * square[i]);
    const next = current.map((value) => 3.4445 * value);
    for (let i = 0; i < rows; i++) {
      for (let k = 0; k < rows; k++) {
        for (let j = 0; j < columns; j++) next[i * columns + j] += p[i * rows + k] * current[k * columns + j];
      }
    }
    current = next;
  }
  return current;
}

interface StepData {
  readonly parameters: HostData;
  readonly gradients: HostData;
  readonly momentum: HostData;
  readonly clip: HostData;
  readonly schedule: HostData;
}

function traceStep(shape: readonly number[], data: StepData, options: { momentum: number; weightDecay: number }) {
  return (trace: Trace) => {
    const parameters = trace.state("parameters", shape, data.parameters);
    const momentum = trace.state("momentum", shape, data.momentum);
    muon(trace.graph, {
      parameters,
      momentum,
      gradients: trace.input("gradients", shape, data.gradients),
      clip: trace.input("clip", [2], data.clip),
      schedule: trace.input("schedule", [1], data.schedule),
    }, options);
    return { parameters, momentum };
  };
}

forEachBackend("Newton–Schulz equals its formula, and brings singular values near 1", async (backend) => {
  for (const [rows, columns] of SHAPES) {
    const label = `${rows} × ${columns}`;
    const x = new Random(rows + 100 * columns).normal(rows * columns, 3);
    const { y } = await runGraph(backend, (trace) => ({
      y: newtonSchulz(trace.graph, trace.input("x", [rows, columns], x)),
    }));
    const expected = orthogonalised(x, rows, columns);
    // Five steps of three products each; each multiplies an error by at most the polynomial's slope of 3.4 where values
    // are still small.
    const absolute = 3.4445 ** 5 * 4 * Math.sqrt(rows + columns) * UNIT_ROUNDOFF;
    assertClose(y, expected, { absolute }, label);
    // The trace of X Xᵀ is the sum of squared singular values, each between 0.6 and 1.3 by then.
    const [side, other] = [Math.min(rows, columns), Math.max(rows, columns)];
    if (other < 2 * side) continue;
    const mean = Float64Array.from(y).reduce((sum, value) => sum + value * value, 0) / side;
    assert(mean > 0.36 && mean < 1.7, `${label}: mean of squared singular values ${mean}`);
  }
});

forEachBackend("muon equals torch.optim.Muon over five steps", async (backend) => {
  const { floats, shape, metadata } = loadFixture("muon");
  const lr = Number(metadata.lr);
  for (const name of metadata.names.split(",")) {
    using optimizer = await TensorOptimizer.create(backend, {
      tensors: { p: { shape: shape(`${name}.p0`), values: floats(`${name}.p0`) } },
      optimizer: {
        optimizer: "muon",
        momentum: Number(metadata.momentum),
        weightDecay: Number(metadata.weight_decay),
        muonLrScale: 1,
      },
    });
    for (let t = 1; t <= Number(metadata.steps); t++) {
      optimizer.setGradients({ p: floats(`${name}.g${t}`) });
      await optimizer.step(lr);
      // Per step three roundings of a parameter, and the direction's error times the learning rate and √(rows / columns).
      const absolute = t * (3 * UNIT_ROUNDOFF * largest(floats(`${name}.p0`)) + 2 * lr * 1e4 * UNIT_ROUNDOFF);
      assertClose(await optimizer.read("p"), floats(`${name}.p${t}`), { absolute }, `${name}, step ${t}`);
    }
  }
});

forEachBackend("muon with a clipping factor of 0 changes nothing, whatever the gradients are", async (backend) => {
  const random = new Random(3);
  const shape = [5, 7];
  const data = {
    parameters: random.normal(35),
    momentum: random.normal(35),
    gradients: new Float32Array(35).fill(NaN),
    clip: Float32Array.of(NaN, 0),
    schedule: Float32Array.of(0.5),
  };
  const after = await runGraph(backend, traceStep(shape, data, { momentum: 0.95, weightDecay: 0.1 }));
  assertEquals([...after.parameters], [...data.parameters]);
  assertEquals([...after.momentum], [...data.momentum]);
});

forEachBackend("a matrix of zero gradients gets no step but the decay", async (backend) => {
  const parameters = new Random(5).normal(12);
  const data = {
    parameters,
    momentum: new Float32Array(12),
    gradients: new Float32Array(12),
    clip: Float32Array.of(0, 1),
    schedule: Float32Array.of(0.5),
  };
  const after = await runGraph(backend, traceStep([3, 4], data, { momentum: 0.9, weightDecay: 0.25 }));
  assertClose(
    after.parameters,
    parameters.map((p) => p * (1 - 0.5 * 0.25)),
    { relative: 2 * UNIT_ROUNDOFF },
    "decayed",
  );
});

Deno.test("muon takes the matrices inside blocks, and AdamW the rest", () => {
  const specs = parameterSpecs({
    vocabSize: 11,
    contextLength: 4,
    dModel: 4,
    numLayers: 1,
    numHeads: 1,
    dFf: 6,
    ropeTheta: 10000,
    valueEmbeddings: "all",
  });
  const layout = new ParameterLayout("parameters", specs, true);
  const [matrices, rest, ...more] = createOptimizers(layout, specs, { optimizer: "muon" });
  assertEquals(more, []);
  // What a token looks up is no map of one space into another, inside a block or not.
  const isInside = (name: string) => /^layers\.0\.(attn|ffn)\.(?!value_embeddings)/.test(name);
  const names = specs.map(({ name }) => name);
  assertEquals([...matrices.state.keys()], ["momentum"]);
  assertEquals([...matrices.state.get("momentum")!.parts.keys()], names.filter(isInside));
  assertEquals([...rest.state.keys()], ["first_moment", "second_moment"]);
  assertEquals([...rest.state.get("first_moment")!.parts.keys()], names.filter((name) => !isInside(name)));
  assertEquals(matrices.schedule(0.01, 1), [0.01 * 7]);
});

Deno.test("muon refuses what is no matrix, and tensors of different shapes", () => {
  const tensor = (shape: number[]) => new Tensor("t", shape);
  const good = {
    parameters: tensor([2, 3]),
    gradients: tensor([2, 3]),
    momentum: tensor([2, 3]),
    clip: tensor([2]),
    schedule: tensor([1]),
  };
  const options = { momentum: 0.9, weightDecay: 0 };
  for (const name of Object.keys(good)) {
    assertThrows(() => muon(new Graph(), { ...good, [name]: tensor([3, 2]) }, options), RangeError, "muon");
  }
  const vector = tensor([6]);
  const flat = { ...good, parameters: vector, gradients: vector, momentum: vector };
  assertThrows(() => muon(new Graph(), flat, options), RangeError, "must be a matrix");
});
