import { assert, assertEquals } from "@std/assert";
import type { Backend } from "../../lib/backend/backend.ts";
import type { Kernel, KernelTry, KernelWrite } from "../../lib/graph/kernel.ts";
import { type Arrays, GARBAGE, GraphRun, type HostData } from "./graph_run.ts";
import { Random } from "./random.ts";

/** How outputs are said to be written; `"overwritten"` where nothing is said. */
export type Writes = Readonly<Partial<Record<string, KernelWrite>>>;

/** The constants that decide how any of a kernel's outputs are written. */
export function flagsOf(kernel: Kernel): string[] {
  return Object.values(kernel.writes ?? {}).flatMap((write) => typeof write === "object" ? [write.addedIf] : []);
}

/**
 * Asserts that a kernel writes its outputs as it is said to: outputs that hold different things before are told apart
 * afterwards, or not. Tries every setting of its flags.
 *
 * @param writes What is said; the kernel's own by default.
 */
export async function assertWritesAsDeclared(
  backend: Backend,
  kernel: Kernel,
  sample: KernelTry,
  writes: Writes = kernel.writes ?? {},
): Promise<void> {
  const flags = flagsOf(kernel);
  for (let setting = 0; setting < 2 ** flags.length; setting++) {
    const constants = { ...sample.constants };
    flags.forEach((flag, i) => constants[flag] = setting >> i & 1);
    const random = new Random(90 + setting);
    const filled = (fill: (size: number) => Float32Array) =>
      Object.fromEntries(kernel.outputs.map((name) => [name, fill(sizesOf(kernel, constants)[name])]));
    // None is negative: some are variances.
    const some = filled((size) => random.normal(size).map(Math.abs));
    const befores = [
      some,
      filled((size) => random.normal(size).map(Math.abs)),
      filled((size) => new Float32Array(size)),
    ];
    // Where something else lay before in one output alone: what another held must not be taken for it.
    const alone = kernel.outputs.map((name) => ({ ...some, [name]: befores[1][name] }));
    const all = await resultsOver(backend, kernel, { ...sample, constants }, [some, befores[2], ...alone]);
    const [first, zeros] = all;
    for (const [i, name] of kernel.outputs.entries()) {
      const second = all[i + 2];
      const write = writes[name] ?? "overwritten";
      const label = `${kernel.name} ${JSON.stringify(constants)}: ${name}`;
      if (typeof write === "object" && constants[write.addedIf] === 1) {
        assertAdded(first[name], zeros[name], some[name], `${label} is not added to`);
      } else if (write === "updated") {
        // What only stays as it was is not read.
        const isRead = first[name].some((value, i) => value !== second[name][i] && value !== some[name][i]);
        assert(isRead, `${label} does not depend on what was there`);
      } else if (write === "partly overwritten") {
        const isKept = (i: number) => first[name][i] === some[name][i] && second[name][i] === befores[1][name][i];
        const kept = first[name].filter((_, i) => isKept(i)).length;
        assert(kept > 0 && kept < first[name].length, `${label}: ${kept} of ${first[name].length} elements stay`);
        assert(first[name].every((value, i) => isKept(i) || value === second[name][i]), `${label} is read`);
      } else {
        assertEquals(second[name], first[name], `${label} depends on what was there`);
      }
    }
  }
}

/** Elements of each array. */
export function sizesOf(kernel: Kernel, constants: Readonly<Record<string, number>>): Readonly<Record<string, number>> {
  assert(kernel.sizes !== undefined, `${kernel.name} does not tell its arrays' sizes`);
  return kernel.sizes(constants);
}

/** What a kernel makes of the same inputs over each of several contents of its outputs. */
export async function resultsOver(
  backend: Backend,
  kernel: Kernel,
  { constants, inputs: given = {} }: KernelTry,
  befores: readonly Readonly<Record<string, HostData>>[],
): Promise<Arrays[]> {
  const random = new Random(17);
  const sizes = sizesOf(kernel, constants);
  const below = kernel.below?.(constants) ?? {};
  const dataOf = (name: string): HostData => {
    const isInteger = kernel.integers?.includes(name) ?? false;
    const values = given[name];
    if (values !== undefined) return isInteger ? Uint32Array.from(values) : Float32Array.from(values);
    return isInteger ? random.integers(sizes[name], below[name]!) : random.normal(sizes[name]);
  };
  const run = await GraphRun.load(backend, (trace) => {
    const inputs = kernel.inputs.map((name) => [name, trace.input(name, [sizes[name]], dataOf(name))] as const);
    const outputs = Object.fromEntries(
      kernel.outputs.map((name) => [name, trace.state(name, [sizes[name]], befores[0][name])]),
    );
    trace.graph.call(kernel, { inputs: Object.fromEntries(inputs), outputs, constants });
    return outputs;
  });
  try {
    const all: Arrays[] = [];
    for (const before of befores) all.push(await run.run(GARBAGE[0], before));
    return all;
  } finally {
    run.release();
  }
}

/** Asserts that `sum` is `share` and `before` together, up to a sum's rounding, and that there is a share. */
function assertAdded(sum: ArrayLike<number>, share: ArrayLike<number>, before: ArrayLike<number>, label: string): void {
  let largest = 0;
  for (let i = 0; i < sum.length; i++) largest = Math.max(largest, Math.abs(share[i]), Math.abs(before[i]));
  const off = Array.from(before).findIndex((value, i) => !(Math.abs(sum[i] - share[i] - value) <= 1e-5 * largest));
  assertEquals(off, -1, `${label}: element ${off} is ${sum[off]}, must be ${share[off]} + ${before[off]}`);
}
