import { assertEquals, assertThrows } from "@std/assert";
import { addsTo, defineKernel, type Kernel, readsOutput } from "../../lib/graph/kernel.ts";

/** A kernel that says everything, and nothing that contradicts the rest. */
const KERNEL: Kernel = {
  name: "gather",
  inputs: ["ids", "x"],
  outputs: ["y", "count"],
  integers: ["ids", "count"],
  constants: { n: "u32", rows: "u32", scale: "f32", accumulate: "u32" },
  writes: { y: { addedIf: "accumulate" }, count: "updated" },
  halves: ["x", "y"],
  sizes: ({ n, rows }) => ({ ids: n, x: rows, y: n, count: 1 }),
  touched: ({ n, rows }) => ({ x: Math.min(n, rows) }),
  below: ({ rows }) => ({ ids: rows }),
  flops: ({ n, accumulate }) => ({ matmul: 0, other: n * (1 + accumulate) }),
  tries: [{ constants: { n: 5, rows: 3, scale: 0.5, accumulate: 1 }, inputs: { x: [1, 2, 3] } }],
};

const { constants } = KERNEL.tries![0];

function refused(change: Partial<Kernel>, field: string, got: string): void {
  const error = assertThrows(() => defineKernel({ ...KERNEL, ...change }), RangeError);
  const start = `Cannot define kernel gather: ${field}: got ${got}, must be `;
  assertEquals(error.message.slice(0, start.length), start);
}

Deno.test("defineKernel: an array is one thing under one name", () => {
  assertEquals(defineKernel(KERNEL), KERNEL);
  refused({ outputs: ["y", "x"] }, "inputs and outputs", "x twice");
  refused({ integers: ["ids", "idz"] }, "integers", "idz");
  refused({ halves: ["z"] }, "halves", "z");
  refused({ halves: ["ids"] }, "halves", "ids, which holds integers");
});

Deno.test("defineKernel: outputs alone are written, and added to under a constant that there is", () => {
  refused({ writes: { x: "updated" } }, "writes", "x");
  refused({ writes: { y: { addedIf: "accumulateY" } } }, "writes.y.addedIf", "accumulateY");
  refused({ writes: { y: { addedIf: "scale" } } }, "writes.y.addedIf", "scale");
});

Deno.test("defineKernel: a try gives every constant, and each a number of its type", () => {
  const tryWith = (change: Record<string, number>) => ({ tries: [{ constants: { ...constants, ...change } }] });
  const { n: _, ...lacking } = constants;
  refused({ tries: [{ constants: lacking }] }, "tries[0].constants", "nothing for n");
  refused(tryWith({ m: 1 }), "tries[0].constants", "m");
  for (const n of [-1, 1.5, NaN]) refused(tryWith({ n }), "tries[0].constants.n", String(n));
  refused(tryWith({ scale: Infinity }), "tries[0].constants.scale", "Infinity");
  refused({ tries: [{ constants, inputs: { y: [1] } }] }, "tries[0].inputs", "y");
  refused({ tries: [{ constants, inputs: { x: [1, 2] } }] }, "tries[0].inputs.x", "2");
});

Deno.test("defineKernel: formulas speak of the kernel's arrays, all that they must, in numbers that can be", () => {
  const sizes = { ids: 5, x: 3, y: 5, count: 1 };
  refused({ sizes: undefined }, "sizes", "nothing for ids");
  refused({ sizes: () => ({ ...sizes, z: 1 }) }, "sizes", "z");
  for (const y of [0, 2.5, NaN]) refused({ sizes: () => ({ ...sizes, y }) }, "sizes.y", String(y));
  refused({ touched: () => ({ z: 1 }) }, "touched", "z");
  for (const x of [4, NaN]) refused({ touched: () => ({ x }) }, "touched.x", String(x));
  refused({ below: () => ({ x: 1 }) }, "below", "x");
  refused({ below: () => ({ ids: 0 }) }, "below.ids", "0");
  refused({ below: undefined }, "below", "nothing");
  refused({ flops: () => ({ matmul: NaN, other: 0 }) }, "flops.matmul", "NaN");
  refused({ flops: ({ m }) => ({ matmul: 0, other: 2 * m }) }, "flops.other", "NaN");
  refused({ flops: () => ({ matmul: 0, other: 0, done: -1 }) }, "flops.done", "-1");
});

Deno.test("defineKernel: names that it does not have are errors to the compiler", () => {
  const y = { name: "plain", inputs: ["x"], outputs: ["y"], constants: { n: "u32" } } as const;
  // @ts-expect-error: no such array.
  assertThrows(() => defineKernel({ ...y, integers: ["z"] }), RangeError);
  // @ts-expect-error: no such array.
  assertThrows(() => defineKernel({ ...y, halves: ["z"] }), RangeError);
  // @ts-expect-error: an input is not written.
  assertThrows(() => defineKernel({ ...y, writes: { x: "updated" } }), RangeError);
  // @ts-expect-error: no such constant.
  assertThrows(() => defineKernel({ ...y, writes: { y: { addedIf: "m" } } }), RangeError);
  // @ts-expect-error: no such constant.
  defineKernel({ ...y, flops: ({ m }) => ({ matmul: 0, other: m }) });
  // @ts-expect-error: not every array's size.
  defineKernel({ ...y, sizes: ({ n }) => ({ x: n }) });
});

Deno.test("what a call does to an output is what the kernel says for its constants", () => {
  const on = { ...constants, accumulate: 1 };
  const off = { ...constants, accumulate: 0 };
  assertEquals([addsTo(KERNEL, "y", on), addsTo(KERNEL, "y", off), addsTo(KERNEL, "count", on)], [true, false, false]);
  assertEquals([readsOutput(KERNEL, "y", on), readsOutput(KERNEL, "y", off)], [true, false]);
  assertEquals(readsOutput(KERNEL, "count", off), true);
  const partly: Kernel = { ...KERNEL, writes: { y: "partly overwritten" } };
  assertEquals([readsOutput(partly, "y", on), readsOutput(partly, "count", on)], [false, false]);
});
