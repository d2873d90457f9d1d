import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { InstructionSet } from "../../../kernels/native/instruction_set.ts";
import { assemblePackAcross } from "../../../kernels/native/pack_across.ts";
import { assemblePackAlong } from "../../../kernels/native/pack_along.ts";
import { assembleProduct } from "../../../kernels/native/product.ts";
import type { Product } from "../../../kernels/native/product_cut.ts";
import { planProduct } from "../../../kernels/native/product_plan.ts";
import { makeProductRun } from "../../../lib/backend/native/run_product.ts";
import { Random } from "../../harness/random.ts";
import { forEachSet, type Guarded, type Machine, SCRATCH_BYTES } from "./machine.ts";

const LAYOUTS = ["x Wᵀ", "dY W", "dYᵀ x"] as const;

/** The three products of a linear layer, (rows, I) and (O, I): see kernels/simd/linear.ts. */
function productOf(layout: typeof LAYOUTS[number], rows: number, I: number, O: number): Product {
  const [inBytes, outBytes] = [I * 4, O * 4];
  if (layout === "x Wᵀ") {
    const layouts = { layoutOfA: "across", layoutOfB: "across" } as const;
    return { rows, columns: O, depth: I, ...layouts, aRowBytes: inBytes, bRowBytes: inBytes };
  }
  if (layout === "dY W") {
    const layouts = { layoutOfA: "across", layoutOfB: "along" } as const;
    return { rows, columns: I, depth: O, ...layouts, aRowBytes: outBytes, bRowBytes: inBytes };
  }
  const layouts = { layoutOfA: "along", layoutOfB: "along" } as const;
  return { rows: O, columns: I, depth: rows, ...layouts, aRowBytes: outBytes, bRowBytes: inBytes };
}

/** The same in float64. */
function expected(product: Product, a: Float32Array, b: Float32Array, before: Float32Array | undefined) {
  const { rows, columns, depth, layoutOfA, layoutOfB, aRowBytes, bRowBytes } = product;
  const aAt = (i: number, p: number) => layoutOfA === "across" ? a[i * aRowBytes / 4 + p] : a[p * aRowBytes / 4 + i];
  const bAt = (p: number, j: number) => layoutOfB === "along" ? b[p * bRowBytes / 4 + j] : b[j * bRowBytes / 4 + p];
  const values = new Float64Array(rows * columns);
  const magnitudes = new Float64Array(rows * columns);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      let [sum, magnitude] = [before?.[i * columns + j] ?? 0, Math.abs(before?.[i * columns + j] ?? 0)];
      for (let p = 0; p < depth; p++) {
        sum += aAt(i, p) * bAt(p, j);
        magnitude += Math.abs(aAt(i, p) * bAt(p, j));
      }
      values[i * columns + j] = sum;
      magnitudes[i * columns + j] = magnitude;
    }
  }
  return { values, magnitudes };
}

/** What a product is run with. */
interface Case {
  readonly product: Product;
  readonly accumulate: boolean;
  readonly workers?: number;
}

/** Runs a product on random matrices, and returns them and the result, whose guards are checked. */
function run(set: InstructionSet, machine: Machine, { product, accumulate, workers = 1 }: Case) {
  machine.clear();
  const random = new Random(product.rows * 31 + product.columns * 7 + product.depth);
  const fill = (array: Guarded) => array.values.forEach((_, i) => array.values[i] = random.next() * 2 - 1);
  const [a, b] = [machine.array(product.rows * product.depth), machine.array(product.depth * product.columns)];
  const c = machine.array(product.rows * product.columns);
  fill(a);
  fill(b);
  if (accumulate) fill(c);
  const before = accumulate ? c.values.slice() : undefined;
  const plan = planProduct(product, set, workers, SCRATCH_BYTES)!;
  const assemblePack = product.layoutOfB === "along" ? assemblePackAlong : assemblePackAcross;
  const code = {
    multiply: machine.place(assembleProduct(set, machine.convention, plan.shape)),
    pack: machine.place(assemblePack(set, machine.convention, plan.packing)),
  };
  const arrays = { a: a.address, b: b.address, c: c.address, accumulate };
  const productRun = makeProductRun(plan, code, { arrays, parameters: machine.parameters, scratch: machine.scratch });
  productRun.begin();
  for (const unit of plan.units) productRun.compute(unit);
  a.check("a");
  b.check("b");
  c.check("c");
  return { a: a.values, b: b.values, c: c.values, before };
}

