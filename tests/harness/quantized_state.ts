import { ALIGNMENT_BYTES } from "../../lib/graph/plan.ts";
import { DeviceStorage } from "../../lib/graph/tensor.ts";
import { type QuantizedDType, quantizeRows } from "../../lib/ops/quantize.ts";
import { QuantizedTensor } from "../../lib/ops/quantized_tensor.ts";
import type { Trace } from "./graph_run.ts";

/** A weight in bf16 or int8, rounded from these numbers, with memory before and behind it that holds garbage. */
export function quantizedState(
  trace: Trace,
  name: string,
  shape: readonly [number, number],
  dtype: QuantizedDType,
  values: Float32Array,
): QuantizedTensor {
  const bytes = QuantizedTensor.bytesOf(shape, dtype) + 2 * ALIGNMENT_BYTES;
  const placement = { storage: new DeviceStorage(name, bytes), byteOffset: ALIGNMENT_BYTES };
  const tensor = new QuantizedTensor(name, shape, dtype, placement);
  const { words, scales } = quantizeRows(name, values, shape[1], dtype);
  trace.data.set(tensor.words, words);
  trace.data.set(tensor.scales, scales);
  return tensor;
}
