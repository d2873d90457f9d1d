import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { assemblePackAcross } from "../../../kernels/native/bf16/pack_across.ts";
import { assemblePackAlong } from "../../../kernels/native/bf16/pack_along.ts";
import { assemblePackColumns } from "../../../kernels/native/bf16/pack_columns.ts";
import { assemblePackRows } from "../../../kernels/native/bf16/pack_rows.ts";
import { assembleBf16Product } from "../../../kernels/native/bf16/product.ts";
import { planBf16Product } from "../../../kernels/native/bf16/product_plan.ts";
import type { Bf16Unit } from "../../../kernels/native/bf16/product_shape.ts";
import { AVX512 } from "../../../kernels/native/instruction_set.ts";
import { productOf } from "../../../lib/backend/native/linear_product.ts";
import { permitTiles } from "../../../lib/backend/native/permit_tiles.ts";
import { makeBf16ProductRun } from "../../../lib/backend/native/run_bf16_product.ts";
import { findNativeSupport } from "../../../lib/backend/native/support.ts";
import { Random } from "../../harness/random.ts";
import { roundToBf16 } from "../../reference/bf16.ts";
import { Machine, SCRATCH_BYTES } from "./machine.ts";

const KERNELS = ["forward", "backward_input", "backward_weight"] as const;

/** What a product of a linear layer, (rows, I) and (O, I), is run with. */
interface Case {
  readonly kernel: typeof KERNELS[number];
  readonly rows: number;
  readonly I: number;
  readonly O: number;
  readonly accumulate?: boolean;
  readonly workers?: number;
}

function forEachUnit(name: string, body: (unit: Bf16Unit, machine: Machine) => void): void {
  const { bf16Units = [] } = findNativeSupport();
  for (const unit of ["amx", "avx512"] as const) {
    const missing = !bf16Units.includes(unit)
      ? ": the processor lacks it"
      : unit === "amx" && !permitTiles()
      ? ": not permitted"
      : "";
    Deno.test({
      name: `${name} [${unit}${missing}]`,
      ignore: missing !== "",
      // The system's library stays open.
      sanitizeResources: false,
      fn: () => {
        using machine = new Machine();
        body(unit, machine);
      },
    });
  }
}

/** Runs a product on random matrices whose guards are checked. */
function run(unit: Bf16Unit, machine: Machine, { kernel, rows, I, O, accumulate = false, workers = 1 }: Case) {
  machine.clear();
  const random = new Random(rows * 31 + I * 7 + O);
  const product = productOf({ name: `linear_bf16_${kernel}`, constants: { rows, I, O }, addresses: [] });
  const { layoutOfA, layoutOfB } = product;
  const [a, b] = [machine.array(product.rows * product.depth), machine.array(product.depth * product.columns)];
  const c = machine.array(product.rows * product.columns);
  for (const array of accumulate ? [a, b, c] : [a, b]) {
    array.values.forEach((_, i) => array.values[i] = random.next() * 2 - 1);
  }
  const before = accumulate ? c.values.slice() : undefined;
  // Neither what is packed nor how it is filled up may depend on what lay there.
  new Uint32Array(machine.memory.buffer, machine.scratch, SCRATCH_BYTES / 4).fill(0x7fc07fc0);
  const plan = planBf16Product(product, unit, workers, SCRATCH_BYTES);
  const packA = layoutOfA === "across" ? assemblePackRows : assemblePackColumns;
  const packB = layoutOfB === "across" ? assemblePackAcross : assemblePackAlong;
  const code = {
    packA: machine.place(packA(AVX512, machine.convention, plan.packing.a)),
    packB: machine.place(packB(AVX512, machine.convention, plan.packing.b)),
    multiply: machine.place(assembleBf16Product(AVX512, machine.convention, plan.shape)),
  };
  const arrays = { a: a.address, b: b.address, c: c.address, accumulate };
  const productRun = makeBf16ProductRun(plan, code, {
    arrays,
    parameters: machine.parameters,
    scratch: machine.scratch,
  });
  productRun.begin();
  for (const one of plan.units) productRun.compute(one);
  for (const [name, array] of Object.entries({ a, b, c })) array.check(name);
  return { product, a: a.values, b: b.values, c: c.values, before };
}