/** Rounding: each of a sum's terms may be off by 2⁻²⁴ of what is summed so far, and there are as many as the depth. */
function assertProduct(set: InstructionSet, machine: Machine, given: Case): void {
  const { product } = given;
  const { a, b, c, before } = run(set, machine, given);
  const { values, magnitudes } = expected(product, a, b, before);
  values.forEach((value, i) => {
    const tolerance = (product.depth + 2) * 2 ** -24 * magnitudes[i];
    const at = `${JSON.stringify(product)}, ${Math.floor(i / product.columns)}, ${i % product.columns}`;
    assert(Math.abs(c[i] - value) <= tolerance, `${at}: got ${c[i]}, must be within ${tolerance} of ${value}`);
  });
}

for (const layout of LAYOUTS) {
  forEachSet(`${layout} is as in float64 at sizes around tiles, vectors and blocks of depth`, (set, machine) => {
    const sizes = [[1, 1, 1], [1, 3, 5], [2, 1, 37], [13, 17, 11], [14, 15, 16], [15, 31, 33], [7, 32, 29], [6, 8, 48]];
    sizes.push([29, 65, 63], [41, 64, 31], [5, 257, 9], [9, 5, 513], [255, 6, 7], [601, 3, 70], [33, 1031, 20]);
    for (const [rows, I, O] of sizes) {
      for (const accumulate of [false, true]) {
        assertProduct(set, machine, { product: productOf(layout, rows, I, O), accumulate });
      }
    }
  });

  forEachSet(`${layout} is as in float64 at any sizes`, (set, machine) => {
    const size = fc.integer({ min: 1, max: 75 });
    fc.assert(
      fc.property(size, size, size, fc.boolean(), (rows, I, O, accumulate) => {
        assertProduct(set, machine, { product: productOf(layout, rows, I, O), accumulate });
      }),
      { numRuns: 40, seed: 3 },
    );
  });

  forEachSet(`${layout} has the same bits however it is cut`, (set, machine) => {
    const product = productOf(layout, 333, 300, 290);
    const first = new Uint32Array(run(set, machine, { product, accumulate: true }).c.slice().buffer);
    for (const workers of [2, 5, 64]) {
      const other = new Uint32Array(run(set, machine, { product, accumulate: true, workers }).c.slice().buffer);
      assertEquals(other.findIndex((word, i) => word !== first[i]), -1, `${workers} workers`);
    }
  });
}

forEachSet("units cover a product once, and keep their order", (set) => {
  const size = fc.integer({ min: 1, max: 5000 });
  fc.assert(fc.property(size, size, size, fc.integer({ min: 1, max: 256 }), (rows, I, O, workers) => {
    const { units, wholePanels, shape } = planProduct(productOf("x Wᵀ", rows, I, O), set, workers, 8 << 20)!;
    const tiles = Math.ceil(rows / set.tileRows);
    const panels = wholePanels + (shape.edge > 0 ? 1 : 0);
    let covered = 0;
    for (const { firstTile, endTile, firstPanel, endPanel } of units) {
      assert(firstTile < endTile && firstPanel < endPanel, "no unit is empty");
      covered += (endTile - firstTile) * (endPanel - firstPanel);
    }
    assertEquals(covered, tiles * panels);
  }));
});

forEachSet("matrices whose rows are too far apart for the code are left to others", (set) => {
  assertEquals(planProduct(productOf("x Wᵀ", 2, 2 ** 26, 2), set, 1, SCRATCH_BYTES), undefined);
});
