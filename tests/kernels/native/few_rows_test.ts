import { assert, assertEquals } from "@std/assert";
import type { InstructionSet } from "../../../kernels/native/instruction_set.ts";
import type { WeightFormat } from "../../../kernels/native/few_rows.ts";
import { CodeCache } from "../../../lib/backend/native/code_cache.ts";
import { bindFewRows, encodeFewRows, MAX_FEW_ROWS } from "../../../lib/backend/native/few_rows_kernel.ts";
import { openFunctionMaker } from "../../../lib/backend/native/native_function.ts";
import type { CallingSystem } from "../../../lib/backend/native/system_library.ts";
import { quantizeRows } from "../../../lib/ops/quantize.ts";
import { Random } from "../../harness/random.ts";
import { linearForward } from "../../reference/linear.ts";
import { linearQuantizedForward } from "../../reference/quantized.ts";
import { forEachSet, type Machine } from "./machine.ts";

const FORMATS: readonly WeightFormat[] = ["f32", "bf16", "int8"];

interface Sizes {
  readonly rows: number;
  readonly I: number;
  readonly O: number;
}

/** A product of random matrices by so many units at once, between guards that are checked; and the same in float64. */
function run(set: InstructionSet, machine: Machine, format: WeightFormat, { rows, I, O }: Sizes, units: number) {
  machine.clear();
  using code = new CodeCache(set, machine.convention, 1);
  // The weights, and the first rows of x, do not depend on how many there are.
  const random = new Random(I * 7 + O);
  const weights = random.normal(O * I);
  const quantized = format === "f32" ? undefined : quantizeRows("weights", weights, I, format);
  const [x, y] = [machine.array(rows * I), machine.array(rows * O)];
  const weight = machine.array(quantized?.words.length ?? O * I);
  const scales = machine.array(O);
  x.values.set(random.normal(rows * I));
  new Uint32Array(machine.memory.buffer, weight.address, weight.size).set(
    quantized?.words ?? new Uint32Array(weights.buffer),
  );
  if (quantized) scales.values.set(quantized.scales);
  y.values.fill(NaN);
  const constants = { rows, I, O };
  const addresses = [x, weight, y, scales].map(({ address }) => address);
  const numbers = encodeFewRows(format, { name: "", constants, addresses }, addresses, code)!;
  let [count, begin, end] = [0, 0, 0];
  bindFewRows(numbers, 0, {
    set,
    workers: 1,
    memory: machine.memory,
    parameters: machine.parameters,
    scratch: machine.scratch,
    makeFunction: openFunctionMaker(Deno.build.os as CallingSystem),
    work: {
      divide: (_counters, all) => [count, begin, end] = [all, 0, 0],
      claim: () => {
        [begin, end] = [end, Math.min(end + units, count)];
        return begin < end;
      },
      firstUnit: () => begin,
      endUnit: () => end,
    },
  })();
  for (const array of [x, weight, scales, y]) array.check(`${format} ${JSON.stringify(constants)}`);
  const exact = (array: Float32Array) => Float64Array.from(array);
  const expected = quantized === undefined
    ? linearForward({ x: exact(x.values), weight: exact(weights) }, constants).y
    : linearQuantizedForward({ x: exact(x.values), weight: quantized.words, scales: exact(quantized.scales) }, {
      ...constants,
      bits: format === "int8" ? 8 : 16,
    }).y;
  return { got: y.values, expected };
}

/** As if each of a sum's terms were rounded at the size of the largest sum. */
function assertProduct(set: InstructionSet, machine: Machine, format: WeightFormat, sizes: Sizes): void {
  const { got, expected } = run(set, machine, format, sizes, Infinity);
  const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
  expected.forEach((value, i) => {
    const label = `${format} ${JSON.stringify(sizes)}, ${i}: got ${got[i]}, must be ${value}`;
    assert(Math.abs(got[i] - value) <= (sizes.I + 4) * 2 ** -24 * largest, label);
  });
}

for (const format of FORMATS) {
  forEachSet(`few rows by weights of ${format} are as in float64 at every number of rows`, (set, machine) => {
    for (let rows = 1; rows <= MAX_FEW_ROWS; rows++) {
      for (const [I, O] of [[1, 1], [37, 5], [64, 33]]) assertProduct(set, machine, format, { rows, I, O });
    }
  });

  forEachSet(`few rows by weights of ${format} are as in float64 at sizes around vectors and turns`, (set, machine) => {
    for (const rows of [1, 3, 13]) {
      for (let I = 1; I <= 70; I++) assertProduct(set, machine, format, { rows, I, O: 3 });
      for (let O = 1; O <= 35; O++) assertProduct(set, machine, format, { rows, I: 17, O });
      for (const I of [127, 128, 129, 1031]) assertProduct(set, machine, format, { rows, I, O: 19 });
    }
  });

  forEachSet(`few rows by weights of ${format} have the same bits however they are cut`, (set, machine) => {
    const bits = (sizes: Sizes, units: number) =>
      new Uint32Array(run(set, machine, format, sizes, units).got.slice().buffer);
    const sizes = { rows: 11, I: 131, O: 211 };
    const whole = bits(sizes, Infinity);
    for (const units of [1, 2, 5]) assertEquals(bits(sizes, units), whole);
    assert(whole.some((word) => word !== 0));
  });
}

forEachSet("a row's product has the same bits whatever other rows there are", (set, machine) => {
  for (const format of FORMATS) {
    const firstRow = (rows: number) => {
      const { got } = run(set, machine, format, { rows, I: 131, O: 45 }, Infinity);
      return new Uint32Array(got.slice(0, 45).buffer);
    };
    const alone = firstRow(1);
    for (const rows of [2, 3, 7, 9, 16]) assertEquals(firstRow(rows), alone, `${format}, ${rows} rows`);
  }
});

forEachSet("products of many rows are left to others", (set, machine) => {
  using code = new CodeCache(set, machine.convention, 1);
  const encode = (rows: number, I: number, O: number) =>
    encodeFewRows("f32", { name: "", constants: { rows, I, O }, addresses: [] }, [0, 0, 0], code);
  assertEquals(encode(MAX_FEW_ROWS + 1, 8, 8), undefined);
  assertEquals(encode(16, 2 ** 25, 1), undefined);
  assertEquals(encode(16, 1, 2 ** 25), undefined);
  assert(encode(MAX_FEW_ROWS, 8, 8) !== undefined);
});
