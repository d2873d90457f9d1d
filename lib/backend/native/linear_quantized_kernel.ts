import { bindFewRows, encodeFewRows } from "./few_rows_kernel.ts";
import type { NativeKernel } from "./kernel.ts";

/** linear_quantized_forward, of few rows: those of many are not multiplied by such weights. */
export const linearQuantizedKernel: NativeKernel = {
  encode(call, code) {
    const [x, weight, scales, y] = call.addresses;
    const format = call.constants.bits === 8 ? "int8" : "bf16";
    return encodeFewRows(format, call, [x, weight, y, scales], code);
  },
  bind: bindFewRows,
};
