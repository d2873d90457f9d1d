import { assertEquals, assertThrows } from "@std/assert";
import { backward } from "../../lib/graph/backward.ts";
import { Graph } from "../../lib/graph/graph.ts";
import { Tensor } from "../../lib/graph/tensor.ts";
import { add } from "../../lib/ops/add.ts";
import { attention } from "../../lib/ops/attention.ts";
import { silu } from "../../lib/ops/silu.ts";
import { swiglu } from "../../lib/ops/swiglu.ts";
import { assertClose } from "../harness/assert_close.ts";
import { runGraph } from "../harness/graph_run.ts";
import { ReferenceBackend } from "../reference/backend.ts";

const X = Float32Array.of(-1.5, 0.25, 3);
const Z = Float32Array.of(0.5, -0.75, 2);
const DY = Float32Array.of(0.5, -2, 1.25);
const BEFORE = Float32Array.of(10, 20, 30);

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
/** The derivative of x σ(x). */
const slope = (x: number) => sigmoid(x) * (1 + x * (1 - sigmoid(x)));

interface LeafOptions {
  /** Leaves whose gradients have a fixed place. */
  readonly fixed?: readonly string[];
  /** The fixed gradients hold BEFORE, and are added to. */
  readonly accumulate?: boolean;
  /** Leaves that want no gradient. */
  readonly constant?: readonly string[];
}

/** The gradients of leaves x and z, holding X and Z, when DY flows into what `build` returns. */
function gradients(build: (graph: Graph, x: Tensor, z: Tensor) => Tensor, options: LeafOptions = {}) {
  const { fixed = [], accumulate = false, constant = [] } = options;
  return runGraph(new ReferenceBackend(), (trace) => {
    const leaves: [string, Tensor][] = Object.entries({ x: X, z: Z }).map(([name, data]) => {
      return [name, trace.input(name, [3], data, !constant.includes(name))];
    });
    const y = build(trace.graph, leaves[0][1], leaves[1][1]);
    const dY = trace.input("dY", [3], DY);
    const gradientOf = new Map(
      leaves.filter(([name]) => fixed.includes(name)).map(([name, leaf]) => {
        const data = accumulate ? BEFORE : new Float32Array(3).fill(NaN);
        return [leaf, trace.state(`d_${name}`, [3], data)];
      }),
    );
    const found = backward(trace.graph, y, dY, { gradientOf, accumulate });
    const wanted = leaves.map(([name, leaf]): [string, Tensor | undefined] => [name, found.of(leaf)]);
    return Object.fromEntries(wanted.filter((entry): entry is [string, Tensor] => entry[1] !== undefined));
  });
}

function assertGradients(
  actual: Record<string, ArrayLike<number>>,
  expected: Record<string, (i: number) => number>,
): void {
  assertEquals(Object.keys(actual).sort(), Object.keys(expected).sort());
  for (const [name, formula] of Object.entries(expected)) {
    assertClose(actual[name], [0, 1, 2].map(formula), { relative: 1e-12 }, name);
  }
}

// Each shape in which two tensors come to share one gradient, and the placements of the leaves' gradients.
const PLACEMENTS: LeafOptions[] = [{}, { fixed: ["x"] }, { fixed: ["z"] }, { fixed: ["x", "z"] }];
const SHARED: {
  name: string;
  build: (graph: Graph, x: Tensor, z: Tensor) => Tensor;
  expected: Record<string, (i: number) => number>;
}[] = [
  { name: "x + x", build: (g, x) => add(g, x, x), expected: { x: (i) => 2 * DY[i] } },
  {
    name: "x + z",
    build: (g, x, z) => add(g, x, z),
    expected: { x: (i) => DY[i], z: (i) => DY[i] },
  },
  {
    name: "x + silu(x)",
    build: (g, x) => add(g, x, silu(g, x)),
    expected: { x: (i) => DY[i] * (1 + slope(X[i])) },
  },
  {
    name: "silu(x) + x",
    build: (g, x) => add(g, silu(g, x), x),
    expected: { x: (i) => DY[i] * (1 + slope(X[i])) },
  },
  {
    name: "(x + z) + silu(x): adding to dX must not change dZ",
    build: (g, x, z) => {
      const s = silu(g, x);
      return add(g, add(g, x, z), s);
    },
    expected: { x: (i) => DY[i] * (1 + slope(X[i])), z: (i) => DY[i] },
  },
  {
    name: "silu(x) + (z + x), the sum traced last",
    build: (g, x, z) => add(g, silu(g, x), add(g, z, x)),
    expected: { x: (i) => DY[i] * (1 + slope(X[i])), z: (i) => DY[i] },
  },
  {
    name: "h + silu(h) with h = x + z",
    build: (g, x, z) => {
      const h = add(g, x, z);
      return add(g, h, silu(g, h));
    },
    expected: {
      x: (i) => DY[i] * (1 + slope(X[i] + Z[i])),
      z: (i) => DY[i] * (1 + slope(X[i] + Z[i])),
    },
  },
  {
    name: "((x + z) + x) + silu(z)",
    build: (g, x, z) => {
      const s = silu(g, z);
      return add(g, add(g, add(g, x, z), x), s);
    },
    expected: { x: (i) => 2 * DY[i], z: (i) => DY[i] * (1 + slope(Z[i])) },
  },
  {
    name: "silu(x) + silu(x + z): an intermediate's gradient is shared by x and z alone",
    build: (g, x, z) => add(g, silu(g, x), silu(g, add(g, x, z))),
    expected: {
      x: (i) => DY[i] * (slope(X[i]) + slope(X[i] + Z[i])),
      z: (i) => DY[i] * slope(X[i] + Z[i]),
    },
  },
  {
    name: "x + silu(silu(x)): the upstream gradient stays as it is",
    build: (g, x) => add(g, x, silu(g, silu(g, x))),
    expected: { x: (i) => DY[i] * (1 + slope(X[i]) * slope(X[i] * sigmoid(X[i]))) },
  },
  {
    name: "swiglu(x, z) + x",
    build: (g, x, z) => add(g, swiglu(g, x, z), x),
    expected: { x: (i) => DY[i] * (1 + slope(X[i]) * Z[i]), z: (i) => DY[i] * X[i] * sigmoid(X[i]) },
  },
  {
    name: "an op whose output nothing uses",
    build: (g, x, z) => {
      swiglu(g, x, z);
      return silu(g, x);
    },
    expected: { x: (i) => DY[i] * slope(X[i]) },
  },
];