/**
 * The exact product of the rounded matrices. Rounding of sums: each term may be off by 2⁻²⁴ of what is summed so far, and
 * there are as many as the depth.
 */
function assertProduct(unit: Bf16Unit, machine: Machine, given: Case): void {
  const { product, a, b, c, before } = run(unit, machine, given);
  const { rows, columns, depth, layoutOfA, layoutOfB } = product;
  const [left, right] = [a, b].map((values) => Float64Array.from(values, roundToBf16));
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      let [sum, magnitude] = [before?.[i * columns + j] ?? 0, Math.abs(before?.[i * columns + j] ?? 0)];
      for (let p = 0; p < depth; p++) {
        const term = left[layoutOfA === "across" ? i * depth + p : p * rows + i] *
          right[layoutOfB === "along" ? p * columns + j : j * depth + p];
        sum += term;
        magnitude += Math.abs(term);
      }
      const tolerance = (depth + 2) * 2 ** -24 * magnitude;
      const got = c[i * columns + j];
      const at = `${JSON.stringify(given)}, ${i}, ${j}`;
      assert(Math.abs(got - sum) <= tolerance, `${at}: got ${got}, must be within ${tolerance} of ${sum}`);
    }
  }
}

for (const kernel of KERNELS) {
  forEachUnit(
    `${kernel} in bf16 is as in float64 at sizes around tiles, vectors and blocks of depth`,
    (unit, machine) => {
      const sizes = [[1, 1, 1], [1, 3, 5], [2, 1, 37], [13, 17, 11], [14, 15, 16], [15, 31, 33], [16, 32, 17]];
      sizes.push([31, 33, 32], [32, 31, 31], [33, 32, 33], [29, 65, 63], [41, 64, 31], [5, 257, 9], [9, 5, 513]);
      sizes.push([513, 6, 7], [601, 3, 70], [33, 1031, 20], [20, 33, 1025], [1025, 17, 19]);
      for (const [rows, I, O] of sizes) {
        for (const accumulate of [false, true]) assertProduct(unit, machine, { kernel, rows, I, O, accumulate });
      }
    },
  );

  forEachUnit(`${kernel} in bf16 is as in float64 at any sizes`, (unit, machine) => {
    const size = fc.integer({ min: 1, max: 75 });
    fc.assert(
      fc.property(size, size, size, fc.boolean(), (rows, I, O, accumulate) => {
        assertProduct(unit, machine, { kernel, rows, I, O, accumulate });
      }),
      { numRuns: 40, seed: 3 },
    );
  });

  forEachUnit(`${kernel} in bf16 has the same bits however it is cut`, (unit, machine) => {
    const sizes = { kernel, rows: 700, I: 530, O: 600, accumulate: true };
    const bits = (workers: number) => new Uint32Array(run(unit, machine, { ...sizes, workers }).c.slice().buffer);
    const first = bits(1);
    for (const workers of [2, 5, 64]) {
      const other = bits(workers);
      assertEquals(other.findIndex((word, i) => word !== first[i]), -1, `${workers} workers`);
    }
  });
}

forEachUnit("units cover a product in bf16 once", (unit) => {
  const size = fc.integer({ min: 1, max: 5000 });
  fc.assert(fc.property(size, size, size, fc.integer({ min: 1, max: 256 }), (rows, I, O, workers) => {
    const product = productOf({ name: "linear_bf16_forward", constants: { rows, I, O }, addresses: [] });
    const { units, wholePanels, shape, tiling } = planBf16Product(product, unit, workers, SCRATCH_BYTES);
    const covered = units.reduce((sum, { firstTile, endTile, firstPanel, endPanel }) => {
      assert(firstTile < endTile && firstPanel < endPanel, "no unit is empty");
      return sum + (endTile - firstTile) * (endPanel - firstPanel);
    }, 0);
    assertEquals(covered, tiling.tiles * (wholePanels + (shape.edge > 0 ? 1 : 0)));
  }));
});
