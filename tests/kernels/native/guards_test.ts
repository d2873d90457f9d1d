// Every native kernel between guards, over garbage, beside its float64 version.
import { assert } from "@std/assert";
import type { InstructionSet } from "../../../kernels/native/instruction_set.ts";
import { CodeCache } from "../../../lib/backend/native/code_cache.ts";
import type { WorkerTools } from "../../../lib/backend/native/kernel.ts";
import { MADE_BY, NATIVE_KERNELS } from "../../../lib/backend/native/kernels.ts";
import { openFunctionMaker } from "../../../lib/backend/native/native_function.ts";
import type { CallingSystem } from "../../../lib/backend/native/system_library.ts";
import { addsTo, type Kernel } from "../../../lib/graph/kernel.ts";
import { OP_KERNELS } from "../../../lib/ops/kernels.ts";
import { assertClose } from "../../harness/assert_close.ts";
import { Random } from "../../harness/random.ts";
import type { Numbers } from "../../reference/kernel.ts";
import { REFERENCE_KERNELS } from "../../reference/kernels.ts";
import { forEachSet, type Guarded, type Machine } from "./machine.ts";

type Constants = Readonly<Record<string, number>>;

/** Sizes 1, primes, and around tiles, vectors, panels and blocks: of each kernel, as far as it has machine code for them. */
const SIZES: Readonly<Record<string, readonly Constants[]>> = {
  linear: [[17, 1, 1], [17, 31, 33], [29, 65, 48], [61, 257, 19]].map(([rows, I, O]) => ({ rows, I, O })),
  attention: [[4, 1], [13, 7], [31, 8], [57, 16], [59, 33], [128, 32], [263, 19], [15, 65]].map(([T, headDim]) => (
    { B: 2, T, S: T, H: 3, headDim }
  )),
  // Without a window: with one, WebAssembly computes it.
  grouped: [[4, 1, 1], [57, 16, 2], [59, 33, 1], [128, 32, 3], [263, 19, 1]].map(([T, headDim, keyHeads]) => (
    { B: 2, T, S: T, H: 6, keyHeads, headDim, window: T }
  )),
  swiglu: [1, 7, 8, 9, 15, 16, 17, 31, 33, 4096, 5003].map((n) => ({ n })),
  cross_entropy: [[1, 16, 0.05], [3, 17, 0], [2, 31, 0.05], [5, 64, 0], [7, 1031, 0.05]].map(([rows, V, z]) => ({
    rows,
    V,
    z,
  })),
};

/** The work of one worker that does all of it, in two pieces where there are as many units. */
function twoPieces(): WorkerTools["work"] {
  let [units, begin, end] = [0, 0, 0];
  return {
    divide: (_counters, count) => [units, begin, end] = [count, 0, 0],
    claim: () => {
      begin = end;
      end = end === 0 && units > 1 ? Math.ceil(units / 2) : units;
      return begin < end;
    },
    firstUnit: () => begin,
    endUnit: () => end,
  };
}

/** Runs a kernel on random arrays, and compares. Rounding: of sums of as many terms as a size has, of numbers of a few units. */
function assertKernel(
  set: InstructionSet,
  machine: Machine,
  code: CodeCache,
  kernel: Kernel,
  constants: Constants,
): void {
  machine.clear();
  const random = new Random(5);
  const sizes = kernel.sizes!(constants);
  const below = kernel.below?.(constants) ?? {};
  const label = `${kernel.name} ${JSON.stringify(constants)} ${set.name}`;
  const arrays = new Map<string, Guarded>();
  const before = new Map<string, Float64Array>();
  const given: Record<string, Numbers> = {};
  for (const name of [...kernel.inputs, ...kernel.outputs]) {
    const array = machine.array(sizes[name]);
    arrays.set(name, array);
    if (kernel.integers?.includes(name)) {
      const ids = random.integers(sizes[name], below[name]!);
      new Uint32Array(array.values.buffer, array.address, sizes[name]).set(ids);
      given[name] = ids;
      continue;
    }
    const isRead = kernel.inputs.includes(name) || kernel.writes?.[name] === "updated" ||
      addsTo(kernel, name, constants);
    array.values.set(isRead ? random.normal(sizes[name]) : new Float32Array(sizes[name]).fill(NaN));
    if (kernel.inputs.includes(name)) given[name] = Float64Array.from(array.values);
    else before.set(name, Float64Array.from(array.values));
  }
  // What the forward pass would give, as some of these arrays belong together.
  const forward = REFERENCE_KERNELS.get(kernel.name.replace(/_backward.*/, "_forward"));
  if (kernel.inputs.includes("lse") && forward) {
    const { S = constants.T } = constants;
    const logits = kernel.inputs.includes("logits") ? given.logits : before.get("logits");
    const known = forward({ ...given, ...logits && { logits }, start: Uint32Array.of(0) }, { ...constants, S }, {});
    for (const name of ["lse", "y"]) {
      if (!(name in known) || !arrays.has(name)) continue;
      arrays.get(name)!.values.set(known[name]);
      given[name] = Float64Array.from(arrays.get(name)!.values);
    }
  }
  const addresses = [...arrays.values()].map(({ address }) => address);
  const native = NATIVE_KERNELS[MADE_BY.get(kernel.name)!];
  const numbers = native.encode({ name: kernel.name, constants, addresses }, code);
  assert(numbers !== undefined, `${label} has no machine code`);
  native.bind(numbers, 0, {
    set,
    workers: 1,
    memory: machine.memory,
    parameters: machine.parameters,
    scratch: machine.scratch,
    makeFunction: openFunctionMaker(Deno.build.os as CallingSystem),
    work: twoPieces(),
  })();

  const expected = REFERENCE_KERNELS.get(kernel.name)!(given, constants, Object.fromEntries(before));
  const terms = Math.max(...Object.values(constants).filter((value) => value > 1), 8);
  for (const [name, array] of arrays) {
    array.check(`${label}: ${name}`);
    if (kernel.inputs.includes(name)) continue;
    const added = addsTo(kernel, name, constants) ? before.get(name)! : undefined;
    const sums = Float64Array.from(expected[name], (value, i) => value + (added?.[i] ?? 0));
    const tolerance = { absolute: terms * 16 * 2 ** -24, relative: terms * 2 ** -24 };
    assertClose(array.values, sums, tolerance, `${label}: ${name}`);
  }
}

// Products of few rows, and of rounded numbers, have tests of their own.
const isTried = ({ name, rounds }: Kernel) =>
  MADE_BY.has(name) && rounds === undefined && name !== "linear_quantized_forward";

for (const kernel of OP_KERNELS.filter(isTried)) {
  forEachSet(`${kernel.name} stays between its guards and equals the reference`, (set, machine) => {
    using code = new CodeCache(set, machine.convention, 1);
    const flags = Object.values(kernel.writes ?? {}).flatMap((write) =>
      typeof write === "object" ? [write.addedIf] : []
    );
    const family = Object.keys(SIZES).find((family) => kernel.name.startsWith(family))!;
    for (const sizes of SIZES[family]) {
      const known = Object.fromEntries(Object.keys(kernel.constants).map((name) => [name, sizes[name] ?? 0]));
      for (const flag of flags.length > 0 ? [0, 1] : [0]) {
        // Flags of one kernel differ, so that none is taken for another.
        const asked = Object.fromEntries(flags.map((name, i) => [name, (flag + i) % 2]));
        assertKernel(set, machine, code, kernel, { ...known, ...asked });
      }
    }
  });
}
