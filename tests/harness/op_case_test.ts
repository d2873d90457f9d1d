// The harness must object to kernels that are wrong: each test plants a mistake in a kernel that is right.
import { assertRejects } from "@std/assert";
import { silu, siluForward } from "../../lib/ops/silu.ts";
import { swiglu } from "../../lib/ops/swiglu.ts";
import { ReferenceBackend } from "../reference/backend.ts";
import type { ReferenceKernel } from "../reference/kernel.ts";
import { REFERENCE_KERNELS } from "../reference/kernels.ts";
import { assertOpAccumulates, assertOpIsDeterministic, assertOpMatchesReference, type OpCase } from "./op_case.ts";
import { Random } from "./random.ts";

const N = 37;
const random = new Random(2);
const OP: OpCase = {
  label: "swiglu of silu",
  inputs: { x: { shape: [N], data: random.normal(N) }, up: { shape: [N], data: random.normal(N) } },
  build: (graph, { x, up }) => swiglu(graph, silu(graph, x), up),
};
const TIGHT = { y: { absolute: 1e-6 }, d_x: { absolute: 1e-6 }, d_up: { absolute: 1e-6 } };

/** A backend on which one kernel is not what it should be. */
function planted(name: string, mistake: (kernel: ReferenceKernel) => ReferenceKernel): ReferenceBackend {
  return new ReferenceBackend(new Map(REFERENCE_KERNELS).set(name, mistake(REFERENCE_KERNELS.get(name)!)));
}

Deno.test("the harness accepts kernels that are right", async () => {
  const backend = new ReferenceBackend();
  await assertOpMatchesReference(backend, OP, TIGHT);
  await assertOpAccumulates(backend, OP, TIGHT);
  await assertOpIsDeterministic(backend, OP);
});

Deno.test("the harness rejects a gradient that is 0.05 % off", async () => {
  const backend = planted("silu_backward", (kernel) => (inputs, constants, before) => {
    const { dX } = kernel(inputs, constants, before);
    return { dX: dX.map((value) => value * 1.0005) };
  });
  await assertRejects(() => assertOpMatchesReference(backend, OP, TIGHT), Error, "swiglu of silu: d_x: ");
  await assertRejects(() => assertOpAccumulates(backend, OP, TIGHT), Error, "adding to d_x and d_up: d_x: ");
});

Deno.test("the harness rejects a tolerance that would hide an error of 0.05 %", async () => {
  const loose = { ...TIGHT, d_up: { relative: 1e-3 } };
  await assertRejects(() => assertOpMatchesReference(new ReferenceBackend(), OP, loose), Error, "would hide an error");
});

Deno.test("the harness rejects an element that is not written, in a result or in an intermediate", async () => {
  for (const name of ["swiglu_forward", "silu_forward"]) {
    const backend = planted(name, (kernel) => (inputs, constants, before) => {
      const y = kernel(inputs, constants, before).y.slice();
      y[N - 1] = before.y[N - 1];
      return { y };
    });
    await assertRejects(() => assertOpMatchesReference(backend, OP, TIGHT), Error, "got NaN");
  }
});

Deno.test("the harness rejects a kernel that adds where it should overwrite", async () => {
  const backend = planted("silu_backward", (kernel) => (inputs, constants, before) => {
    const { dX } = kernel(inputs, constants, before);
    return { dX: dX.map((value, i) => value + before.dX[i]) };
  });
  await assertRejects(() => assertOpMatchesReference(backend, OP, TIGHT), Error, "got NaN");
});

Deno.test("the harness rejects a kernel that overwrites where it should add", async () => {
  const backend = planted("swiglu_backward", (kernel) => (inputs, constants, before) => {
    const { dGate, dUp } = kernel(inputs, constants, before);
    return { dGate, dUp: dUp.map((value, i) => value - (constants.accumulateUp ? before.dUp[i] : 0)) };
  });
  await assertOpMatchesReference(backend, OP, TIGHT);
  await assertRejects(() => assertOpAccumulates(backend, OP, TIGHT), Error, "adding to d_x and d_up: d_up: ");
});

Deno.test("the harness rejects a kernel that writes beyond its output", async () => {
  class Overrunning extends ReferenceBackend {
    override async load(program: Parameters<ReferenceBackend["load"]>[0]) {
      const executable = await super.load(program);
      const { views } = program.calls.find(({ kernel }) => kernel.name === "silu_backward")!;
      const output = views.at(-1)!;
      return {
        run: async () => {
          await executable.run();
          this.write({ ...output, byteOffset: output.byteOffset + N * 4, size: 1 }, Float32Array.of(1));
        },
      };
    }
  }
  await assertRejects(() => assertOpMatchesReference(new Overrunning(), OP, TIGHT), Error, "changed memory after d_x");
});

Deno.test("the harness rejects results that differ from run to run, and cases that are all zeros", async () => {
  let runs = 0;
  const backend = planted(siluForward.name, (kernel) => (inputs, constants, before) => {
    const { y } = kernel(inputs, constants, before);
    return { y: y.map((value) => value * (1 + runs++ * 1e-9)) };
  });
  await assertRejects(() => assertOpIsDeterministic(backend, OP), Error, "differs from run to run");
  const zeros = { ...OP, inputs: { ...OP.inputs, up: { shape: [N], data: new Float32Array(N) } } };
  await assertRejects(() => assertOpIsDeterministic(new ReferenceBackend(), zeros), Error, "which proves nothing");
});

Deno.test("the harness rejects a kernel that mistakes one output's accumulate for another's", async () => {
  const backend = planted("swiglu_backward", (kernel) => (inputs, constants, before) => {
    const { dGate, dUp } = kernel(inputs, constants, before);
    const { accumulateGate, accumulateUp } = constants;
    const off = (accumulateGate ? 1 : 0) - (accumulateUp ? 1 : 0);
    return { dGate, dUp: off === 0 ? dUp : dUp.map((value, i) => value + off * before.dUp[i]) };
  });
  await assertOpMatchesReference(backend, OP, TIGHT);
  await assertRejects(() => assertOpAccumulates(backend, OP, TIGHT), Error, "adding to d_");
});
