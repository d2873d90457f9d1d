// The time of one way to compute a product.
import type { Backend } from "../../lib/backend/backend.ts";
import { UserError } from "../../lib/errors.ts";
import type { Kernel } from "../../lib/graph/kernel.ts";
import { Program } from "../../lib/graph/program.ts";
import type { View } from "../../lib/graph/tensor.ts";
import { contentsOf, viewsOf } from "../../lib/measure/kernel_arrays.ts";

/** A run of less by the device's clock is repeated. */
const SHORTEST_SECONDS = 0.004;

/** A variant that is so much slower than the best is not looked at twice. */
const HOPELESS = 1.5;

/** Rows, inputs, outputs. */
export type ProductSizes = readonly [rows: number, I: number, O: number];

/** The kernel's arrays, inputs first, in the order of its signature. */
export async function makeArrays(backend: Backend, kernel: Kernel, sizes: ProductSizes): Promise<View[]> {
  const [rows, I, O] = sizes;
  const counts = kernel.sizes!({ rows, I, O });
  const arrays = [...kernel.inputs, ...kernel.outputs].map((name) => counts[name]);
  const views = viewsOf(kernel.name, arrays);
  await backend.load(programOf(kernel, views, sizes));
  kernel.inputs.forEach((_, i) => backend.write(views[i], contentsOf(arrays[i])));
  return views;
}

/**
 * Seconds of the fastest of some runs, or of a single one where that is hopeless.
 *
 * @param best Seconds of the best variant so far.
 * @throws {UserError} If the device keeps no clock.
 */
export async function bestTime(
  backend: Backend,
  kernel: Kernel,
  views: readonly View[],
  sizes: ProductSizes,
  { runs, best }: { readonly runs: number; readonly best: number },
): Promise<number> {
  const { time } = await backend.load(programOf(kernel, views, sizes));
  if (time === undefined) {
    throw new UserError("Cannot time kernels: got an adapter without timestamp-query, must have it");
  }
  await time(1);
  let fastest = await time(1);
  if (fastest > HOPELESS * best) return fastest;
  const repeats = Math.max(1, Math.ceil(SHORTEST_SECONDS / fastest));
  for (let run = 0; run < runs; run++) fastest = Math.min(fastest, await time(repeats) / repeats);
  return fastest;
}

function programOf(kernel: Kernel, views: readonly View[], sizes: ProductSizes): Program {
  const constants = [...sizes, ...Object.keys(kernel.constants).slice(sizes.length).map(() => 0)];
  return new Program({ calls: [{ kernel, views, constants }], inputs: undefined, scratch: [], placements: new Map() });
}