for (const { name, build, expected } of SHARED) {
  Deno.test(`backward: ${name}`, async () => {
    for (const options of PLACEMENTS) assertGradients(await gradients(build, options), expected);
  });

  Deno.test(`backward, added to gradients that are there: ${name}`, async () => {
    const added = Object.fromEntries(
      Object.entries(expected).map(([leaf, formula]) => [leaf, (i: number) => BEFORE[i] + formula(i)]),
    );
    assertGradients(await gradients(build, { fixed: ["x", "z"], accumulate: true }), added);
  });
}

Deno.test("backward: a gradient is copied only while another tensor needs it unchanged", () => {
  const copies = (build: (graph: Graph, x: Tensor, z: Tensor) => Tensor) => {
    const graph = new Graph();
    const [x, z] = ["x", "z"].map((name) => graph.input(name, [3], { requiresGrad: true }));
    backward(graph, build(graph, x, z), graph.input("dY", [3]));
    return graph.calls.filter(({ kernel }) => kernel.name === "copy").length;
  };
  // Both contributions to x come from kernels: the second adds in place.
  assertEquals(copies((g, x, z) => swiglu(g, silu(g, x), swiglu(g, x, z))), 0);
  // x shares the sum's gradient with silu(silu(x)), which has been passed on when x is reached again.
  assertEquals(copies((g, x) => silu(g, add(g, x, silu(g, silu(g, x))))), 0);
  // x and z share one: the first to be added to gets a copy, the other keeps it.
  assertEquals(copies((g, x, z) => add(g, add(g, silu(g, x), silu(g, z)), silu(g, add(g, x, z)))), 1);
});

Deno.test("backward: leaves that want no gradient get none", async () => {
  const build = (g: Graph, x: Tensor, z: Tensor) => add(g, silu(g, x), z);
  assertGradients(await gradients(build, { constant: ["z"] }), { x: (i) => DY[i] * slope(X[i]) });
  assertGradients(await gradients(build, { constant: ["x"] }), { z: (i) => DY[i] });
});

Deno.test("backward: no kernel runs for what needs no gradient", () => {
  const graph = new Graph();
  const [x, z] = [graph.input("x", [3]), graph.input("z", [3], { requiresGrad: true })];
  const y = add(graph, silu(graph, silu(graph, x)), z);
  const forward = graph.calls.length;
  backward(graph, y, graph.input("dY", [3]));
  assertEquals(graph.calls.slice(forward).map(({ kernel }) => kernel.name), []);
});

Deno.test("backward: a kernel that computes several gradients puts those that are not wanted where nothing reads them", () => {
  const graph = new Graph();
  const leaf = (name: string, requiresGrad: boolean) => graph.input(name, [1, 2, 4], { requiresGrad });
  const [q, k, v] = [leaf("q", false), leaf("k", true), leaf("v", false)];
  const start = graph.input("start", [1], { dtype: "u32" });
  const [gate, up] = [attention(graph, q, k, v, 2, start), leaf("up", false)];
  const y = swiglu(graph, up, swiglu(graph, gate, up));
  const forward = graph.calls.length;
  const gradientOf = new Map([q, k, v, up].map((x) => [x, graph.input(`d${x.name}`, x.shape)]));
  const found = backward(graph, y, graph.input("dY", y.shape), { gradientOf, accumulate: true });
  assertEquals([q, k, v, up].map((x) => found.of(x)), [undefined, gradientOf.get(k), undefined, undefined]);
  const written = new Set(graph.calls.slice(forward).flatMap(({ outputs }) => outputs));
  assertEquals([...gradientOf.values()].filter((gradient) => written.has(gradient)), [gradientOf.get(k)]);
  // What nobody wants is not added to what is there, which is garbage.
  for (const { kernel, constants } of graph.calls.slice(forward)) {
    const added = Object.keys(kernel.constants).flatMap((name, i) =>
      constants[i] === 1 && /^acc/.test(name) ? [name] : []
    );
    assertEquals(added, kernel.name === "attention_backward" ? ["accumulateKey"] : [], kernel.name);
  }
});

Deno.test("backward: refuses what depends on no leaf, and an upstream gradient of another shape", () => {
  const graph = new Graph();
  const constant = silu(graph, graph.input("x", [3]));
  const dY = graph.input("dY", [3]);
  assertThrows(() => backward(graph, constant, dY), Error, "Cannot differentiate silu(x) (3): it depends on no tensor");
  const y = silu(graph, graph.input("w", [3], { requiresGrad: true }));
  const wrong = graph.input("wrong", [1, 3]);
  assertThrows(() => backward(graph, y, wrong), RangeError, "got upstream gradient wrong (1, 3), must have the same");
});
