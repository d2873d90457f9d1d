import { bindFewRows, encodeFewRows } from "./few_rows_kernel.ts";
import type { NativeKernel } from "./kernel.ts";
import { productKernel } from "./product_kernel.ts";

/** How a call is made: the first of the numbers that it is told by. */
const [BY_TILES, BY_ROWS] = [0, 1];

/** linear_forward: of few rows, which reads the weights as they lie, or of many. */
export const linearForwardKernel: NativeKernel = {
  encode(call, code) {
    const few = encodeFewRows("f32", call, call.addresses, code);
    if (few !== undefined) return [BY_ROWS, ...few];
    const many = productKernel.encode(call, code);
    return many && [BY_TILES, ...many];
  },

  bind: ([way, ...numbers], counters, tools) =>
    way === BY_ROWS ? bindFewRows(numbers, counters, tools) : productKernel.bind(numbers, counters, tools),
};
